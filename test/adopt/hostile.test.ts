import { mkdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { AdoptOptions } from '../../src/adopt/types.ts';
import {
  adopt,
  bytesOf,
  filesOf,
  imagesOf,
  inFolder,
  keepIndexes,
  leftOf,
  makeRelease,
  putLabels,
  zipOf,
} from '../support/adopting.ts';
import { noise } from '../support/fetching.ts';
import { listTree, useTempDirs, writeTree } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const release = makeRelease();
const { manifest } = release;
const dx1 = imagesOf(release, 'ChestDx-1');
const dx2 = imagesOf(release, 'ChestDx-2');

let [root, held, dest] = ['', '', ''];
const take = (more: Partial<AdoptOptions> = {}) =>
  adopt({ paths: [held], dest, manifest, ...more });

beforeEach(async () => {
  root = await tempDir();
  [held, dest] = [join(root, 'held'), join(root, 'set')];
  await mkdir(held);
});

describe('links', () => {
  it('that lead back, to themselves or nowhere are named, and end the look', async () => {
    await writeTree(held, { 'a/b/x.zip': bytesOf(release, 'ChestDx-1') });
    await symlink(held, join(held, 'a/b/top'));
    await symlink('..', join(held, 'a/b/up'));
    await symlink('self', join(held, 'self'));
    await symlink('two', join(held, 'one'));
    await symlink('one', join(held, 'two'));
    await symlink('nowhere', join(held, 'dangling'));
    const result = await take();
    expect(filesOf(result)).toEqual({ 'ChestDx-1.zip': 'adopted linked' });
    expect(result.filesSeen).toBe(1);
    expect(leftOf(result)).toEqual({ loop: 5, unreadable: 1 });
    const [dangling] = result.left.filter(({ why }) => why === 'unreadable');
    expect(dangling?.examples).toEqual([{ path: join(held, 'dangling'), message: 'ENOENT' }]);
  });

  it('between two directories, and two to the same one: each is looked into once', async () => {
    await writeTree(held, { 'a/x': bytesOf(release, 'Normal-1'), 'b/notes.txt': 'b' });
    await symlink(join(held, 'b'), join(held, 'a/b'));
    await symlink(join(held, 'a'), join(held, 'b/a'));
    const far = join(root, 'far');
    await writeTree(far, { y: bytesOf(release, 'Viral-1') });
    for (const name of ['one', 'two']) await symlink(far, join(held, name));
    const result = await take({ link: 'move' });
    expect(filesOf(result)).toMatchObject({ 'Viral-1.zip': 'adopted linked' });
    // Nobody's link leads to more than there is: a bounded number of files, none taken twice.
    expect(result.filesSeen).toBeLessThanOrEqual(6);
    expect(await listTree(far)).toEqual(['y']);
  });
});

describe('the dataset directory', () => {
  it('is not looked into through a link either, named or met', async () => {
    await writeTree(held, { x: bytesOf(release, 'ChestDx-1') });
    await take();
    const link = join(root, 'link');
    await symlink(dest, link);
    await expect(take({ paths: [link] })).rejects.toMatchObject({ code: 'usage' });
    await expect(take({ paths: [join(link, 'archives')] })).rejects.toMatchObject({
      code: 'usage',
    });
    await symlink(dest, join(held, 'set'));
    const result = await take({ link: 'move' });
    expect(leftOf(result)).toMatchObject({ 'dataset-directory': 1 });
    expect((await stat(join(dest, 'archives/ChestDx-1.zip'))).isFile()).toBe(true);
  });

  it('of another ccxri is a directory like any other, its parts and ledger no files of the dataset', async () => {
    await writeTree(held, { 'archives/ChestDx-1.zip': bytesOf(release, 'ChestDx-1') });
    await writeTree(held, {
      '.ccxri/partial/ChestDx-2.zip.abc.part': bytesOf(release, 'ChestDx-2').subarray(0, 9000),
      '.ccxri/ledger/ChestDx-1.zip.json': '{}',
    });
    expect(filesOf(await take())).toEqual({ 'ChestDx-1.zip': 'adopted linked' });
  });
});

describe('a bundle under the name of one archive with images of two', () => {
  beforeEach(() => writeFile(join(held, 'ChestDx-1.zip'), zipOf({ ...dx1, ...dx2 })));
  const counts = async () =>
    (await take()).images.map(({ file, crcChecked, named, left }) => [
      ...[file, crcChecked, named, left],
    ]);

  it('is sorted by content where a member index tells it', async () => {
    await keepIndexes(release, dest);
    expect(await counts()).toEqual([
      ['ChestDx-1.zip', 6, 0, 0],
      ['ChestDx-2.zip', 6, 0, 0],
    ]);
  });

  it('without one gives what its name and the labels agree on, and names the rest', async () => {
    await putLabels(release, held);
    const result = await take();
    expect(result.images.map(({ file, named }) => [file, named])).toEqual([['ChestDx-1.zip', 6]]);
    const [why] = result.left;
    expect(why).toMatchObject({ why: 'contradiction', count: 6 });
    expect(why?.examples[0]?.message).toBe(
      'by its folder of ChestDx-1, by its labels of ChestDx-2',
    );
  });
});

it("CC-CCII's Normal-1.zip is no Normal-1.zip, though its size may be: it is hashed, and called what it is", async () => {
  const bytes = bytesOf(release, 'Normal-1').length;
  const scans = (padding: number) =>
    zipOf({
      'Normal/120/30/0001.jpg': noise('scan', 700),
      'Normal/121/31/0002.jpg': noise('pad', padding),
    });
  const zip = scans(bytes - scans(0).length);
  expect(zip).toHaveLength(bytes);
  await writeFile(join(held, 'Normal-1.zip'), zip);
  const result = await take();
  expect([result.filesHashed, result.files, result.images]).toEqual([1, [], []]);
  expect(leftOf(result)).toEqual({ 'other-dataset': 1 });
  expect(result.left[0]?.examples[0]?.message).toContain('CC-CCII');
  expect(await listTree(root)).not.toContain('set/archives/Normal-1.zip');
});

it('images in folders of a bundle of archives that differ from these lie in no place of theirs', async () => {
  await keepIndexes(release, dest);
  const swapped = { ...inFolder('ChestDx-2', dx1), ...inFolder('ChestDx-1', dx2) };
  await writeTree(held, swapped);
  const result = await take();
  // The bytes decide, not the folder.
  expect(result.images.map(({ file, crcChecked }) => [file, crcChecked])).toEqual([
    ['ChestDx-1.zip', 6],
    ['ChestDx-2.zip', 6],
  ]);
});
