import { expect, it } from 'vitest';
import { buildIndex, indexRows, openIndexSource } from '../../src/labels/build-index.ts';
import { loadManifest, parseManifest } from '../../src/manifest/load.ts';
import { CHEST_HEADER, chestRow, lines } from '../support/csv.ts';
import { listTree, useTempDirs, writeTree } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const manifest = await loadManifest();

it('a selection never narrows index.csv itself', async () => {
  const root = await tempDir();
  await writeTree(root, { 'images/Normal-1/a_0.jpg': '', 'images/Other-1/b_0.jpg': '' });
  const result = await buildIndex({ dest: root, manifest, selection: { subsets: ['normal'] } });
  expect(result.rows).toBe(2);
  expect(await listTree(root)).toContain('index.csv');
});

it('gives its rows an archive at a time, also of a selection, and ends when stopped', async () => {
  const root = await tempDir();
  const csv = lines('image,COVID-19', 'v_0.jpg,True');
  await writeTree(root, {
    'labels/viral_pneumonia_COVID-19.csv': csv,
    'images/Normal-1/a_0.jpg': '',
    'images/Viral-1/v_0.jpg': '',
    'images/Viral-2/v_1.jpg': '',
  });
  const source = await openIndexSource({ dest: root, manifest, selection: { subsets: ['viral'] } });
  const stop = new AbortController();
  const seen: unknown[] = [];
  const reading = (async () => {
    for await (const { archive, rows } of indexRows(source, stop.signal)) {
      seen.push([archive.stem, rows.map(({ image, covid }) => [image, covid])]);
      if (archive.stem === 'Viral-2') stop.abort();
    }
  })();
  await reading;
  const expected = [
    ['Viral-1', [['v_0.jpg', true]]],
    ['Viral-2', [['v_1.jpg', null]]],
  ];
  expect(seen).toEqual(expected);
  await expect(indexRows(source, stop.signal).next()).rejects.toMatchObject({ code: 'aborted' });
  expect(await listTree(root)).not.toContain('index.csv');
});

it('reads label files of a manifest with other subsets by their headers, and says what fits nowhere', async () => {
  const file = (name: string, kind: string, ...subsets: readonly string[]) => ({
    ...{ name, kind, category: 'Mine', subsets, size: '1K', md5: '0'.repeat(32) },
  });
  const mine = parseManifest(
    JSON.stringify({
      ...manifest,
      files: [
        file('A-1.zip', 'archive', 'mine'),
        file('B-1.zip', 'archive', 'viral'),
        file('renamed.csv', 'labels', 'viral'),
        file('tags.csv', 'labels', 'mine'),
        file('other.csv', 'labels', 'mine'),
      ],
    }),
  );
  const root = await tempDir();
  await writeTree(root, {
    'labels/renamed.csv': lines(CHEST_HEADER, chestRow('a_0.jpg', 'A-1', 'Mass')),
    'labels/tags.csv': lines('image,COVID-19', 'b_0.jpg,True'),
    'labels/other.csv': lines(CHEST_HEADER, chestRow('x_0.jpg', 'X-1', 'Mass')),
    'images/A-1/a_0.jpg': '',
    'images/B-1/b_0.jpg': '',
  });
  const result = await buildIndex({ dest: root, manifest: mine });
  expect(result).toMatchObject({
    rows: 2,
    rowsWithLabels: 1,
    classes: { 'COVID-19': 1, none: 1 },
    remarks: [{ kind: 'unplaced-rows', file: 'other.csv', count: 1, examples: ['X-1'] }],
    rowsOfAbsentArchives: 0,
  });
});
