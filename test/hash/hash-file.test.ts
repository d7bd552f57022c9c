import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { mkdir, readdir, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createMd5, hashFile } from '../../src/hash/hash-file.ts';
import { useChildren } from '../support/children.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const children = useChildren('disk-child.ts');

const MIB = 1024 * 1024;

/** Bytes of which no two spans are alike. */
function bytesOf(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at + 4 <= length; at += 4) bytes.writeUInt32LE((at * 2654435761) % 2 ** 32, at);
  return bytes;
}

async function fileOf(bytes: Uint8Array): Promise<string> {
  const path = join(await tempDir(), 'a.zip');
  await writeFile(path, bytes);
  return path;
}

/** Is the file still open in this process? */
async function isOpen(path: string): Promise<boolean> {
  const links = await Promise.all(
    (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')),
  );
  return links.includes(path);
}

it('an MD5 under way is that of RFC 1321', () => {
  const md5 = createMd5();
  md5.update(Buffer.from('message '));
  md5.update(Buffer.from('digest'));
  expect(md5.digest()).toBe('f96b697d7cb7938d525a2f31aaf161d0');
});

describe('a file of', () => {
  it.each([0, 1, 63, 64, 65, MIB - 1, MIB, MIB + 1, 2 * MIB, 3 * MIB + 17, 5 * MIB])(
    '%i bytes',
    async (length) => {
      const bytes = bytesOf(length);
      const path = await fileOf(bytes);
      const heard: number[] = [];
      const hashed = await hashFile(path, { onBytes: (done) => heard.push(done) });
      const md5 = createHash('md5').update(bytes).digest('hex');
      expect(hashed).toEqual({ path, md5, bytes: length });
      expect(heard.at(-1)).toBe(length === 0 ? undefined : length);
      expect(heard).toEqual([...heard].sort((a, b) => a - b));
      expect(await isOpen(path)).toBe(false);
    },
  );
});

it('stops between two spans, and closes the file', async () => {
  const path = await fileOf(bytesOf(4 * MIB));
  const stop = new AbortController();
  const heard: number[] = [];
  const hashing = hashFile(path, {
    signal: stop.signal,
    onBytes: (done) => {
      heard.push(done);
      stop.abort();
    },
  });
  await expect(hashing).rejects.toMatchObject({ code: 'aborted' });
  expect(heard).toEqual([MIB]);
  expect(await isOpen(path)).toBe(false);
});

it('does not begin after a stop', async () => {
  const hashing = hashFile('/nowhere', { signal: AbortSignal.abort() });
  await expect(hashing).rejects.toMatchObject({ code: 'aborted' });
});

it('says that there is no file', async () => {
  const path = join(await tempDir(), 'a.zip');
  await expect(hashFile(path)).rejects.toMatchObject({ code: 'missing', facts: { path } });
});

it('says that a directory, or a pipe that nobody writes to, is no file', async () => {
  const root = await tempDir();
  await mkdir(join(root, 'folder'));
  expect(spawnSync('mkfifo', [join(root, 'pipe')]).status).toBe(0);
  for (const path of [join(root, 'folder'), join(root, 'pipe')]) {
    await expect(hashFile(path)).rejects.toMatchObject({ code: 'occupied', facts: { path } });
    expect(await isOpen(path)).toBe(false);
  }
});

describe('a file that changes while it is hashed is no result', () => {
  it.each([
    ['grows', (path: string) => appendFileSync(path, 'x'), '3,145,729 bytes'],
    ['is cut', (path: string) => truncateSync(path, MIB), '1,048,576 bytes'],
    [
      'gets other bytes',
      (path: string) => {
        writeFileSync(path, Buffer.alloc(3 * MIB));
        utimesSync(path, 1, 1);
      },
      'other bytes in the same length',
    ],
  ])('%s', async (_, change, found) => {
    const path = await fileOf(bytesOf(3 * MIB));
    const hashing = hashFile(path, { onBytes: (done) => done === MIB && change(path) });
    await expect(hashing).rejects.toMatchObject({ code: 'occupied', facts: { path, found } });
    expect(await isOpen(path)).toBe(false);
  });
});

describe('on a host in FIPS mode, where node:crypto refuses MD5', () => {
  const task = ['md5-under-fips', 'message digest'];

  it('it is computed all the same', async () => {
    const child = await children.start(task);
    expect(await child.nextLine()).toBe('f96b697d7cb7938d525a2f31aaf161d0');
    expect(await child.ended).toMatchObject({ code: 0 });
  });

  it('without WebAssembly as well, it says so in plain words', async () => {
    const child = await children.start(task, ['env', 'NODE_OPTIONS=--jitless']);
    expect(await child.nextLine()).toMatch(
      /^usage: this host refuses to compute an MD5 \(FIPS mode\)/,
    );
    expect(await child.ended).toMatchObject({ code: 1 });
  });
});
