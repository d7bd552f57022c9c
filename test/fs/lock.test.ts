import { createHash } from 'node:crypto';
import { mkdir, readFile, symlink, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { type Clock, systemClock } from '../../src/clock.ts';
import { acquireLock, readLockHolder } from '../../src/fs/lock.ts';
import { type ProcessIdentity, ownIdentity } from '../../src/fs/process-identity.ts';
import { type Child, useChildren } from '../support/children.ts';
import { canMount, useMounts } from '../support/mounts.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const children = useChildren('disk-child.ts');
const mounts = useMounts();

/** Polls soon: nobody wants to wait in a test. */
const clock: Clock = {
  ...systemClock,
  sleep: async (_ms, signal) => systemClock.sleep(5, signal),
};
const AGES_AGO = new Date('2001-01-01');

async function newLockPath(): Promise<string> {
  return join(await tempDir(), '.ccxri', 'lock');
}

function take(path: string, options: Partial<Parameters<typeof acquireLock>[0]> = {}) {
  return acquireLock({ path, wait: false, clock, ...options });
}

async function startHolder(path: string): Promise<Child> {
  const child = await children.start(['hold', path]);
  expect(await child.nextLine()).toBe('held');
  return child;
}

/** A lock as another run would have left it. */
async function leaveLock(path: string, holder: Partial<ProcessIdentity>): Promise<string> {
  const record = {
    lockVersion: 1,
    holder: { ...(await ownIdentity()), ...holder },
    token: 'left behind',
    since: '2026-01-05T10:11:12.000Z',
  };
  await leaveText(path, JSON.stringify(record));
  return JSON.stringify(record);
}

async function leaveText(path: string, text: string, mtime?: Date): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
  if (mtime !== undefined) await utimes(path, mtime, mtime);
}

/** What lies in .ccxri: a lock leaves nothing beside it. */
function leftIn(path: string): Promise<readonly string[]> {
  return listTree(dirname(path));
}

it('makes the directory, holds, and leaves nothing when released', async () => {
  const path = await newLockPath();
  const release = await take(path);
  expect(await leftIn(path)).toEqual(['lock']);
  expect(await readLockHolder(path)).toMatch(
    new RegExp(`^pid ${process.pid} on ${hostname()} since \\d{4}-`),
  );
  await release();
  expect(await leftIn(path)).toEqual([]);
  expect(await readLockHolder(path)).toBeNull();
});

it('#84 a second run is told at once who holds the lock, and changes nothing', async () => {
  const path = await newLockPath();
  const holder = await startHolder(path);
  const before = await readFile(path, 'utf8');
  const said: string[] = [];
  await expect(take(path, { onNotice: (message) => said.push(message) })).rejects.toMatchObject({
    code: 'locked',
    message: expect.stringContaining(`pid ${holder.pid} on ${hostname()} since `) as string,
    next: [expect.objectContaining({ kind: 'option', option: 'wait' })],
  });
  expect(said).toEqual([]);
  expect(await readFile(path, 'utf8')).toBe(before);
  expect(await leftIn(path)).toEqual(['lock']);
});

it('#84 with wait it queues, says for whom once, and gets the lock', async () => {
  const path = await newLockPath();
  const holder = await startHolder(path);
  const said: string[] = [];
  const release = await take(path, {
    wait: true,
    onNotice: (message) => {
      said.push(message);
      holder.tell('let go');
    },
  });
  expect(said).toEqual([expect.stringContaining(`waiting for pid ${holder.pid} on `)]);
  expect(await holder.nextLine()).toBe('released');
  expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ holder: { pid: process.pid } });
  await release();
});

it('a wait ends when it is stopped, and the holder keeps the lock', async () => {
  const path = await newLockPath();
  const left = await leaveLock(path, { host: 'another-host' });
  const stop = new AbortController();
  const waiting = take(path, { wait: true, signal: stop.signal, onNotice: () => stop.abort() });
  await expect(waiting).rejects.toMatchObject({ code: 'aborted' });
  expect(await readFile(path, 'utf8')).toBe(left);
});

it('two locks of one process are two', async () => {
  const path = await newLockPath();
  const date = new Date();
  const release = await take(path, { clock: { ...clock, date: () => date } });
  const again = take(path, { clock: { ...clock, date: () => date } });
  await expect(again).rejects.toMatchObject({ code: 'locked' });
  await release();
});

