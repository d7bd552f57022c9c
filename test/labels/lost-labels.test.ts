import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { joinDataset } from '../../src/join.ts';
import type { LabelFacts } from '../../src/labels/join.ts';
import { findLostLabels } from '../../src/labels/write.ts';
import { loadManifest } from '../../src/manifest/load.ts';
import { CHEST_HEADER, chestRow, lines } from '../support/csv.ts';
import { nextSaying } from '../support/matchers.ts';
import { useTempDirs, writeTree } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const manifest = await loadManifest();

const CHEST = 'chest_dx.csv';
const VIRAL = 'viral_pneumonia_COVID-19.csv';
const FILES: Readonly<Record<string, string>> = {
  [`labels/${CHEST}`]: lines(CHEST_HEADER, chestRow('patient10_000.jpg', 'ChestDx-1', 'Mass')),
  [`labels/${VIRAL}`]: lines('image,COVID-19', 'patient5_000.jpg,True'),
  'images/ChestDx-1/patient10_000.jpg': '',
  'images/Normal-4/patient7_000.jpg': '',
  'images/Viral-1/patient5_000.jpg': '',
};

it.each([
  [CHEST, 'images/ChestDx-1/patient11_000.jpg'],
  [VIRAL, 'images/Viral-1/patient6_000.jpg'],
])('an index that was made with %s is kept where that is gone', async (name, newImage) => {
  const dest = await tempDir();
  const index = join(dest, 'index.csv');
  await writeTree(dest, FILES);
  await joinDataset({ manifest, dest });
  // As an earlier ccxri has written it.
  if (name === VIRAL) {
    await writeFile(index, (await readFile(index, 'utf8')).replaceAll(/,(?:check|named)$/gm, ''));
  }
  const before = await readFile(index, 'utf8');
  await rm(join(dest, 'labels', name));
  await writeTree(dest, { [newImage]: '' });
  for (const dryRun of [true, false]) {
    await expect(joinDataset({ manifest, dest, dryRun })).rejects.toMatchObject({
      code: 'missing',
      facts: { file: name, path: index, kept: 'index.csv, unchanged' },
      next: nextSaying(`ccxri fetch --file ${name}`),
    });
  }
  expect(await readFile(index, 'utf8')).toBe(before);
  const output = join(dest, 'other.csv');
  expect((await joinDataset({ manifest, dest, output })).rows).toBe(4);
  await writeTree(dest, FILES);
  expect((await joinDataset({ manifest, dest })).rows).toBe(4);
});

it('an index none of whose rows has labels of the file that is gone is written anew', async () => {
  const dest = await tempDir();
  const files = Object.entries(FILES).filter(([path]) => !path.includes(CHEST));
  await writeTree(dest, Object.fromEntries(files));
  expect((await joinDataset({ manifest, dest })).rows).toBe(3);
  await writeTree(dest, { 'images/ChestDx-1/patient11_000.jpg': '' });
  expect((await joinDataset({ manifest, dest })).rows).toBe(4);
});

it('another label file of the same archives may be what an index has its labels from', async () => {
  const dest = await tempDir();
  await writeTree(dest, FILES);
  const { path: index } = await joinDataset({ manifest, dest });
  const archives = [{ file: 'ChestDx-1.zip', stem: 'ChestDx-1', subsets: ['chestdx'] }];
  const of = (file: string, present: boolean, subsets = ['chestdx']): LabelFacts => ({
    ...{ file, present, subsets },
    form: 'chest',
  });
  const lostOf = async (...files: readonly LabelFacts[]) =>
    (await findLostLabels(index, files, archives))?.file;
  expect(await lostOf(of('old.csv', false))).toBe('old.csv');
  expect(await lostOf(of('old.csv', false), of('new.csv', true))).toBeUndefined();
  expect(await lostOf(of('old.csv', false), of('other.csv', true, ['cc-cxri-p']))).toBe('old.csv');
});
