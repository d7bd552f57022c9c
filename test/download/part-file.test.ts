import { createHash, randomBytes } from 'node:crypto';
import {
  link,
  open,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type PartDependencies, PartFile } from '../../src/download/part-file.ts';
import { CHECKPOINT_BYTES, CHECKPOINT_MS } from '../../src/download/part-journal.ts';
import { type PartState, parsePartState } from '../../src/download/part-state.ts';
import { ownIdentity } from '../../src/fs/process-identity.ts';
import { handClock } from '../support/clock.ts';
import { saying } from '../support/matchers.ts';
import { canMount, useMounts } from '../support/mounts.ts';
import { listTree, useTempDirs, writeTree } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const mounts = useMounts();
const MD5 = 'a'.repeat(32);
const origin = { url: 'http://a.example/a.zip', validator: '"v1"', totalBytes: 6 };
const md5Of = (bytes: string | Uint8Array) => createHash('md5').update(bytes).digest('hex');

async function create(directory: string, using: PartDependencies = {}): Promise<PartFile> {
  const path = join(directory, 'a.zip.0123456789ab.part');
  return PartFile.create(path, { name: 'a.zip', md5: MD5, owner: await ownIdentity() }, using);
}

async function stateOf(part: PartFile): Promise<PartState | 'newer' | undefined> {
  return parsePartState(await readFile(part.path.replace(/part$/, 'json'), 'utf8'));
}

