import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeDirectory, walkFolder } from '../../src/fs/paths.ts';
import { listTree, useTempDirs, writeTree } from '../support/temp-dirs.ts';

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

async function walk(folder: string, skipped?: string): Promise<readonly string[]> {
  const paths: string[] = [];
  for await (const { path } of walkFolder(folder, ({ name }) => name === skipped)) {
    paths.push(path);
  }
  return paths;
}

it('walks a folder in the order of names, each folder before what is in it', async () => {
  const root = await tempDir();
  await writeTree(root, { 'b.jpg': '', 'a/2.jpg': '', 'a/1/x.jpg': '', 'a.jpg': '' });
  expect(await walk(root)).toEqual(['a', 'a/1', 'a/1/x.jpg', 'a/2.jpg', 'a.jpg', 'b.jpg']);
});

it('lists a folder that is skipped, and does not look into it', async () => {
  const root = await tempDir();
  await writeTree(root, { '__MACOSX/a.jpg': '', 'a.jpg': '' });
  expect(await walk(root, '__MACOSX')).toEqual(['__MACOSX', 'a.jpg']);
});

it('lists links and does not follow them, also where they lead in a circle', async () => {
  const root = await tempDir();
  await writeTree(root, { 'a.jpg': '' });
  await symlink(root, join(root, 'circle'));
  expect(await walk(root)).toEqual(['a.jpg', 'circle']);
});

it('takes a folder that is not there for empty', async () => {
  expect(await walk(join(await tempDir(), 'nothing'))).toEqual([]);
});