it('#86 the lock of a killed holder is taken over at once, in one line', async () => {
  const path = await newLockPath();
  const holder = await startHolder(path);
  holder.kill('SIGKILL');
  await holder.ended;
  expect(await readLockHolder(path)).toBeNull();
  const said: string[] = [];
  const release = await take(path, { onNotice: (message) => said.push(message) });
  expect(said).toEqual(['took over the lock of a run that has died']);
  expect(await leftIn(path)).toEqual(['lock']);
  await release();
});

it('#86 it is taken over also where another run died while taking it over', async () => {
  const path = await newLockPath();
  const holder = await startHolder(path);
  holder.kill('SIGKILL');
  await holder.ended;
  await leaveText(`${path}.break`, await readFile(path, 'utf8'));
  const release = await take(path);
  expect(await leftIn(path)).toEqual(['lock']);
  await release();
});

it('#86 while another run takes a dead lock over, that run is named', async () => {
  const path = await newLockPath();
  await leaveLock(path, { startToken: 'a boot long ago:1:1' });
  await leaveLock(`${path}.break`, { host: 'another-host' });
  await expect(take(path)).rejects.toMatchObject({
    code: 'locked',
    message: expect.stringContaining(`pid ${process.pid} on another-host`) as string,
  });
  expect(await leftIn(path)).toEqual(['lock', 'lock.break']);
});

it('#87 a pid that another program has now does not hold a lock', async () => {
  const path = await newLockPath();
  const { startToken } = await ownIdentity();
  expect(startToken).not.toBeNull();
  // Our own pid, which certainly runs, as another process that had it earlier.
  await leaveLock(path, { startToken: `${startToken}1` });
  expect(await readLockHolder(path)).toBeNull();
  const release = await take(path);
  await release();
});

it('#87 nor does a pid of an earlier boot', async () => {
  const path = await newLockPath();
  const namespace = (await ownIdentity()).startToken?.split(':')[1];
  await leaveLock(path, { startToken: `another-boot:${namespace}:1` });
  const release = await take(path);
  await release();
});

it('#88 the lock of another host is held, however old it is', async () => {
  const path = await newLockPath();
  const left = await leaveLock(path, { host: 'node17', pid: 2 ** 22 + 1 });
  await utimes(path, AGES_AGO, AGES_AGO);
  expect(await readLockHolder(path)).toBe(
    `pid ${2 ** 22 + 1} on node17 since 2026-01-05T10:11:12.000Z`,
  );
  await expect(take(path)).rejects.toMatchObject({
    code: 'locked',
    next: [
      expect.objectContaining({
        or: { kind: 'advice', text: expect.stringContaining(`remove ${path}`) as string },
      }),
    ],
  });
  expect(await readFile(path, 'utf8')).toBe(left);
});

it('#88 a host name with control characters is not passed on to the terminal', async () => {
  const path = await newLockPath();
  await leaveLock(path, { host: 'a\u001b[2Jb' });
  expect(await readLockHolder(path)).toContain('a\\x1b[2Jb');
});

it.each([
  ['empty', ''],
  ['half-written', '{"lockVersion":1,"holder":{"pid":1'],
  ['full of zeros', '\0'.repeat(200)],
  ['of a later form', '{"lockVersion":2}'],
  ['too long', 'x'.repeat(100_000)],
])('#89 a lock that is %s is held while it is young, and taken over later', async (_, text) => {
  const path = await newLockPath();
  await leaveText(path, text);
  await expect(take(path)).rejects.toMatchObject({
    code: 'locked',
    message: expect.stringContaining('a run that is just starting') as string,
  });
  expect(await readLockHolder(path)).toBe('a run that is just starting');
  await utimes(path, AGES_AGO, AGES_AGO);
  expect(await readLockHolder(path)).toBeNull();
  const release = await take(path);
  expect(await leftIn(path)).toEqual(['lock']);
  await release();
});

it('#89 what is no file under the name of the lock is left alone', async () => {
  const [folder, link] = [await newLockPath(), await newLockPath()];
  await mkdir(folder, { recursive: true });
  await mkdir(dirname(link));
  await symlink('nowhere', link);
  for (const path of [folder, link]) {
    await expect(take(path)).rejects.toMatchObject({ code: 'occupied', facts: { path } });
    expect(await leftIn(path)).toEqual(['lock']);
  }
});

it('#90 a holder that was stopped keeps the lock, whatever the age of the file', async () => {
  const path = await newLockPath();
  const holder = await startHolder(path);
  holder.kill('SIGSTOP');
  await utimes(path, AGES_AGO, AGES_AGO);
  await expect(take(path)).rejects.toMatchObject({
    code: 'locked',
    message: expect.stringContaining(`pid ${holder.pid} `) as string,
  });
  holder.kill('SIGCONT');
  holder.tell('let go');
  expect(await holder.nextLine()).toBe('released');
  const release = await take(path);
  await release();
});

