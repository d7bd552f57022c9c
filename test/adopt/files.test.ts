import { mkdir, readFile, rename, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { AdoptOptions } from '../../src/adopt/types.ts';
import { extractDataset } from '../../src/extract/extract-dataset.ts';
import { joinDataset } from '../../src/join.ts';
import { datasetStatus } from '../../src/status.ts';
import { adopt, bytesOf, filesOf, leftOf, makeRelease } from '../support/adopting.ts';
import { manifestOf, noise, run } from '../support/fetching.ts';
import { listTree, useTempDirs, writeTree } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const release = makeRelease();
const { manifest } = release;

describe('archives and label files that lie elsewhere', () => {
  let [root, held, dest] = ['', '', ''];
  const take = (more: Partial<AdoptOptions> = {}) =>
    adopt({ paths: [held], dest, manifest, ...more });
  const final = (name: string) => join(dest, name.endsWith('.zip') ? 'archives' : 'labels', name);

  beforeEach(async () => {
    root = await tempDir();
    [held, dest] = [join(root, 'held'), join(root, 'set')];
    await writeTree(held, {
      'ChestDx-1 (1).zip': bytesOf(release, 'ChestDx-1'),
      'wget/download': bytesOf(release, 'Normal-1'),
      'wget/a/b/no-ending': bytesOf(release, 'chest_dx.csv'),
      'notes.txt': 'nothing',
    });
  });

  it('are taken by their MD5, whatever they are called, as the same files', async () => {
    const before = await listTree(held);
    const result = await take();
    expect(filesOf(result)).toEqual({
      'ChestDx-1.zip': 'adopted linked',
      'Normal-1.zip': 'adopted linked',
      'chest_dx.csv': 'adopted linked',
    });
    expect(result.left).toEqual([]);
    const [one, other] = [
      await stat(join(held, 'wget/download')),
      await stat(final('Normal-1.zip')),
    ];
    expect(other.ino).toBe(one.ino);
    expect(await listTree(held)).toEqual(before);
    expect(await listTree(join(dest, '.ccxri', 'partial'))).toEqual([]);
  });

  it('are not downloaded again, and can be extracted and joined', async () => {
    await take();
    const { outcomes } = await extractDataset({ dest, manifest });
    expect(outcomes.map(({ did }) => did)).toEqual(['extracted', 'extracted']);
    expect((await joinDataset({ dest, manifest })).rows).toBe(12);
    const fetched = await run({
      ...{ dest, manifest, sources: [await tempDir()] },
      selection: { files: ['ChestDx-1', 'Normal-1'] },
    });
    expect(fetched.outcomes).toEqual(['skipped', 'skipped']);
    expect(fetched.result?.bytesDownloaded).toBe(0);
  });

  it('are hashed alone where their size and first bytes are plausible', async () => {
    const plausible = bytesOf(release, 'ChestDx-2').length;
    await writeTree(held, {
      'same-size-no-zip': noise('x', plausible),
      'same-size.zip': Buffer.concat([Buffer.from('PK'), noise('y', plausible - 2)]),
      'large.bin': noise('z', 3_000_000),
    });
    const result = await take();
    const sizes = ['ChestDx-1', 'Normal-1', 'chest_dx.csv'].map(
      (name) => bytesOf(release, name).length,
    );
    expect(result.filesHashed).toBe(4);
    expect(result.bytesHashed).toBe(sizes.reduce((sum, bytes) => sum + bytes, plausible));
    expect(result.filesSeen).toBe(7);
  });

  it('that are here already are left, unread', async () => {
    await take();
    const again = await take();
    expect(filesOf(again)).toEqual({});
    expect(again.filesHashed).toBe(0);
    expect(leftOf(again)).toEqual({ 'not-needed': 3 });
  });

  it('are copied on request, and what was copied does not hang on what was found', async () => {
    await take({ link: 'copy' });
    const [one, other] = [
      await stat(join(held, 'wget/download')),
      await stat(final('Normal-1.zip')),
    ];
    expect(other.ino).not.toBe(one.ino);
    expect(await readFile(final('Normal-1.zip'))).toEqual(bytesOf(release, 'Normal-1'));
  });

  it('are moved on request, and nothing else is: no copy of them, nothing behind a link', async () => {
    const elsewhere = join(root, 'elsewhere');
    await writeTree(elsewhere, { 'x.zip': bytesOf(release, 'Viral-2') });
    await writeTree(held, { 'z/ChestDx-1.zip': bytesOf(release, 'ChestDx-1') });
    await symlink(elsewhere, join(held, 'link'));
    const result = await take({ link: 'move' });
    expect(filesOf(result)).toMatchObject({
      'ChestDx-1.zip': 'adopted moved',
      'Viral-2.zip': 'adopted linked',
    });
    expect(await listTree(held)).toEqual(
      expect.arrayContaining(['link', 'notes.txt', 'z/ChestDx-1.zip']),
    );
    expect(await listTree(held)).not.toContain('ChestDx-1 (1).zip');
    expect(await listTree(elsewhere)).toEqual(['x.zip']);
    expect(leftOf(result)).toEqual({ 'not-needed': 1 });
  });

  it('are only shown by a dry run, which writes nothing', async () => {
    const result = await take({ dryRun: true });
    expect(filesOf(result)).toEqual({
      'ChestDx-1.zip': 'planned',
      'Normal-1.zip': 'planned',
      'chest_dx.csv': 'planned',
    });
    expect(await listTree(root)).not.toContain('set');
  });

  it('of a part of the dataset are taken alone where it is selected', async () => {
    const result = await take({ selection: { subsets: ['normal'] } });
    expect(filesOf(result)).toEqual({ 'Normal-1.zip': 'adopted linked' });
  });

  it('replace what is damaged in their place and had passed, and nothing that is not known', async () => {
    await take();
    const wrong = noise('wrong', bytesOf(release, 'Normal-1').length);
    await writeTree(dest, { 'archives/Viral-1.zip': wrong });
    await writeTree(held, { v: bytesOf(release, 'Viral-1') });
    const ours = final('ChestDx-1.zip');
    const copy = await readFile(ours);
    await writeFile(`${ours}.new`, noise('rot', copy.length));
    await rename(`${ours}.new`, ours);
    await utimes(ours, new Date(), new Date(0));
    const result = await take();
    expect(filesOf(result)).toMatchObject({
      'ChestDx-1.zip': 'adopted linked',
      'Viral-1.zip': 'failed',
    });
    expect(result.files.find(({ did }) => did === 'failed')?.error).toMatchObject({
      code: 'occupied',
    });
    expect(await readFile(ours)).toEqual(copy);
    expect(await readFile(final('Viral-1.zip'))).toEqual(wrong);
  });

  it('leave no directory behind where nothing is found', async () => {
    const empty = await tempDir();
    const result = await take({ paths: [empty] });
    expect([result.files, result.images, result.left]).toEqual([[], [], []]);
    expect(await listTree(root)).not.toContain('set');
  });

  it('are not looked for in the dataset directory, nor in a parent of it beside the rest', async () => {
    await take();
    await expect(take({ paths: [dest] })).rejects.toMatchObject({ code: 'usage' });
    await expect(take({ paths: [join(dest, 'archives')] })).rejects.toMatchObject({
      code: 'usage',
    });
    await expect(take({ paths: [join(root, 'nowhere')] })).rejects.toMatchObject({ code: 'usage' });
    await writeTree(held, { v: bytesOf(release, 'Viral-1') });
    const result = await take({ paths: [root] });
    expect(filesOf(result)).toEqual({ 'Viral-1.zip': 'adopted linked' });
    expect(leftOf(result)).toEqual({ 'not-needed': 3, 'dataset-directory': 1 });
    const { files } = await datasetStatus({ dest, manifest });
    expect(files.filter(({ status }) => status === 'verified')).toHaveLength(4);
  });
});

describe('an MD5 that is published twice', () => {
  const disputed = (stem: string, md5: string) => {
    const sample = release.samples.get(stem);
    if (sample === undefined) throw new Error(stem);
    const file = { ...sample.file, md5, md5Disputed: 'published twice' };
    return { ...sample, file };
  };
  const { md5 } = release.samples.get('Viral-1')?.file ?? {};
  const both = manifestOf(disputed('Viral-1', String(md5)), disputed('Other-1', String(md5)));

  it('stands for one of them; the other passes by its content, if it has its name', async () => {
    const root = await tempDir();
    const [held, dest] = [join(root, 'held'), join(root, 'set')];
    await writeTree(held, {
      a: bytesOf(release, 'Viral-1'),
      'Other-1 (1).zip': bytesOf(release, 'Other-1'),
    });
    const { files } = await adopt({ paths: [held], dest, manifest: both });
    expect(files.map(({ file, status }) => [file, status])).toEqual([
      ['Viral-1.zip', 'verified'],
      ['Other-1.zip', 'content-checked'],
    ]);
  });

  it.each([
    ...['Other-1.zip', 'Other-1(2).zip', 'Other-1.zip.1', 'Copy of other_1.zip'],
    ...['Other-1 - Copy.zip', 'Other-1 - Copy (2).zip', 'get?f=Other-1.zip&x=1'],
    ...['get?file=Other-1.zip', 'get?path=%2FOther-1.zip', 'Other-1.zip?dl=1'],
  ])('has its name as %s, too', async (name) => {
    const root = await tempDir();
    await writeTree(join(root, 'held'), { [name]: bytesOf(release, 'Other-1') });
    const { files } = await adopt({
      ...{ paths: [join(root, 'held')], dest: join(root, 'set'), manifest: both },
    });
    expect(files.map(({ file, status }) => [file, status])).toEqual([
      ['Other-1.zip', 'content-checked'],
    ]);
  });

  it('is not taken for its name where its content is wrong: then it is a zip of images', async () => {
    const root = await tempDir();
    const [held, dest] = [join(root, 'held'), join(root, 'set')];
    const wrong = Buffer.from(bytesOf(release, 'Other-1'));
    // In the bytes of the first image: its CRC-32 is wrong, the others are right.
    wrong.writeUInt8(wrong.readUInt8(2000) ^ 0xff, 2000);
    await writeTree(held, { 'Other-1.zip': wrong });
    const result = await adopt({ paths: [held], dest, manifest: both });
    expect(filesOf(result)).toEqual({ 'Other-1.zip': 'failed' });
    expect(result.images.map(({ file, named }) => [file, named])).toEqual([['Other-1.zip', 5]]);
    expect(await listTree(join(dest, '.ccxri', 'partial'))).toEqual([]);
  });

  it.each([
    ...['holiday.zip', 'Other-11.zip', 'Another-1.zip', 'project-other-1.zip'],
    ...['Other-1_denoised.zip', 'Other-1_3.zip', 'Normal-Other-1.zip'],
  ])('makes no archive of just any zip of that size: %s', async (name) => {
    const root = await tempDir();
    await mkdir(join(root, 'held'));
    await writeFile(join(root, 'held', name), bytesOf(release, 'Other-1'));
    const dest = join(root, 'set');
    const result = await adopt({ paths: [join(root, 'held')], dest, manifest: both });
    expect(result.files).toEqual([]);
  });
});
