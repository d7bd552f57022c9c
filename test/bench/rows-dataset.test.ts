import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeRowsDataset, placeImages } from '../../bench/rows-dataset.ts';
import { auditDataset } from '../../src/audit/audit-dataset.ts';
import { layoutOf } from '../../src/dataset/layout.ts';
import { readMemberIndex } from '../../src/dataset/member-index.ts';
import { datasetStatus } from '../../src/status.ts';
import { loadManifest } from '../../src/manifest/load.ts';
import { parseCsv } from '../support/csv.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();

it("the bench's rows have kept member indexes of all their archives, and a checked label file", async () => {
  const { dest, manifestPath, rows } = await makeRowsDataset(await tempDir(), { chest: 9, pe: 5 });
  expect(rows).toBe(51 * 9 + 23 * 5);
  const manifest = await loadManifest(manifestPath);
  const names = new Set<string>();
  for (const { name, md5, kind, bytes } of manifest.files) {
    if (kind === 'labels') continue;
    const index = await readMemberIndex(layoutOf(dest), { name, md5 });
    expect(index?.listing.sizeBytes).toBe(bytes);
    for (const { path } of index?.listing.members ?? []) names.add(`${name} ${path}`);
  }
  const listed = parseCsv(await readFile(join(dest, 'labels', 'chest_dx.csv'), 'utf8'));
  expect(names).toEqual(new Set(listed.map((row) => `${row['zip']}.zip ${row['image']}`)));
  const { files } = await datasetStatus({ dest, manifest });
  expect(files.find(({ file }) => file === 'chest_dx.csv')?.status).toBe('verified');
});

it('and with their images in place they add up', async () => {
  const dataset = await makeRowsDataset(await tempDir(), { chest: 3, pe: 2 });
  await placeImages(dataset);
  const { dest, manifestPath, rows: images } = dataset;
  const manifest = await loadManifest(manifestPath);
  const { rows, remarks, imagesOpened } = await auditDataset({ dest, manifest });
  expect({ rows, remarks, imagesOpened }).toEqual({ rows: images, remarks: [], imagesOpened: 0 });
});
