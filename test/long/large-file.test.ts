import { open, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { hashFile } from '../../src/hash/hash-file.ts';
import { HashPool } from '../../src/hash/hash-pool.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();

it('files of more than 4 GiB, several at once: by the length in their MD5 and to their last byte', async () => {
  const length = 4 * 2 ** 30 + 5;
  const paths = await Promise.all(
    ['x', 'y'].map(async (last) => {
      const path = join(await tempDir(), 'large.zip');
      await writeFile(path, '');
      // Zeros that take no room.
      await truncate(path, length - 1);
      const handle = await open(path, 'r+');
      await handle.write(last, length - 1);
      await handle.close();
      return path;
    }),
  );
  const pool = new HashPool({ threads: 1 });
  try {
    const hashes = await Promise.all(paths.map((path) => hashFile(path, { pool })));
    // As md5sum has them.
    expect(hashes).toEqual([
      { path: paths[0], md5: 'e06d3c68c03a1576cadb781a8878a5bc', bytes: length },
      { path: paths[1], md5: '5a8dd4cbc49f769721576c30565c7cd3', bytes: length },
    ]);
  } finally {
    await pool.close();
  }
});
