import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { AdoptOptions } from '../../src/adopt/types.ts';
import { extractDataset } from '../../src/extract/extract-dataset.ts';
import { joinDataset } from '../../src/join.ts';
import { datasetStatus } from '../../src/status.ts';
import { verifyDataset } from '../../src/verify/verify-dataset.ts';
import {
  adopt,
  bytesOf,
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
import { likeJpeg } from '../support/tiny-jpeg.ts';

const tempDir = useTempDirs();
const release = makeRelease();
const { manifest } = release;
const dx1 = imagesOf(release, 'ChestDx-1');
const dx2 = imagesOf(release, 'ChestDx-2');
const [first = ''] = Object.keys(dx1);

describe('images that lie elsewhere', () => {
  let [root, held, dest] = ['', '', ''];
  const statusOf = async (stem: string) =>
    (await datasetStatus({ dest, manifest })).files.find(({ file }) => file === `${stem}.zip`);
  /** By archive: checked by CRC-32, by name, here before; what was left; the codes of errors. */
  const take = async (more: Partial<AdoptOptions> = {}) => {
    const result = await adopt({ paths: [held], dest, manifest, ...more });
    const ofImages = result.images.flatMap(({ error }) => error ?? []);
    return {
      left: leftOf(result),
      images: Object.fromEntries(
        result.images.map(({ file, crcChecked, named, here }) => [file, [crcChecked, named, here]]),
      ),
      errors: [...result.errors, ...ofImages].map(({ code }) => code),
    };
  };

  beforeEach(async () => {
    root = await tempDir();
    [held, dest] = [join(root, 'held'), join(root, 'set')];
    await writeTree(held, { 'readme.txt': noise('readme', 100_000) });
  });

  describe('with a member index', () => {
    beforeEach(() => keepIndexes(release, dest));

    it('are checked by length and CRC-32, and are then what single images are', async () => {
      await writeTree(held, inFolder('what/ever', dx1));
      expect(await take()).toEqual({
        images: { 'ChestDx-1.zip': [6, 0, 0] },
        left: {},
        errors: [],
      });
      expect(await statusOf('ChestDx-1')).toMatchObject({ status: 'crc-checked', singleImages: 6 });
      const [one, other] = await Promise.all([
        stat(join(held, 'what/ever', first)),
        stat(join(dest, 'images/ChestDx-1', first)),
      ]);
      expect(other.ino).toBe(one.ino);
      const again = await take();
      expect(again.images).toEqual({ 'ChestDx-1.zip': [0, 0, 6] });
      expect(await listTree(join(dest, '.ccxri', 'stage'))).toEqual([]);
    });

    it('name the folder that they come from', async () => {
      await writeTree(held, inFolder('what/ever', dx1));
      const { images } = await adopt({ paths: [held], dest, manifest });
      expect(images.map(({ from }) => from)).toEqual([[join(held, 'what', 'ever')]]);
    });

    it('come out of a bundle of several archives, in folders or flat', async () => {
      await writeFile(
        join(held, 'Dx1_20.zip'),
        zipOf({ ...inFolder('x/ChestDx-1', dx1), ...inFolder('y', dx2) }),
      );
      expect(await take({ link: 'move' })).toEqual({
        images: { 'ChestDx-1.zip': [6, 0, 0], 'ChestDx-2.zip': [6, 0, 0] },
        left: {},
        errors: [],
      });
      expect(await readFile(join(dest, 'images/ChestDx-1', first))).toEqual(dx1[first]);
      expect(await listTree(held)).toContain('Dx1_20.zip');
    });

    it('are left where they are not what the archive has, with code 3; the right copy is taken', async () => {
      const other = likeJpeg(noise('other', 4000));
      const sameLength = Buffer.from(dx1[first] ?? []);
      sameLength[50] = (sameLength[50] ?? 0) ^ 1;
      const [, second = ''] = Object.keys(dx1);
      await writeTree(held, {
        [`a/${first}`]: sameLength,
        [`b/${first}`]: dx1[first] ?? '',
        [`a/${second}`]: other,
        'a/ChestDx-1/patient99_000.jpg': other,
      });
      expect(await take()).toEqual({
        images: { 'ChestDx-1.zip': [1, 0, 0] },
        left: { differs: 2, 'unknown-archive': 1 },
        errors: ['md5-mismatch'],
      });
      expect(await readFile(join(dest, 'images/ChestDx-1', first))).toEqual(dx1[first]);
    });

    it('are moved on request: those that were taken, and no others', async () => {
      await writeTree(held, { ...inFolder('a', dx1), [`b/${first}`]: dx1[first] ?? '' });
      const { left } = await take({ link: 'move' });
      expect(left).toEqual({ 'not-needed': 1 });
      expect(await listTree(held)).toEqual(['a', 'b', `b/${first}`, 'readme.txt']);
    });

    it('are copied on request', async () => {
      await writeTree(held, dx1);
      await take({ link: 'copy' });
      const [one, other] = await Promise.all([
        stat(join(held, first)),
        stat(join(dest, 'images/ChestDx-1', first)),
      ]);
      expect(other.ino).not.toBe(one.ino);
    });

    it('are only read by a dry run', async () => {
      await writeTree(held, dx1);
      const before = await listTree(root);
      expect((await take({ dryRun: true })).images).toEqual({ 'ChestDx-1.zip': [6, 0, 0] });
      expect(await listTree(root)).toEqual(before);
    });

    it('join those that are here, and never take the place of what is not known', async () => {
      await writeTree(held, dx1);
      await writeTree(dest, { [`images/ChestDx-1/${first}`]: 'mine' });
      expect(await take()).toMatchObject({
        images: { 'ChestDx-1.zip': [5, 0, 0] },
        left: { 'in-the-way': 1 },
      });
      expect(await readFile(join(dest, 'images/ChestDx-1', first), 'utf8')).toBe('mine');
    });
  });

  describe('of an archive whose members the ledger knows', () => {
    it('are checked by these, and the folder is whole again', async () => {
      await writeTree(dest, { 'archives/ChestDx-1.zip': bytesOf(release, 'ChestDx-1') });
      await extractDataset({ dest, manifest });
      await rm(join(dest, 'archives'), { recursive: true });
      await rm(join(dest, 'images/ChestDx-1', first));
      await writeTree(held, dx1);
      expect((await take()).images).toEqual({ 'ChestDx-1.zip': [1, 0, 5] });
      expect(await statusOf('ChestDx-1')).toMatchObject({ status: 'removed' });
    });
  });

  describe('by their names alone', () => {
    const named = async () => {
      await putLabels(release, held);
      await writeTree(held, {
        ...inFolder('flat', dx1),
        ...inFolder('Normal-1', imagesOf(release, 'Normal-1')),
        ...inFolder('Viral-2', imagesOf(release, 'Viral-2')),
      });
      return take();
    };
    const checks = async () => {
      await joinDataset({ dest, manifest });
      const index = await readFile(join(dest, 'index.csv'), 'utf8');
      return new Set(
        index
          .trimEnd()
          .split('\n')
          .slice(1)
          .map((row) => row.split(',').at(-1)),
      );
    };

    it('are named, the lowest there is, wherever it is told', async () => {
      expect(await named()).toEqual({
        images: { 'ChestDx-1.zip': [0, 6, 0], 'Normal-1.zip': [0, 6, 0], 'Viral-2.zip': [0, 6, 0] },
        left: {},
        errors: [],
      });
      expect(await statusOf('ChestDx-1')).toMatchObject({ status: 'named', namedImages: 6 });
      for (const depth of ['quick', 'full', 'deep'] as const) {
        const { outcomes } = await verifyDataset({ dest, manifest, depth });
        const words = outcomes.filter(({ kind }) => kind === 'archive').map(({ status }) => status);
        expect(words).toEqual(['named', 'named', 'named']);
      }
      expect(await checks()).toEqual(new Set(['named']));
    });

    it('are found damaged when they are not any more what was adopted', async () => {
      await named();
      await rm(join(dest, 'images/ChestDx-1', first));
      await writeFile(join(dest, 'images/ChestDx-1', first), likeJpeg(noise('rot', 4000)));
      const { outcomes } = await verifyDataset({ dest, manifest, depth: 'deep' });
      expect(outcomes.find(({ file }) => file === 'ChestDx-1.zip')).toMatchObject({
        status: 'bad',
      });
    });

    it('become verified by their archive, which puts those that differ into quarantine', async () => {
      const other = likeJpeg(noise('other', 4321));
      await putLabels(release, held);
      await writeTree(held, { ...dx1, [first]: other });
      await take();
      await writeTree(dest, { 'archives/ChestDx-1.zip': bytesOf(release, 'ChestDx-1') });
      const { outcomes } = await extractDataset({ dest, manifest });
      expect(outcomes.map(({ did }) => did)).toEqual(['extracted']);
      expect(await statusOf('ChestDx-1')).toMatchObject({ status: 'verified', images: 'complete' });
      expect(await readFile(join(dest, 'images/ChestDx-1', first))).toEqual(dx1[first]);
      expect(await readFile(join(dest, '.ccxri/bad/ChestDx-1.named', first))).toEqual(other);
      expect(await listTree(join(dest, '.ccxri/bad/ChestDx-1.named'))).toEqual([first]);
    });

    it('are checked once a member index is there, and replaced where a right one is found', async () => {
      const other = likeJpeg(noise('other', 4321));
      await putLabels(release, held);
      await writeTree(held, { ...dx1, [first]: other });
      await take();
      await keepIndexes(release, dest);
      await writeTree(held, { right: 'x', [`again/${first}`]: dx1[first] ?? '' });
      expect((await take()).images).toEqual({ 'ChestDx-1.zip': [6, 0, 5] });
      expect(await statusOf('ChestDx-1')).toMatchObject({ status: 'crc-checked' });
      expect(await readFile(join(dest, 'images/ChestDx-1', first))).toEqual(dx1[first]);
    });

    it('are left where two of a name differ, and where nothing tells the archive', async () => {
      await putLabels(release, held);
      const viral = imagesOf(release, 'Viral-1');
      const [of = ''] = Object.keys(viral);
      await writeTree(held, {
        [`a/${first}`]: dx1[first] ?? '',
        [`b/${first}`]: likeJpeg(noise('b', 4000)),
        [`flat/${of}`]: viral[of] ?? '',
        [`ChestDx-2/${Object.keys(dx1)[1] ?? ''}`]: 'contradicts',
        'flat/patient123456_000.jpg': 'of nobody',
        [`flat/${(Object.keys(dx1)[2] ?? '').replace('.jpg', '.png')}`]: 'converted',
      });
      expect(await take()).toEqual({
        images: { 'ChestDx-1.zip': [0, 0, 0] },
        left: { twice: 2, 'unknown-archive': 2, contradiction: 1, converted: 1 },
        errors: ['md5-mismatch'],
      });
      expect(await listTree(join(dest))).not.toContain(`images/ChestDx-1/${first}`);
    });
  });

  describe('in zips that are not as they should be', () => {
    it('of a damaged bundle the good ones are taken, with code 3', async () => {
      await keepIndexes(release, dest);
      const zip = zipOf(dx1);
      const at = zip.indexOf(dx1[first] ?? Buffer.of(0));
      zip[at + 100] = (zip[at + 100] ?? 0) ^ 1;
      await writeFile(join(held, 'bundle.zip'), zip);
      expect(await take()).toEqual({
        images: { 'ChestDx-1.zip': [5, 0, 0] },
        left: { damaged: 1 },
        errors: ['md5-mismatch'],
      });
    });

    it('are named, encrypted, cut and unsafe ones: an error where the user or the name means them', async () => {
      await writeTree(held, {
        'locked.zip': zipOf(dx1, { flags: 1 }),
        'ChestDx-2.zip': zipOf(dx2).subarray(0, 20_000),
        'evil.zip': zipOf({ ...dx1, '../../out.jpg': Buffer.from('x') }),
      });
      expect(await take()).toEqual({
        images: {},
        left: { unread: 1, damaged: 1, unsafe: 1 },
        errors: ['damaged-archive'],
      });
      const named = await take({ paths: [join(held, 'evil.zip')] });
      expect(named.errors).toEqual(['unsafe-archive']);
      expect(await listTree(root)).not.toContain('out.jpg');
    });

    it("of another dataset are called what they seem to be: CC-CCII's Normal-1.zip", async () => {
      const scans = Object.fromEntries(
        Array.from({ length: 8 }, (_, n) => [`Normal/12${n}/3${n}/0001.jpg`, noise(`${n}`, 700)]),
      );
      await writeTree(held, {
        'Normal-1.zip': zipOf(scans),
        ...inFolder('Normal-1', scans),
      });
      const result = await adopt({ paths: [held], dest, manifest });
      expect(leftOf(result)).toEqual({ 'other-dataset': 9 });
      expect(result.left[0]?.examples[0]?.message).toContain('CC-CCII');
      expect(result.images).toEqual([]);
    });
  });
});
