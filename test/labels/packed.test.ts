import { appendFile, rm, utimes, writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { indexRows, openImages, openIndexSource } from '../../src/labels/build-index.ts';
import { packedArchives } from '../../src/labels/packed.ts';
import { archiveFacts } from '../../src/labels/scan.ts';
import { type Dataset, makeDataset, md5Of, snapshot } from '../support/dataset.ts';
import { useTempDirs } from '../support/temp-dirs.ts';
import { buildZip } from '../support/zip-builder.ts';

const tempDir = useTempDirs();

/** Stems of the archives that are read. */
async function packedIn(dataset: Dataset): Promise<readonly string[]> {
  const found = await packedArchives(archiveFacts(dataset.manifest), dataset);
  return found.map(({ stem }) => stem).sort();
}

it('lists what checked archives have, and writes nothing', async () => {
  const dataset = await makeDataset(await tempDir());
  const before = await snapshot(dataset.root);
  const found = await packedArchives(archiveFacts(dataset.manifest), dataset);
  const normal = found.find(({ stem }) => stem === 'Normal-4');
  expect(normal?.images).toHaveLength(4);
  expect(normal?.strays).toEqual(['fab922a8-736e-4cb5-a666-4fd849a3049a.txt']);
  expect(normal?.packed).toMatchObject({ isComplete: true, md5: md5Of(dataset, 'Normal-4.zip') });
  expect(normal?.packed?.members.every(({ state }) => state === 'verified')).toBe(true);
  // The folder inside the archive is none of the paths below images/.
  const viral = found.find(({ stem }) => stem === 'Viral-1');
  expect(viral?.images).toHaveLength(6);
  expect(viral?.images.some((path) => path.includes('/'))).toBe(false);
  expect(await snapshot(dataset.root)).toEqual(before);
});

it.each<{ name: string; change: (path: string, dataset: Dataset) => Promise<void> }>([
  { name: 'is not here', change: (path) => rm(path) },
  { name: 'has grown since its check', change: (path) => appendFile(path, 'x') },
  { name: 'was written since its check', change: (path) => utimes(path, 1000, 1000) },
  {
    name: 'was found bad since its check',
    change: async (_path, { ledger }) => {
      const receipt = await ledger.readReceipt('Other-1.zip');
      if (receipt === undefined) throw new Error('no receipt');
      await ledger.writeReceipt({ ...receipt, foundBadAt: '2026-01-06T10:11:12.000Z' });
    },
  },
])('leaves out an archive that $name', async ({ change }) => {
  const dataset = await makeDataset(await tempDir());
  const all = await packedIn(dataset);
  await change(dataset.pathOf('Other-1.zip'), dataset);
  expect(await packedIn(dataset)).toEqual(all.filter((stem) => stem !== 'Other-1'));
});

it('leaves out every archive that has no receipt', async () => {
  const dataset = await makeDataset(await tempDir(), { withLedger: false });
  expect(await packedIn(dataset)).toEqual([]);
});

it('refuses an archive that the gate refuses', async () => {
  const dataset = await makeDataset(await tempDir());
  const { ledger } = dataset;
  const bytes = buildZip([{ name: '../patient1_000.jpg', content: 'x' }]);
  const path = dataset.pathOf('Other-1.zip');
  await writeFile(path, bytes);
  await utimes(path, 1000, 1000);
  const receipt = await ledger.readReceipt('Other-1.zip');
  if (receipt === undefined) throw new Error('no receipt');
  await ledger.writeReceipt({ ...receipt, bytes: bytes.length, mtimeMs: 1_000_000 });
  await expect(packedIn(dataset)).rejects.toMatchObject({ code: 'unsafe-archive' });
});

it('ends when stopped', async () => {
  const dataset = await makeDataset(await tempDir());
  const signal = AbortSignal.abort();
  const reading = packedArchives(archiveFacts(dataset.manifest), { ...dataset, signal });
  await expect(reading).rejects.toMatchObject({ code: 'aborted' });
});

it('gives the rows and bytes that an extraction gives', async () => {
  const names = ['ChestDx-1', 'ChestDx-2', 'Normal-4', 'Viral-1'];
  const packed = await makeDataset(await tempDir());
  const extracted = await makeDataset(await tempDir(), { extracted: names });
  expect(await contentOf(packed, names)).toEqual(await contentOf(extracted, names));
});

/** Every row with its image, by archive. */
async function contentOf(dataset: Dataset, files: readonly string[]) {
  const { root: dest, manifest, layout } = dataset;
  const options = { dest, manifest, selection: { files }, packed: true };
  const source = await openIndexSource(options);
  const found: unknown[] = [];
  for await (const each of indexRows(source)) {
    const reader = await openImages(each, layout);
    for (const row of each.rows) {
      const path = row.path.slice(`images/${each.archive.stem}/`.length);
      found.push([row, Buffer.from(await reader.read(path)).toString('base64')]);
    }
    await reader.close();
  }
  return found;
}
