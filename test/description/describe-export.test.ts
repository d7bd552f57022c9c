import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeExport } from '../../src/description/describe-export.ts';
import { loadManifest } from '../../src/manifest/load.ts';
import { faultsOf } from '../support/description-schemas.ts';
import { useTempDirs, writeTree } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const manifest = await loadManifest();

async function describe(content: Readonly<Record<string, string>>, imageEnding?: string) {
  const directory = await tempDir();
  await writeTree(directory, content);
  const files = Object.entries(content).map(([path, text]) => ({
    path,
    bytes: text.length,
    sha256: createHash('sha256').update(text).digest('hex'),
  }));
  const facts = { manifest, format: 'csv', images: 1, archives: ['Normal-1'], files, imageEnding };
  await describeExport(directory, facts);
  const read = async (name: string): Promise<unknown> =>
    JSON.parse(await readFile(join(directory, name), 'utf8'));
  const [croissant, dataPackage] = [await read('croissant.json'), await read('datapackage.json')];
  expect(faultsOf('croissant', croissant)).toEqual([]);
  expect(faultsOf('dataPackage', dataPackage)).toEqual([]);
  return { croissant, dataPackage };
}

it('describes the files of an export, what they are made of, and the columns that are those of index.csv', async () => {
  const table = 'path,patient_id,Mass,split\na.jpg,a,1,train\n';
  const { croissant, dataPackage } = await describe({
    ...{ 'export.csv': table, 'mine.csv': 'patientid,Mass\na,1.0\n', 'train-000000.tar': 'x' },
  });
  expect(dataPackage).toMatchObject({
    sources: [{ title: 'Normal-1.zip', hash: 'md5:a86fdf00c562b835b7cd07eccbe668af' }],
    resources: [
      { path: 'export.csv', schema: { primaryKey: ['path'] } },
      { path: 'mine.csv', mediatype: 'text/csv' },
      { path: 'train-000000.tar', mediatype: 'application/x-tar', bytes: 1 },
    ],
  });
  expect(JSON.stringify(dataPackage).match(/"schema":/g)).toHaveLength(1);
  expect(croissant).toMatchObject({
    description: 'Chest X-rays with labels: 1 image of CC-CXRI 2.0, exported by ccxri (csv).',
    isBasedOn: { hasPart: [{ name: 'Normal-1.zip' }] },
    recordSet: [{ '@id': 'export', key: { '@id': 'export/path' } }],
  });
});

it('names the images where each is a file', async () => {
  const { croissant } = await describe({ 'train/metadata.jsonl': '{}\n' }, 'webp');
  const images = { '@type': 'cr:FileSet', includes: '**/*.webp', encodingFormat: 'image/webp' };
  expect(croissant).toMatchObject({
    distribution: [{ encodingFormat: 'application/jsonlines' }, images],
    recordSet: [{ '@id': 'image-records' }],
  });
});
