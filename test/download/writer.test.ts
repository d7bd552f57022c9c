import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { writeFully } from '../../src/download/writer.ts';
import { canMount, useMounts } from '../support/mounts.ts';
import { randomBytes } from '../support/random-bytes.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const mounts = useMounts();

it.each([
  { name: 'whole', most: Infinity },
  { name: 'short, as a full disk has them', most: 50_001 },
])('all bytes are written where the writes are $name', async ({ most }) => {
  const content = randomBytes(300_000, 'content');
  const path = join(await tempDir(), 'a.part');
  const file = await open(path, 'w+');
  onTestFinished(() => file.close());
  await file.write('before', 0);
  const short = {
    // The file's own write, which takes no more than so much.
    write: (chunk: Uint8Array, from: number, bytes: number, at: number) =>
      file.write(chunk, from, Math.min(bytes, most), at),
  };
  await writeFully(short, content, 6);
  const expected = Buffer.concat([Buffer.from('before'), content]);
  expect((await readFile(path)).equals(expected)).toBe(true);
});

it.skipIf(!canMount)('#71 what a full disk has not taken is no success', async () => {
  const file = await open(join(await mounts.small(200 * 1024), 'a.part'), 'w+');
  onTestFinished(() => file.close());
  // Only a part of it is taken.
  const chunk = randomBytes(248 * 1024, 'full');
  await expect(writeFully(file, chunk, 0)).rejects.toMatchObject({ code: 'ENOSPC' });
  expect((await file.stat()).size).toBe(200 * 1024);
});