describe('a part', () => {
  it('is a new file, hashed as it lies on disk, that gets its final name at last', async () => {
    const root = await tempDir();
    const part = await create(root);
    await part.restart(origin);
    await part.write(Buffer.from('abc'), part.bytes);
    await part.write(Buffer.from('def'), part.bytes);
    expect(part.isComplete).toBe(true);
    expect(await part.finish()).toBe(md5Of('abcdef'));
    await part.moveTo(join(root, 'a.zip'));
    await part.leave();
    expect(await listTree(root)).toEqual(['a.zip']);
    expect(await readFile(join(root, 'a.zip'), 'utf8')).toBe('abcdef');
  });

  it('is hashed right over many spans, and again after it started over', async () => {
    const part = await create(await tempDir());
    for (const length of [3_500_000, 1_048_576, 17]) {
      const content = randomBytes(length);
      await part.restart({ ...origin, totalBytes: length });
      for (let at = 0; at < length; at += 300_000) {
        await part.write(content.subarray(at, at + 300_000), part.bytes);
      }
      expect(await part.finish()).toBe(md5Of(content));
    }
    await part.close();
  });

  it('#62 is not hashed in flight: bytes that change on the disk are seen', async () => {
    const part = await create(await tempDir());
    await part.restart(origin);
    await part.write(Buffer.from('abcdef'), part.bytes);
    // What a disk that lies does.
    const handle = await open(part.path, 'r+');
    await handle.write('X', 0);
    await handle.close();
    expect(await part.finish()).toBe(md5Of('Xbcdef'));
    await part.close();
  });

  it('#62 that has lost its end on the disk is an error, not a hash', async () => {
    const part = await create(await tempDir());
    await part.restart(origin);
    await part.write(Buffer.from('abcdef'), part.bytes);
    const handle = await open(part.path, 'r+');
    await handle.truncate(3);
    await handle.close();
    await expect(part.finish()).rejects.toMatchObject({ code: 'disk-io' });
    await part.close();
  });

  it('#61 writes in its state only what is flushed', async () => {
    const root = await tempDir();
    const part = await create(root);
    const total = CHECKPOINT_BYTES + 2000;
    await part.restart({ ...origin, totalBytes: total });
    await part.write(Buffer.alloc(1000), part.bytes);
    expect(await stateOf(part)).toMatchObject({ durableBytes: 0 });
    await part.write(Buffer.alloc(CHECKPOINT_BYTES - 1000), part.bytes);
    await expect
      .poll(() => stateOf(part))
      .toMatchObject({ durableBytes: CHECKPOINT_BYTES, validator: '"v1"', totalBytes: total });
    await part.write(Buffer.alloc(1000), part.bytes);
    expect(await stateOf(part)).toMatchObject({ durableBytes: CHECKPOINT_BYTES });
    await part.leave();
    expect(await stateOf(part)).toMatchObject({ durableBytes: total - 1000, owner: null });
  });

  it('#57 has at no time more than 8 MiB on the disk that a kill would cost', async () => {
    const part = await create(await tempDir());
    const chunk = Buffer.alloc(1024 * 1024);
    await part.restart({ ...origin, totalBytes: 40 * chunk.length });
    const atRisk: number[] = [];
    for (let n = 1; n < 40; n += 1) {
      await part.write(chunk, part.bytes);
      const state = await stateOf(part);
      atRisk.push(part.bytes - (typeof state === 'object' ? state.durableBytes : 0));
    }
    expect(Math.max(...atRisk)).toBeLessThanOrEqual(CHECKPOINT_BYTES);
    await part.close();
  });

  it('#57 on a slow line is flushed after some seconds, however little has arrived', async () => {
    const clock = handClock();
    const part = await create(await tempDir(), { clock });
    await part.restart({ ...origin, totalBytes: 100_000 });
    await part.write(Buffer.alloc(1000), part.bytes);
    await clock.advance(CHECKPOINT_MS - 1);
    await part.write(Buffer.alloc(1000), part.bytes);
    expect(await stateOf(part)).toMatchObject({ durableBytes: 0 });
    await clock.advance(1);
    await part.write(Buffer.alloc(1000), part.bytes);
    await expect.poll(() => stateOf(part)).toMatchObject({ durableBytes: 3000 });
    // Once in such a time: what comes right behind it waits for the next one.
    await clock.advance(CHECKPOINT_MS - 1);
    await part.write(Buffer.alloc(1000), part.bytes);
    expect(await stateOf(part)).toMatchObject({ durableBytes: 3000 });
    await clock.advance(1);
    await part.write(Buffer.alloc(1000), part.bytes);
    await expect.poll(() => stateOf(part)).toMatchObject({ durableBytes: 5000 });
    // At any time on request.
    await part.write(Buffer.alloc(1000), part.bytes);
    await part.checkpoint();
    expect(await stateOf(part)).toMatchObject({ durableBytes: 6000 });
    await part.close();
  });

  it('starts over with nothing of what was there', async () => {
    const part = await create(await tempDir());
    await part.restart(origin);
    await part.write(Buffer.from('abcdef'), part.bytes);
    await part.restart({ ...origin, validator: '"v2"', totalBytes: 2 });
    expect(await stateOf(part)).toMatchObject({ durableBytes: 0, validator: '"v2"' });
    await part.write(Buffer.from('xy'), part.bytes);
    expect(await part.finish()).toBe(md5Of('xy'));
    expect(await readFile(part.path, 'utf8')).toBe('xy');
    await part.close();
  });

  it('is resumed behind what its state lists, and the rest is cut off', async () => {
    const root = await tempDir();
    const owner = await ownIdentity();
    const path = join(root, 'a.zip.0123456789ab.part');
    await writeFile(path, 'abcJUNK');
    const state = {
      partVersion: 2,
      islands: [],
      ...{ name: 'a.zip', md5: MD5, owner, ...origin },
    } as const;
    const part = await PartFile.resume(path, { ...state, durableBytes: 3 });
    expect(part.bytes).toBe(3);
    await part.write(Buffer.from('def'), part.bytes);
    expect(await part.finish()).toBe(md5Of('abcdef'));
    await part.close();
  });

  it('learns how long the file is from a later answer', async () => {
    const part = await create(await tempDir());
    await part.restart({ ...origin, totalBytes: null });
    await part.write(Buffer.from('abcdef'), part.bytes);
    expect(part.isComplete).toBe(false);
    part.learnTotal(6);
    expect(part.isComplete).toBe(true);
    await part.close();
  });
});

