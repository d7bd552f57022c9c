import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeDirectory } from '../../src/fs/paths.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();

describe('a directory that cannot be made', () => {
  it('names the file that is in the way, however far above', async () => {
    const root = await tempDir();
    const file = join(root, 'afile');
    await writeFile(file, '');
    for (const below of ['.ccxri', join('a', 'b')]) {
      await expect(makeDirectory(join(file, below))).rejects.toMatchObject({
        code: 'not-writable',
        message: `${file} is a file, not a directory`,
        facts: { path: file },
      });
    }
    expect(await listTree(root)).toEqual(['afile']);
  });

  it.skipIf(process.platform !== 'linux')('in /proc is an error of the disk, no bug', async () => {
    await expect(makeDirectory('/proc/ccxri-is-not-here/.ccxri')).rejects.toMatchObject({
      code: 'not-writable',
      message: expect.stringContaining('/proc/ccxri-is-not-here') as string,
    });
  });
});
