import { lstat, mkdir, readFile, readlink, statfs, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeFileAtomic } from '../../src/fs/atomic.ts';
import { useChildren } from '../support/children.ts';
import { canInject, injecting } from '../support/inject.ts';
import { canMount, useMounts } from '../support/mounts.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const children = useChildren('disk-child.ts');
const mounts = useMounts();

async function oldFile(): Promise<string> {
  const path = join(await tempDir(), 'state.json');
  await writeFile(path, 'old');
  return path;
}

async function expectOldAlone(path: string): Promise<void> {
  expect(await readFile(path, 'utf8')).toBe('old');
  expect(await listTree(dirname(path))).toEqual(['state.json']);
}

it('writes a file whole, over an older one, and leaves nothing beside it', async () => {
  const root = await tempDir();
  const path = join(root, 'a', 'b', 'state.json');
  await writeFileAtomic(path, 'older and longer');
  await writeFileAtomic(path, 'é');
  expect(await readFile(path)).toEqual(Buffer.from('é'));
  expect(await listTree(root)).toEqual(['a', 'a/b', 'a/b/state.json']);
});

it('does not write over a directory, nor below a file', async () => {
  const root = await tempDir();
  await mkdir(join(root, 'folder'));
  await writeFile(join(root, 'file'), 'mine');
  await symlink('nowhere', join(root, 'link'));
  const writing = (...names: readonly string[]) => writeFileAtomic(join(root, ...names), 'new');
  await expect(writing('folder')).rejects.toMatchObject({ code: 'occupied' });
  await expect(writing('file', 'x')).rejects.toMatchObject({ code: 'occupied' });
  await expect(writing('file', 'x', 'y')).rejects.toMatchObject({ code: 'not-writable' });
  await expect(writing('link', 'x')).rejects.toMatchObject({ code: 'occupied' });
  expect(await listTree(root)).toEqual(['file', 'folder', 'link']);
  expect(await readFile(join(root, 'file'), 'utf8')).toBe('mine');
});

it('writes the chunks in order, over an older file, and leaves nothing beside it', async () => {
  const root = await tempDir();
  const path = join(root, 'a', 'index.csv');
  await writeFileAtomic(path, ['old and longer than the new one']);
  await writeFileAtomic(path, ['é', '', 'b\n', 'c'.repeat(300_000)]);
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
  await writeFileAtomic(path, chunks(), { temporaryDirectory: join(root, '.ccxri') });
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
  await expect(writeFileAtomic(path, chunks())).rejects.toThrow(RangeError);
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
  const writing = writeFileAtomic(path, chunks(), { signal: stop.signal });
  await expect(writing).rejects.toMatchObject({ code: 'aborted' });
  expect(await readFile(path, 'utf8')).toBe('old');
  expect(await listTree(root)).toEqual(['index.csv']);
});

it('writes to where a link points, and leaves the link', async () => {
  const root = await tempDir();
  await writeFile(join(root, 'target.csv'), 'old');
  await symlink('target.csv', join(root, 'link.csv'));
  await writeFileAtomic(join(root, 'link.csv'), ['new'], { followsLink: true });
  expect(await readFile(join(root, 'target.csv'), 'utf8')).toBe('new');
  expect(await readlink(join(root, 'link.csv'))).toBe('target.csv');
});

it.each(['target.csv', 'nowhere.csv', '/dev/null'])(
  'puts the file in the place of a link to %s',
  async (leadsTo) => {
    const root = await tempDir();
    await writeFile(join(root, 'target.csv'), 'old');
    await symlink(leadsTo, join(root, 'link.csv'));
    await writeFileAtomic(join(root, 'link.csv'), ['new']);
    expect((await lstat(join(root, 'link.csv'))).isFile()).toBe(true);
    expect(await readFile(join(root, 'link.csv'), 'utf8')).toBe('new');
    expect(await readFile(join(root, 'target.csv'), 'utf8')).toBe('old');
    expect(await listTree(root)).toEqual(['link.csv', 'target.csv']);
  },
);

