import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { writePieces } from '../../src/disk/write-pieces.ts';
import { useTempDirs } from '../support/csv.ts';
import { randomBytes } from '../support/random-bytes.ts';

const tempDir = useTempDirs();

it.each([
  { name: 'whole', most: Infinity },
  { name: 'short, as a full disk has them', most: 50_001 },
])('chunks lie one behind the other where the writes are $name', async ({ most }) => {
  const chunks = [300_000, 1, 0, 124 * 1024, 7].map((bytes, n) => randomBytes(bytes, `${n}`));
  const path = join(await tempDir(), 'a.part');
  const file = await open(path, 'w+');
  onTestFinished(() => file.close());
  await file.write('before', 0);
  const short = {
    // The file's own write, which takes no more than so much.
    write: (chunk: Uint8Array, from: number, bytes: number, at: number) =>
      file.write(chunk, from, Math.min(bytes, most), at),
  };
  await writePieces(short, chunks, 6);
  const expected = Buffer.concat([Buffer.from('before'), ...chunks]);
  expect((await readFile(path)).equals(expected)).toBe(true);
});
