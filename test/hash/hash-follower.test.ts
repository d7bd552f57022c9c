import { type FileHandle, open, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { type FollowFile, followHere } from '../../src/hash/hash-file.ts';
import { HashPool } from '../../src/hash/hash-pool.ts';
import { md5Of, randomBytes } from '../support/random-bytes.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const handles: FileHandle[] = [];
const pool = new HashPool({ threads: 1 });

afterEach(async () => {
  await Promise.all(handles.splice(0).map((handle) => handle.close()));
});
afterAll(() => pool.close());

const MIB = 1024 * 1024;

async function openNew(): Promise<{ path: string; handle: FileHandle }> {
  const path = join(await tempDir(), 'a.part');
  const handle = await open(path, 'wx+');
  handles.push(handle);
  return { path, handle };
}

/** Both do the same. */
describe.each<[string, FollowFile]>([
  ['in the same thread', followHere],
  ['in a thread of a pool', (handle) => pool.follow(handle)],
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
