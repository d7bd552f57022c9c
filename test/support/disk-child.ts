// A process of its own that does one thing with src/disk, for tests that kill, stop and count it.
import { mkdir, rmdir } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock, type Clock } from '../../src/clock.ts';
import { createMd5 } from '../../src/hash/hash-file.ts';
import { acquireLock } from '../../src/fs/lock.ts';
import { PartStore } from '../../src/download/part-store.ts';
import { writeFileAtomic } from '../../src/fs/atomic.ts';
import { isCcxriError } from '../../src/errors.ts';

const [, , task = '', ...args] = process.argv;
const stdin = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
/** Polls soon: nobody wants to wait in a test. */
const clock: Clock = { ...systemClock, sleep: () => sleep(5) };

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Takes the lock at once, says so, and holds it until told. */
async function hold(path: string): Promise<void> {
  const onNotice = (message: string) => say(message);
  const release = await acquireLock({ path, wait: false, clock, onNotice });
  say('held');
  await stdin.next();
  await release();
  say('released');
}

/** Queues for the lock and counts who else is inside: an exclusive mkdir fails where anybody is. */
async function queue(path: string, inside: string): Promise<void> {
  const release = await acquireLock({ path, wait: true, clock });
  await mkdir(inside);
  await sleep(3);
  await rmdir(inside);
  await release();
  say('was alone');
}

/** Writes a file as a download does, in small steps, without any lock. */
async function download(directory: string, finalPath: string) {
  const content = Buffer.alloc(300_000, 'abcdefghijk');
  const part = await new PartStore(directory).open({ name: 'a.zip', md5: '0'.repeat(32) });
  for (let at = part.bytes; at < content.length; at += 10_000) {
    await part.write(content.subarray(at, at + 10_000), part.bytes);
    await sleep(1);
  }
  say(await part.finish());
  await part.moveTo(finalPath);
}

function md5OfText(text: string): void {
  const md5 = createMd5();
  md5.update(Buffer.from(text));
  say(md5.digest());
}

async function run(): Promise<void> {
  const [first = '', second = ''] = args;
  if (task === 'hold') await hold(first);
  else if (task === 'queue') await queue(first, second);
  else if (task === 'download') await download(first, second);
  else if (task === 'write') await writeFileAtomic(first, 'x'.repeat(Number(second)));
  else if (task === 'md5-under-fips') md5OfText(first);
  else throw new Error(`no such task: ${task}`);
}

try {
  if (task === 'md5-under-fips') (await import('node:crypto')).setFips(true);
  await run();
  say('done');
} catch (error) {
  if (!isCcxriError(error)) throw error;
  say(`${error.code}: ${error.message}`);
  process.exitCode = 1;
}
process.stdin.destroy();