describe('a part that is left', () => {
  it('stays with its state when it can be resumed', async () => {
    const root = await tempDir();
    const part = await create(root);
    await part.restart(origin);
    await part.write(Buffer.from('abc'), part.bytes);
    await part.leave();
    expect(await stateOf(part)).toMatchObject({ durableBytes: 3, owner: null });
    expect(await readFile(part.path, 'utf8')).toBe('abc');
  });

  it.each([
    { name: 'is empty', bytes: '', url: origin.url },
    { name: 'is of a local file', bytes: 'abc', url: 'file:///mirror/a.zip' },
  ])('goes when it $name', async ({ bytes, url }) => {
    const root = await tempDir();
    const part = await create(root);
    await part.restart({ ...origin, url });
    await part.write(Buffer.from(bytes), part.bytes);
    await part.leave();
    expect(await listTree(root)).toEqual([]);
  });

  it('of a local file stays when it is all there is', async () => {
    const root = await tempDir();
    const part = await create(root);
    await part.restart({ ...origin, url: 'file:///mirror/a.zip' });
    await part.write(Buffer.from('abcdef'), part.bytes);
    await part.leave();
    expect(await stateOf(part)).toMatchObject({ durableBytes: 6, totalBytes: 6 });
  });
});

describe('the final name', () => {
  async function finished(root: string, content = 'abcdef'): Promise<PartFile> {
    const part = await create(root);
    await part.restart({ ...origin, totalBytes: content.length });
    await part.write(Buffer.from(content), part.bytes);
    await part.finish();
    return part;
  }

  it('is never taken from another file', async () => {
    const root = await tempDir();
    const part = await finished(root);
    await writeTree(root, { 'a.zip': 'mine' });
    await expect(part.moveTo(join(root, 'a.zip'))).rejects.toMatchObject({
      code: 'occupied',
      facts: { kept: saying('download') },
    });
    expect(await readFile(join(root, 'a.zip'), 'utf8')).toBe('mine');
    await part.leave();
    // What was downloaded need not come again.
    expect(await stateOf(part)).toMatchObject({ durableBytes: 6 });
  });

  it('#85 may be taken by the same bytes already: another run was faster', async () => {
    const root = await tempDir();
    const part = await finished(root);
    await writeTree(root, { 'a.zip': 'abcdef' });
    await part.moveTo(join(root, 'a.zip'));
    expect(await listTree(root)).toEqual(['a.zip']);
  });

  it('#56 is not taken through a link that points nowhere', async () => {
    const root = await tempDir();
    const part = await finished(root);
    await symlink(join(root, 'elsewhere'), join(root, 'a.zip'));
    await expect(part.moveTo(join(root, 'a.zip'))).rejects.toMatchObject({
      code: 'occupied',
    });
    expect(await listTree(root)).not.toContain('elsewhere');
    await part.close();
  });

  it.skipIf(!canMount)('#78 on another file system is refused, in words', async () => {
    const root = await tempDir();
    const part = await finished(root);
    const other = await mounts.small(1024 * 1024);
    await expect(part.moveTo(join(other, 'a.zip'))).rejects.toMatchObject({
      code: 'not-writable',
      message: saying('another file system'),
    });
    await part.close();
  });
});

describe('#91 a part that is deleted while it is written', () => {
  it('is noticed at its end, and can be started over', async () => {
    const root = await tempDir();
    const part = await create(root);
    await part.restart(origin);
    await part.write(Buffer.from('abcdef'), part.bytes);
    await unlink(part.path);
    await expect(part.finish()).rejects.toMatchObject({ code: 'part-deleted' });
    await part.recreate();
    await part.restart(origin);
    await part.write(Buffer.from('abcdef'), part.bytes);
    expect(await part.finish()).toBe(md5Of('abcdef'));
    await part.close();
  });

  it('is noticed between its end and its final name', async () => {
    const root = await tempDir();
    const part = await create(root);
    await part.restart(origin);
    await part.write(Buffer.from('abcdef'), part.bytes);
    await part.finish();
    await unlink(part.path);
    await expect(part.moveTo(join(root, 'a.zip'))).rejects.toMatchObject({ code: 'part-deleted' });
    await part.leave();
    expect(await listTree(root)).not.toContain('a.zip');
  });

  it('does without its state, which is written again', async () => {
    const root = await tempDir();
    const part = await create(root);
    await part.restart(origin);
    await unlink(part.path.replace(/part$/, 'json'));
    await part.write(Buffer.from('abc'), part.bytes);
    await part.leave();
    expect(await stateOf(part)).toMatchObject({ durableBytes: 3 });
  });
});