it('does not replace a directory', async () => {
  const root = await tempDir();
  await mkdir(join(root, 'index.csv', 'mine'), { recursive: true });
  for (const followsLink of [false, true]) {
    const writing = writeFileAtomic(join(root, 'index.csv'), ['new'], { followsLink });
    await expect(writing).rejects.toMatchObject({ code: 'occupied' });
  }
  expect(await listTree(root)).toEqual(['index.csv', 'index.csv/mine']);
});

it('says that a path below a file, which the user has named, cannot be written', async () => {
  const root = await tempDir();
  await writeFile(join(root, 'file'), 'mine');
  const path = join(root, 'file', 'index.csv');
  const writing = writeFileAtomic(path, ['new'], { followsLink: true });
  await expect(writing).rejects.toMatchObject({ code: 'not-writable' });
  expect(await readFile(join(root, 'file'), 'utf8')).toBe('mine');
});

describe.skipIf(!canMount)('#72 on a full disk', () => {
  it.each([200_000, 2_000_000])('the old file stays as it is (%i bytes are new)', async (bytes) => {
    const root = await mounts.small(1024 * 1024);
    const path = join(root, 'state.json');
    await writeFile(path, 'old');
    const { bavail, bsize } = await statfs(root);
    // Room for the first bytes: the write comes out short before it fails.
    await writeFile(join(root, 'ballast'), Buffer.alloc(bavail * bsize - 100_000));
    await expect(writeFileAtomic(path, 'x'.repeat(bytes))).rejects.toMatchObject({
      code: 'disk-full',
      facts: { path },
    });
    expect(await readFile(path, 'utf8')).toBe('old');
    expect(await listTree(root)).toEqual(['ballast', 'state.json']);
  });

  it('#77 a read-only directory is not writable', async () => {
    const path = await oldFile();
    const seen = join(await mounts.readOnly(dirname(path)), 'state.json');
    await expect(writeFileAtomic(seen, 'new')).rejects.toMatchObject({ code: 'not-writable' });
    await expectOldAlone(path);
  });
});

it('#74 a limit on the size of files is told like a full disk, and the old file stays', async () => {
  const path = await oldFile();
  const limited = ['bash', '-c', 'ulimit -f 100; exec "$@"', 'bash'];
  const child = await children.start(['write', path, '1000000'], limited);
  expect(await child.nextLine()).toMatch(/^disk-full: could not write .* \(EFBIG\)$/);
  await child.ended;
  await expectOldAlone(path);
});

describe.skipIf(!canInject)('when the disk fails', () => {
  it.each([
    ['#75 a flush fails', 'fsync:error=EIO:when=1', 'disk-io'],
    ['#75 the rename fails', 'rename:error=EIO:when=1', 'disk-io'],
    ['#77 the file system has become read-only', 'rename:error=EROFS:when=1', 'not-writable'],
  ])('%s: the old file stays', async (_, fault, code) => {
    const path = await oldFile();
    const child = await children.start(['write', path, '50000'], injecting(fault));
    expect(await child.nextLine()).toMatch(new RegExp(`^${code}: `));
    await child.ended;
    await expectOldAlone(path);
  });

  it.each(['EOPNOTSUPP', 'EINVAL', 'ENOTTY', 'ENOSYS'])(
    '#76 a file system that cannot flush (%s) is let pass',
    async (errno) => {
      const path = await oldFile();
      const child = await children.start(['write', path, '3'], injecting(`fsync:error=${errno}`));
      expect(await child.nextLine()).toBe('done');
      await child.ended;
      expect(await readFile(path, 'utf8')).toBe('xxx');
    },
  );

  it.each([
    'fsync:signal=KILL:when=1',
    'rename:signal=KILL:when=1',
    // Of the directory, after the rename.
    'fsync:signal=KILL:when=2',
    ...[1, 2, 3, 4, 5, 6].map((n) => `write:signal=KILL:when=${n}`),
  ])('#57 killed (%s), it leaves the old file or the new one, whole', async (fault) => {
    const path = await oldFile();
    const child = await children.start(['write', path, '7'], injecting(fault));
    await child.ended;
    const text = await readFile(path, 'utf8');
    if (fault === 'fsync:signal=KILL:when=2') expect(text).toBe('xxxxxxx');
    else if (fault.startsWith('write')) expect(['old', 'xxxxxxx']).toContain(text);
    else expect(text).toBe('old');
  });
});
