import { copyFile, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { Ledger } from '../../src/dataset/ledger.ts';
import { extractDataset } from '../../src/extract/extract-dataset.ts';
import type { Manifest } from '../../src/manifest/manifest.ts';
import { datasetStatus } from '../../src/status.ts';
import type { VerifyDepth } from '../../src/verify/types.ts';
import { verifyDataset } from '../../src/verify/verify-dataset.ts';
import { manifestOf, noise, run, toSample } from '../support/fetching.ts';
import { getImages } from '../support/single-images.ts';
import { useTempDirs } from '../support/temp-dirs.ts';
import { likeJpeg } from '../support/tiny-jpeg.ts';
import { rot } from '../support/verify.ts';
import { buildZip } from '../support/zip-builder.ts';

const tempDir = useTempDirs();

const NAME = 'ChestDx-1.zip';
const pathOf = (n: number) => `patient${n}_000.jpg`;
const CONTENTS = Array.from({ length: 30 }, (_, n) => likeJpeg(noise(`m${n}`, 3_000 + n)));
const SAMPLE = toSample(
  NAME,
  buildZip(CONTENTS.map((content, n) => ({ name: pathOf(n), content }))),
  { kind: 'archive', category: 'ChestDx' },
);
const DEPTHS: readonly VerifyDepth[] = ['quick', 'full', 'deep'];

describe('single images', () => {
  const manifest: Manifest = manifestOf(SAMPLE);
  let [dest, source, folder] = ['', '', ''];

  beforeEach(async () => {
    [dest, source] = [join(await tempDir(), 'data'), await tempDir()];
    folder = join(dest, 'images', 'ChestDx-1');
    await writeFile(join(source, NAME), SAMPLE.bytes);
    await get(4, 7);
  });

  const get = (...wanted: readonly number[]) =>
    getImages({ dest, manifest, source, paths: wanted.map(pathOf) });
  const status = async () => (await datasetStatus({ dest, manifest })).files[0];
  const verify = async (depth: VerifyDepth = 'full') => {
    const [outcome] = (await verifyDataset({ dest, manifest, depth })).outcomes;
    return outcome;
  };
  const putArchive = async () => {
    await mkdir(join(dest, 'archives'), { recursive: true });
    await copyFile(join(source, NAME), join(dest, 'archives', NAME));
  };
  const extract = async () => (await extractDataset({ dest, manifest })).outcomes[0];
  const states = async () => {
    const record = await new Ledger(join(dest, '.ccxri/ledger')).readMembers(NAME);
    return new Set(record?.members.map(({ state }) => state));
  };

  it('are counted by status, which never says more of them than their CRC-32s do', async () => {
    expect(await status()).toMatchObject({
      status: 'crc-checked',
      images: 'single',
      singleImages: 2,
      bytesHere: [4, 7].reduce((sum, n) => sum + (CONTENTS[n]?.length ?? 0), 0),
      check: null,
    });
  });

  it.each(DEPTHS)('pass verify (%s) without the archive', async (depth) => {
    const outcome = await verify(depth);
    expect(outcome).toMatchObject({ status: 'crc-checked', badMembers: [], unexpectedFiles: [] });
    expect(outcome?.error).toBeUndefined();
    expect(outcome?.membersChecked).toBe(depth === 'quick' ? 0 : 2);
  });

  it.each(['full', 'deep'] as const)(
    'are read by verify (%s), until they are right',
    async (depth) => {
      await writeFile(join(folder, 'mine.txt'), 'mine');
      await rot(join(folder, pathOf(7)), 1000);
      expect(await verify('quick')).toMatchObject({ status: 'crc-checked' });
      expect(await verify(depth)).toMatchObject({
        status: 'bad',
        badMembers: [`images/ChestDx-1/${pathOf(7)}`],
        unexpectedFiles: ['images/ChestDx-1/mine.txt'],
        error: { code: 'damaged-archive', next: [{ kind: 'advice', or: { command: 'fetch' } }] },
      });
      expect(await status()).toMatchObject({ status: 'bad', images: 'bad' });
      expect(await get(4, 7)).toMatchObject({ published: 1, here: 1 });
      expect(await verify(depth)).toMatchObject({ status: 'crc-checked', badMembers: [] });
      expect(await readFile(join(folder, 'mine.txt'), 'utf8')).toBe('mine');
    },
  );

  it('are missed by verify where one is gone', async () => {
    await rm(join(folder, pathOf(4)));
    expect(await verify('quick')).toMatchObject({ error: { code: 'missing' } });
    expect(await get(4, 7)).toMatchObject({ published: 1, here: 1 });
    expect((await verify())?.error).toBeUndefined();
  });

  it.each(DEPTHS)('are all that verify (%s) expects beside an archive', async (depth) => {
    await putArchive();
    await verify('full');
    const outcome = await verify(depth);
    expect(outcome?.error).toBeUndefined();
    expect(outcome).toMatchObject({ status: depth === 'quick' ? 'present' : 'verified' });
    await rot(join(folder, pathOf(7)), 1000);
    if (depth === 'deep') expect(await verify('deep')).toMatchObject({ status: 'bad' });
  });

  it('are replaced by an extraction, which makes all images verified', async () => {
    await putArchive();
    expect(await extract()).toMatchObject({ did: 'extracted', members: 30 });
    expect(await states()).toEqual(new Set(['verified']));
    expect((await readdir(folder)).length).toBe(30);
    expect(await status()).toMatchObject({ images: 'complete', singleImages: 0 });
    // And then there is nothing to get.
    expect(await get(4, 7, 9)).toMatchObject({ published: 0, here: 3 });
    expect(await states()).toEqual(new Set(['verified']));
  });

  it('are replaced by a fetch of the archive', async () => {
    const sources = [`file://${source}`];
    const ran = await run({ dest, manifest, sources, extract: true, join: false });
    expect(ran.exit).toBe(0);
    expect(await states()).toEqual(new Set(['verified']));
    expect(await status()).toMatchObject({ status: 'verified', images: 'complete' });
  });

  it('are not replaced where a file of the user lies among them', async () => {
    await writeFile(join(folder, 'mine.txt'), 'mine');
    await putArchive();
    expect(await extract()).toMatchObject({ did: 'failed', error: { code: 'occupied' } });
    expect((await readdir(folder)).sort()).toEqual(['mine.txt', pathOf(4), pathOf(7)]);
    expect(await states()).toEqual(new Set(['crc-checked']));
  });

  it('that are put among extracted ones are not called verified, nor are the others all of them', async () => {
    await putArchive();
    await extract();
    await rm(join(dest, 'archives', NAME));
    await rm(join(folder, pathOf(9)));
    expect(await get(9)).toMatchObject({ published: 1 });
    expect(await states()).toEqual(new Set(['verified', 'crc-checked']));
    expect(await status()).toMatchObject({ status: 'crc-checked', images: 'single' });
    expect(await verify('deep')).toMatchObject({ status: 'crc-checked', membersChecked: 30 });
  });
});