it('#82 a directory that vanishes is not made again', async () => {
  const root = join(await tempDir(), 'dataset');
  await writeTree(root, { x: '' });
  const part = await create(root);
  await part.restart(origin);
  await part.write(Buffer.from('abc'), part.bytes);
  await rename(root, `${root}-moved`);
  await expect(part.leave()).rejects.toMatchObject({
    code: 'disk-io',
    message: saying('vanished'),
  });
  await expect(stat(root)).rejects.toMatchObject({ code: 'ENOENT' });
});

it('moves wrong bytes away and starts over', async () => {
  const root = await tempDir();
  const part = await create(root);
  await part.restart(origin);
  await part.write(Buffer.from('wrong!'), part.bytes);
  await part.finish();
  await part.moveAway(join(root, 'bad'));
  expect(part.bytes).toBe(0);
  await part.restart(origin);
  await part.write(Buffer.from('abcdef'), part.bytes);
  expect(await part.finish()).toBe(md5Of('abcdef'));
  expect(await readFile(join(root, 'bad'), 'utf8')).toBe('wrong!');
  await part.close();
});

describe('#56 what only looks like a part', () => {
  it('is never written through a link', async () => {
    const root = await tempDir();
    await writeTree(root, { victim: 'mine', 'a.zip.0123456789ab.part': '' });
    const path = join(root, 'a.zip.0123456789ab.part');
    await rm(path);
    await symlink(join(root, 'victim'), path);
    const owner = await ownIdentity();
    const state = {
      partVersion: 2,
      islands: [],
      ...{ name: 'a.zip', md5: MD5, owner, ...origin },
    } as const;
    await expect(PartFile.resume(path, { ...state, durableBytes: 0 })).rejects.toThrow('ELOOP');
    await expect(create(root)).rejects.toThrow('EEXIST');
    expect(await readFile(join(root, 'victim'), 'utf8')).toBe('mine');
  });

  it('is never made where something lies', async () => {
    const root = await tempDir();
    await writeTree(root, { victim: 'mine' });
    await link(join(root, 'victim'), join(root, 'a.zip.0123456789ab.part'));
    await expect(create(root)).rejects.toThrow('EEXIST');
  });
});

describe.skipIf(!canMount)('#71 #72 a full disk', () => {
  it('shows at the write, keeps what was flushed, and leaves the old state as it was', async () => {
    const root = await mounts.small(256 * 1024);
    const part = await create(root);
    await part.restart({ ...origin, totalBytes: 1_000_000 });
    await part.write(Buffer.alloc(100_000, 'a'), part.bytes);
    await expect(part.write(Buffer.alloc(500_000, 'b'), part.bytes)).rejects.toMatchObject({
      code: 'disk-full',
    });
    // A state can't be written any more; the one before it is whole.
    const old = await stateOf(part);
    await part.leave().catch((error: unknown) => {
      expect(error).toMatchObject({ code: 'disk-full' });
    });
    expect(await stateOf(part)).toBeDefined();
    expect(old).toMatchObject({ durableBytes: 0 });
    expect((await listTree(root)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('may take what was written before it was full, in the next run', async () => {
    const root = await mounts.small(256 * 1024);
    const part = await create(root);
    await part.restart({ ...origin, totalBytes: 400_000 });
    await part.write(Buffer.alloc(100_000, 'a'), part.bytes);
    await part.leave();
    const state = await stateOf(part);
    if (state === undefined || state === 'newer') throw new Error('no state');
    const again = await PartFile.resume(part.path, state);
    expect(again.bytes).toBe(100_000);
    await again.close();
  });
});