it('#85 of 20 processes at a dead lock one gets it, and 19 are told who', async () => {
  const path = await newLockPath();
  await leaveLock(path, { startToken: 'a boot long ago:1:1' });
  const twenty = await Promise.all(
    Array.from({ length: 20 }, () => children.start(['hold', path])),
  );
  const firstLines = await Promise.all(
    twenty.map(async (child) => {
      const line = await child.nextLine();
      return line?.startsWith('took over') === true ? child.nextLine() : line;
    }),
  );
  expect(firstLines.filter((line) => line === 'held')).toHaveLength(1);
  expect(firstLines.filter((line) => line?.startsWith('locked: ') === true)).toHaveLength(19);
  expect(await leftIn(path)).toEqual(['lock']);
});

it('85: 20 processes that queue at a dead lock hold it one at a time, each once', async () => {
  const path = await newLockPath();
  await leaveLock(path, { startToken: 'a boot long ago:1:1' });
  const inside = join(dirname(path), 'inside');
  const twenty = await Promise.all(
    Array.from({ length: 20 }, () => children.start(['queue', path, inside])),
  );
  const ends = await Promise.all(twenty.map((child) => child.ended));
  expect(ends.map(({ stderr }) => stderr).join('')).toBe('');
  expect(ends.map(({ code }) => code)).toEqual(ends.map(() => 0));
  expect(await leftIn(path)).toEqual([]);
});

it('#85 with no lock at all 20 processes never share a part, and the file comes out right', async () => {
  const root = await tempDir();
  const [partial, finals] = [join(root, 'partial'), join(root, 'archives')];
  await mkdir(finals);
  const final = join(finals, 'a.zip');
  const twenty = await Promise.all(
    Array.from({ length: 20 }, () => children.start(['download', partial, final])),
  );
  const said = await Promise.all(
    twenty.map(async (child) => [await child.nextLine(), await child.nextLine()]),
  );
  const ends = await Promise.all(twenty.map((child) => child.ended));
  expect(ends.map(({ stderr }) => stderr).join('')).toBe('');
  const md5 = createHash('md5').update(Buffer.alloc(300_000, 'abcdefghijk')).digest('hex');
  expect(said).toEqual(ends.map(() => [md5, 'done']));
  expect(await readFile(final)).toEqual(Buffer.alloc(300_000, 'abcdefghijk'));
  expect(await listTree(root)).toEqual(['archives', 'archives/a.zip', 'partial']);
});

it('#91 a release does not mind that somebody has deleted the lock, nor touches a new one', async () => {
  const path = await newLockPath();
  const release = await take(path);
  const left = await leaveLock(path, { host: 'another-host' });
  await release();
  expect(await readFile(path, 'utf8')).toBe(left);
});

it('says that a directory cannot be made where a file lies', async () => {
  const root = await tempDir();
  await writeFile(join(root, '.ccxri'), 'mine');
  const path = join(root, '.ccxri', 'lock');
  await expect(take(path)).rejects.toMatchObject({ code: 'occupied' });
  expect(await readFile(join(root, '.ccxri'), 'utf8')).toBe('mine');
});

it.skipIf(!canMount)('#77 a read-only directory is told, and its holder can be read', async () => {
  const root = await tempDir();
  const path = join(root, '.ccxri', 'lock');
  const left = await leaveLock(path, { host: 'node17' });
  await utimes(path, AGES_AGO, AGES_AGO);
  const seen = join(await mounts.readOnly(root), '.ccxri', 'lock');
  expect(await readLockHolder(seen)).toContain('on node17');
  await writeFile(path, 'mangled');
  expect(await readLockHolder(seen)).toBe('a run that is just starting');
  await expect(take(join(dirname(seen), 'other', 'lock'))).rejects.toMatchObject({
    code: 'not-writable',
  });
  expect(left).toContain('node17');
});

it.skipIf(!canMount)('#72 a full disk is told, and leaves no empty lock', async () => {
  const root = await mounts.small(64 * 1024);
  await mkdir(join(root, '.ccxri'));
  const filling = writeFile(join(root, 'ballast'), Buffer.alloc(128 * 1024));
  await expect(filling).rejects.toMatchObject({ code: 'ENOSPC' });
  const path = join(root, '.ccxri', 'lock');
  await expect(take(path)).rejects.toMatchObject({ code: 'disk-full' });
  expect(await leftIn(path)).toEqual([]);
});
