import { expect, it } from 'vitest';
import { layoutOf } from '../../src/dataset/layout.ts';
import { archiveFacts, hasImages, readLabels, scanImages } from '../../src/labels/scan.ts';
import { loadManifest } from '../../src/manifest/load.ts';
import { CHEST_HEADER, chestRow, lines } from '../support/csv.ts';
import { useTempDirs, writeTree } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const manifest = await loadManifest();

it.each([
  { name: 'nothing', files: {}, has: false },
  { name: 'a folder of nobody', files: { 'images/Mine/a.jpg': '' }, has: false },
  { name: 'a file named as an archive', files: { 'images/ChestDx-1': '' }, has: false },
  { name: 'an archive beside .zip', files: { 'images/ChestDx-1.zip/a.jpg': '' }, has: false },
  { name: 'an archive', files: { 'images/ChestDx-1/a.jpg': '' }, has: true },
])('$name under images/: there is something to index: $has', async ({ files, has }) => {
  const root = await tempDir();
  await writeTree(root, files);
  expect(await hasImages(layoutOf(root), manifest)).toBe(has);
});

it('finds archives in the order of their numbers, with what each holds', async () => {
  const root = await tempDir();
  await writeTree(root, {
    'images/ChestDx-10/a_0.jpg': '',
    'images/ChestDx-2/b_0.jpeg': '',
    'images/ChestDx-2/a_0.JPG': '',
    'images/ChestDx-2/sub/c_0.dcm': '',
    'images/ChestDx-2/notes.jpg.txt': '',
    'images/ChestDx-2/.jpg': '',
    'images/Mine/x.jpg': '',
    'images/.DS_Store': '',
  });
  const here = await scanImages(layoutOf(root), archiveFacts(manifest));
  expect(here).toEqual({
    archives: [
      {
        file: 'ChestDx-2.zip',
        stem: 'ChestDx-2',
        subsets: ['chestdx'],
        images: ['a_0.JPG', 'b_0.jpeg', 'sub/c_0.dcm'],
        strays: ['.jpg', 'notes.jpg.txt'],
      },
      {
        ...{ file: 'ChestDx-10.zip', stem: 'ChestDx-10', subsets: ['chestdx'] },
        ...{ images: ['a_0.jpg'], strays: [] },
      },
    ],
    unknownFolders: ['Mine'],
    strays: ['.DS_Store'],
  });
});

it('takes no images/ for an empty one, and a file in its place for an error', async () => {
  const root = await tempDir();
  expect(await scanImages(layoutOf(root), [])).toEqual({
    archives: [],
    unknownFolders: [],
    strays: [],
  });
  await writeTree(root, { images: 'a file' });
  const scanning = scanImages(layoutOf(root), []);
  await expect(scanning).rejects.toMatchObject({ code: 'not-writable' });
});

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
