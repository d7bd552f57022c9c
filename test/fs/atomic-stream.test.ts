import { lstat, mkdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { writeStreamAtomic } from '../../src/fs/atomic.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();

it('writes the chunks in order, over an older file, and leaves nothing beside it', async () => {
  const root = await tempDir();
  const path = join(root, 'a', 'index.csv');
  await writeStreamAtomic(path, ['old and longer than the new one']);
  await writeStreamAtomic(path, ['é', '', 'b\n', 'c'.repeat(300_000)]);
  expect(await readFile(path, 'utf8')).toBe(`éb\n${'c'.repeat(300_000)}`);
  expect(await listTree(root)).toEqual(['a', 'a/index.csv']);
});

it('grows in the directory that is named, until it is whole', async () => {
  const root = await tempDir();
  const path = join(root, 'index.csv');
  const seen: (readonly string[])[] = [];
  async function* chunks() {
    yield 'a';
    seen.push(await listTree(root));
  }
  await writeStreamAtomic(path, chunks(), { temporaryDirectory: join(root, '.ccxri') });
  expect(seen).toEqual([['.ccxri', expect.stringMatching(/^\.ccxri\/\.index\.csv\.\w+\.tmp$/)]]);
  expect(await listTree(root)).toEqual(['.ccxri', 'index.csv']);
});

it('keeps the older file when the chunks fail, and passes the error on', async () => {
  const root = await tempDir();
  const path = join(root, 'index.csv');
  await writeFile(path, 'old');
  function* chunks() {
    yield 'new';
    throw new RangeError('a bug');
  }
  await expect(writeStreamAtomic(path, chunks())).rejects.toThrow(RangeError);
  expect(await readFile(path, 'utf8')).toBe('old');
  expect(await listTree(root)).toEqual(['index.csv']);
});

it('keeps the older file when stopped', async () => {
  const root = await tempDir();
  const path = join(root, 'index.csv');
  await writeFile(path, 'old');
  const stop = new AbortController();
  function* chunks() {
    yield 'new';
    stop.abort();
  }
  const writing = writeStreamAtomic(path, chunks(), { signal: stop.signal });
  await expect(writing).rejects.toMatchObject({ code: 'aborted' });
  expect(await readFile(path, 'utf8')).toBe('old');
  expect(await listTree(root)).toEqual(['index.csv']);
});

it('writes to where a link points, and leaves the link', async () => {
  const root = await tempDir();
  await writeFile(join(root, 'target.csv'), 'old');
  await symlink('target.csv', join(root, 'link.csv'));
  await writeStreamAtomic(join(root, 'link.csv'), ['new']);
  expect(await readFile(join(root, 'target.csv'), 'utf8')).toBe('new');
  expect(await readlink(join(root, 'link.csv'))).toBe('target.csv');
});

it.each(['target.csv', 'nowhere.csv', '/dev/null'])(
  'puts the file in the place of a link to %s, where asked to',
  async (leadsTo) => {
    const root = await tempDir();
    await writeFile(join(root, 'target.csv'), 'old');
    await symlink(leadsTo, join(root, 'link.csv'));
    await writeStreamAtomic(join(root, 'link.csv'), ['new'], { replacesLink: true });
    expect((await lstat(join(root, 'link.csv'))).isFile()).toBe(true);
    expect(await readFile(join(root, 'link.csv'), 'utf8')).toBe('new');
    expect(await readFile(join(root, 'target.csv'), 'utf8')).toBe('old');
    expect(await listTree(root)).toEqual(['link.csv', 'target.csv']);
  },
);

it('does not replace a directory', async () => {
  const root = await tempDir();
  await mkdir(join(root, 'index.csv', 'mine'), { recursive: true });
  const writing = writeStreamAtomic(join(root, 'index.csv'), ['new']);
  await expect(writing).rejects.toMatchObject({ code: 'occupied' });
  expect(await listTree(root)).toEqual(['index.csv', 'index.csv/mine']);
});

it('says that a path below a file cannot be written', async () => {
  const root = await tempDir();
  await writeFile(join(root, 'file'), 'mine');
  const writing = writeStreamAtomic(join(root, 'file', 'index.csv'), ['new']);
  await expect(writing).rejects.toMatchObject({ code: 'not-writable' });
  expect(await readFile(join(root, 'file'), 'utf8')).toBe('mine');
});
