import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { joinDataset } from '../../src/join.ts';
import { readLabelFile } from '../../src/labels/read.ts';
import { loadManifest } from '../../src/manifest/load.ts';
import { CHEST_HEADER, chestRow, lines, parseCsv } from '../support/csv.ts';
import { useTempDirs, writeTree } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const manifest = await loadManifest();

/** Joins one archive of images with a label file, and reads what was written. */
async function joinNames(images: readonly string[], labelled: readonly string[]) {
  const dest = await tempDir();
  await writeTree(dest, {
    'labels/chest_dx.csv': lines(
      CHEST_HEADER,
      ...labelled.map((image) => chestRow(image, 'ChestDx-1', 'Mass')),
    ),
    ...Object.fromEntries(images.map((image) => [`images/ChestDx-1/${image}`, ''])),
  });
  const result = await joinDataset({ manifest, dest });
  return { result, rows: parseCsv(await readFile(join(dest, 'index.csv'), 'utf8')) };
}

it.each([
  { name: 'case', image: 'p1_000.jpg', label: 'P1_000.jpg' },
  { name: 'a blank', image: 'p1_000.jpg', label: 'p1 _000.jpg' },
  { name: 'a leading zero', image: 'p7_000.jpg', label: 'p07_000.jpg' },
  { name: 'the spelling of a letter', image: 'p\u00e9_000.jpg', label: 'pe\u0301_000.jpg' },
])('#145 names that differ by $name are two, and both are told', async ({ image, label }) => {
  const { result, rows } = await joinNames([image, 'q_000.jpg'], [label, 'q_000.jpg']);
  expect(rows).toMatchObject([
    { image, Mass: '' },
    { image: 'q_000.jpg', Mass: '1' },
  ]);
  expect(result.remarks).toMatchObject([
    { kind: 'image-without-row', count: 1, examples: [`ChestDx-1/${image}`], strict: true },
    { kind: 'row-without-image', count: 1, examples: [`ChestDx-1/${label}`], strict: true },
  ]);
});

it('#146 names that look like numbers stay what they are', async () => {
  const images = ['007_000.jpg', '0x1F_000.jpg', '1e5_000.jpg', 'true_000.jpg', '1_0.50.jpg'];
  const { result, rows } = await joinNames(images, images);
  expect(result.remarks).toEqual([]);
  expect(rows.map(({ image }) => image)).toEqual([...images].sort());
  expect(rows.map((row) => row['patient_id'])).toEqual(['007', '0x1F', '1', '1e5', 'true']);
  expect(rows.map((row) => row['Mass'])).toEqual(images.map(() => '1'));
});

it('#147 names that a spreadsheet would run stay what they are', async () => {
  const images = ["=cmd|' !A0_000.jpg", '+1_000.jpg', '-1_000.jpg', '@SUM(A1)_000.jpg'];
  const { result, rows } = await joinNames(images, images);
  expect(result.remarks).toEqual([]);
  expect(rows.map(({ image }) => image).sort()).toEqual([...images].sort());
});

describe('#148 names that mean something to JavaScript', () => {
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'];

  it('are columns that are not used', async () => {
    const path = join(await tempDir(), 'chest_dx.csv');
    const row = chestRow('p1_000.jpg', 'ChestDx-1', 'Mass');
    await writeFile(path, lines(`${CHEST_HEADER},${names.join()}`, `${row},1,2,3,4`));
    const labels = await readLabelFile({ file: 'chest_dx.csv', path }, 'chest');
    assert(labels.form === 'chest');
    expect(labels.extraColumns).toEqual(names);
    expect(labels.byArchive.get('ChestDx-1')?.size).toBe(1);
  });

  it('are images and archives like others', async () => {
    const path = join(await tempDir(), 'chest_dx.csv');
    const rows = names.map((name) => chestRow(name, name, 'Mass'));
    await writeFile(path, lines(CHEST_HEADER, ...rows));
    const labels = await readLabelFile({ file: 'chest_dx.csv', path }, 'chest');
    assert(labels.form === 'chest');
    expect([...labels.byArchive.keys()]).toEqual(names);
    const { result, rows: joined } = await joinNames(
      names.map((name) => `${name}_000.jpg`),
      names.map((name) => `${name}_000.jpg`),
    );
    expect(result).toMatchObject({ rows: 4, rowsWithLabels: 4, remarks: [] });
    expect(joined.map((row) => row['patient_id']).sort()).toEqual([...names].sort());
  });
});
