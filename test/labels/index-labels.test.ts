import { expect, it } from 'vitest';
import { layoutOf } from '../../src/dataset/layout.ts';
import { buildIndex } from '../../src/labels/build-index.ts';
import { readLabels } from '../../src/labels/scan.ts';
import { loadManifest } from '../../src/manifest/load.ts';
import { CHEST_HEADER, chestRow, lines } from '../support/csv.ts';
import { listTree, useTempDirs, writeTree } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const manifest = await loadManifest();

it('reads the label files that are here, and names those that are not', async () => {
  const root = await tempDir();
  const csv = lines(CHEST_HEADER, chestRow('a_0.jpg', 'ChestDx-1'));
  await writeTree(root, { 'labels/chest_dx.csv': csv });
  const labels = await readLabels(layoutOf(root), manifest);
  expect(labels.tables.chest).toMatchObject([{ file: 'chest_dx.csv', rows: 1 }]);
  expect(labels.tables.covid).toEqual([]);
  expect(labels.files).toMatchObject([
    { file: 'chest_dx.csv', form: 'chest', present: true },
    { file: 'viral_pneumonia_COVID-19.csv', form: 'covid', present: false },
  ]);
});

it('does not read a partial download', async () => {
  const root = await tempDir();
  await writeTree(root, { '.ccxri/partial/chest_dx.csv': 'half' });
  expect((await readLabels(layoutOf(root), manifest)).tables).toEqual({ chest: [], covid: [] });
});

it('a selection never narrows index.csv itself', async () => {
  const root = await tempDir();
  await writeTree(root, { 'images/Normal-1/a_0.jpg': '', 'images/Other-1/b_0.jpg': '' });
  const layout = layoutOf(root);
  const result = await buildIndex({ layout, manifest, selection: { subsets: ['normal'] } });
  expect(result.rows).toBe(2);
  expect(await listTree(root)).toContain('index.csv');
});
