import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { walkFolder } from '../../src/fs/walk.ts';
import { useTempDirs, writeTree } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();

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
