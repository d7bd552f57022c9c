import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PartFile } from '../../src/download/part-file.ts';
import { CHECKPOINT_BYTES } from '../../src/download/part-journal.ts';
import { type PartState, durableSpansOf, parsePartState } from '../../src/download/part-state.ts';
import { bytesOf } from '../../src/download/spans.ts';
import { ownIdentity } from '../../src/fs/process-identity.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const origin = { url: 'http://a.example/a.zip', validator: '"v1"', totalBytes: 6 };
const md5Of = (bytes: string | Uint8Array) => createHash('md5').update(bytes).digest('hex');

async function create(directory: string): Promise<PartFile> {
  const path = join(directory, 'a.zip.0123456789ab.part');
  const owner = await ownIdentity();
  return PartFile.create(path, { name: 'a.zip', md5: 'a'.repeat(32), owner });
}

async function stateOf(part: PartFile): Promise<PartState | 'newer' | undefined> {
  return parsePartState(await readFile(part.path.replace(/part$/, 'json'), 'utf8'));
}

describe('a part that is written at several places', () => {
  const ofTen = { ...origin, totalBytes: 10 };

  it('is whole when no gap is left, not when its end is there', async () => {
    const part = await create(await tempDir());
    await part.restart(ofTen);
    await part.write(Buffer.from('89'), 8);
    expect([part.bytes, part.heldBytes, part.isComplete]).toEqual([0, 2, false]);
    expect((await stat(part.path)).size).toBe(10);
    await part.write(Buffer.concat([Buffer.from('0'), Buffer.from('123')]), 0);
    expect([part.bytes, part.heldBytes, part.isComplete]).toEqual([4, 6, false]);
    await expect(part.finish()).rejects.toThrow('gap');
    await part.write(Buffer.from('4567'), 4);
    expect([part.bytes, part.heldBytes, part.isComplete]).toEqual([10, 10, true]);
    expect(await part.finish()).toBe(md5Of('0123456789'));
    await part.close();
  });

  it('leaves what is flushed, with the gaps, and is resumed like that', async () => {
    const root = await tempDir();
    const part = await create(root);
    await part.restart(ofTen);
    await part.write(Buffer.from('01'), 0);
    await part.write(Buffer.from('89'), 8);
    await part.write(Buffer.from('4'), 4);
    await part.leave();
    const state = await stateOf(part);
    expect(state).toMatchObject({
      durableBytes: 2,
      islands: [
        [4, 5],
        [8, 10],
      ],
    });
    if (typeof state !== 'object') throw new Error('no state');
    const again = await PartFile.resume(part.path, state);
    expect([again.bytes, again.heldBytes, again.isComplete]).toEqual([2, 5, false]);
    await again.write(Buffer.from('567'), 5);
    await again.write(Buffer.from('23'), 2);
    expect(await again.finish()).toBe(md5Of('0123456789'));
    await again.close();
  });

  it('is removed when it cannot be resumed, though its end is there', async () => {
    const root = await tempDir();
    const part = await create(root);
    await part.restart({ ...ofTen, url: 'file:///mirror/a.zip' });
    await part.write(Buffer.from('89'), 8);
    await part.leave();
    expect(await listTree(root)).toEqual([]);
  });

  it('#57 has over all writers no more than 8 MiB that a kill would cost', async () => {
    const part = await create(await tempDir());
    const chunk = Buffer.alloc(1024 * 1024);
    await part.restart({ ...origin, totalBytes: 48 * chunk.length });
    const atRisk: number[] = [];
    const write = async (from: number) => {
      for (let n = from; n < from + 8; n += 1) {
        await part.write(chunk, n * chunk.length);
        const held = part.heldBytes;
        const state = await stateOf(part);
        const safe = typeof state === 'object' ? bytesOf(durableSpansOf(state)) : 0;
        atRisk.push(held - safe);
      }
    };
    await Promise.all([0, 8, 16, 24, 32, 40].map(write));
    expect(part.isComplete).toBe(true);
    expect(Math.max(...atRisk)).toBeLessThanOrEqual(CHECKPOINT_BYTES);
    expect(await part.finish()).toBe(md5Of(Buffer.alloc(48 * chunk.length)));
    await part.close();
  });
});
