import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { type FileHandle, mkdir, open, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { type FollowFile, createMd5, followHere, hashFile } from '../../src/hash/hash-file.ts';
import { HashPool } from '../../src/hash/hash-pool.ts';
import { useChildren } from '../support/children.ts';
import { openFilesBelow } from '../support/open-files.ts';
import { md5Of, randomBytes } from '../support/random-bytes.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const children = useChildren('disk-child.ts');
const handles: FileHandle[] = [];
const pool = new HashPool({ threads: 1 });

afterEach(async () => {
  await Promise.all(handles.splice(0).map((handle) => handle.close()));
});
afterAll(() => pool.close());

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
function isOpen(path: string): boolean {
  return openFilesBelow(dirname(path)).includes(path);
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
      const reported: number[] = [];
      const hashed = await hashFile(path, { onBytes: (done) => reported.push(done) });
      const md5 = createHash('md5').update(bytes).digest('hex');
      expect(hashed).toEqual({ path, md5, bytes: length });
      expect(reported.at(-1)).toBe(length === 0 ? undefined : length);
      expect(reported).toEqual([...reported].sort((a, b) => a - b));
      expect(isOpen(path)).toBe(false);
    },
  );
});

it('stops between two spans, and closes the file', async () => {
  const path = await fileOf(bytesOf(4 * MIB));
  const stop = new AbortController();
  const reported: number[] = [];
  const hashing = hashFile(path, {
    signal: stop.signal,
    onBytes: (done) => {
      reported.push(done);
      stop.abort();
    },
  });
  await expect(hashing).rejects.toMatchObject({ code: 'aborted' });
  expect(reported).toEqual([MIB]);
  expect(isOpen(path)).toBe(false);
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
    expect(isOpen(path)).toBe(false);
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
    await expect(hashing).rejects.toMatchObject({ code: 'changed', facts: { path, found } });
    expect(isOpen(path)).toBe(false);
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

async function openNew(): Promise<{ path: string; handle: FileHandle }> {
  const path = join(await tempDir(), 'a.part');
  const handle = await open(path, 'wx+');
  handles.push(handle);
  return { path, handle };
}

/** Both do the same. */
describe.each<[string, FollowFile]>([
  ['a growing file, followed in the same thread', followHere],
  ['a growing file, followed in a thread of a pool', (handle) => pool.follow(handle)],
])('%s', (_, follow) => {
  it.each([1, 1000, MIB - 1, MIB, MIB + 1, 3 * MIB + 5])(
    'has the MD5 of what was written, in steps of %i bytes',
    async (step) => {
      const { handle } = await openNew();
      const bytes = Buffer.alloc(step < 1000 ? 500 : 4 * MIB + 123, 'abcdefg');
      const follower = follow(handle);
      for (let at = 0; at < bytes.length; at += step) {
        const end = Math.min(at + step, bytes.length);
        await handle.write(bytes, at, end - at, at);
        follower.advance(end);
      }
      expect(await follower.finish()).toBe(md5Of(bytes));
      expect(follower.lagBytes).toBe(0);
    },
  );

  it('an empty file has an MD5, too', async () => {
    const { handle } = await openNew();
    expect(await follow(handle).finish()).toBe('d41d8cd98f00b204e9800998ecf8427e');
  });

  it('#62 hashes what lies on disk, not what was handed to the writer', async () => {
    const { path, handle } = await openNew();
    const bytes = Buffer.alloc(3 * MIB, 'right');
    await handle.write(bytes, 0, bytes.length, 0);
    // Behind the writer's back, in a span that will be hashed at once and in one that comes last.
    const other = await open(path, 'r+');
    await other.write(Buffer.from('WRONG'), 0, 5, 100);
    await other.write(Buffer.from('WRONG'), 0, 5, 3 * MIB - 5);
    await other.close();
    const lying = Buffer.from(bytes);
    lying.write('WRONG', 100);
    lying.write('WRONG', 3 * MIB - 5);
    const follower = follow(handle);
    follower.advance(bytes.length);
    expect(await follower.finish()).toBe(md5Of(lying));
  });

  it('follows close behind when asked to catch up, by whole spans', async () => {
    const { handle } = await openNew();
    await handle.write(Buffer.alloc(5 * MIB + 10), 0, 5 * MIB + 10, 0);
    const follower = follow(handle);
    follower.advance(5 * MIB + 10);
    expect(follower.lagBytes).toBe(5 * MIB + 10);
    await follower.catchUp(MIB);
    expect(follower.lagBytes).toBeLessThanOrEqual(MIB);
  });

  it('#91 a file that was cut behind the writer is an error of the disk, not a wrong MD5', async () => {
    const { path, handle } = await openNew();
    await handle.write(Buffer.alloc(2 * MIB), 0, 2 * MIB, 0);
    await truncate(path, MIB / 2);
    const follower = follow(handle);
    follower.advance(2 * MIB);
    await expect(follower.finish()).rejects.toMatchObject({ code: 'EIO' });
    await expect(follower.catchUp(0)).rejects.toMatchObject({ code: 'EIO' });
  });

  it('after a stop it no longer reads the file: its descriptor may be reused', async () => {
    const other = randomBytes(3 * MIB + 7, 'other');
    for (let round = 0; round < 10; round += 1) {
      const { path, handle } = await openNew();
      await truncate(path, 200 * MIB);
      const follower = follow(handle);
      follower.advance(200 * MIB);
      await follower.stop();
      await handles.pop()?.close();
      const { handle: next } = await openNew();
      await next.write(other, 0, other.length, 0);
      const hash = follow(next);
      hash.advance(other.length);
      expect(await hash.finish()).toBe(md5Of(other));
    }
  });
});
