import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { imagefolderExporter } from '../../src/export/formats/imagefolder.ts';
import { type MadeImage, exportAll, imagesOf } from '../support/export-target.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();

const made = (place: string, other: Partial<MadeImage> = {}): MadeImage => ({
  ...{ place, bytes: Buffer.from(place) },
  ...other,
});

async function readMetadata(directory: string, folder: string): Promise<readonly object[]> {
  const text = await readFile(join(directory, folder, 'metadata.jsonl'), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as object);
}

async function readCard(directory: string): Promise<unknown> {
  const [, front = ''] = (await readFile(join(directory, 'README.md'), 'utf8')).split('---\n');
  return parse(front);
}

it('writes a folder for each split, with a row for each image that is there', async () => {
  const directory = await tempDir();
  const train = [
    made('ChestDx-1/patient1_000.jpg', { labels: 1 }),
    made('ChestDx-1/patient2_000.jpg', { bytes: undefined }),
    made('Viral-1/patient3_001.jpg', { row: { class: 'COVID-19', covid: true }, ending: 'webp' }),
  ];
  const holdout = [made('ChestDx_PE-1/patient4_000.jpg', { labels: 1 << 14 })];
  await exportAll(imagefolderExporter(), directory, [
    ['train', imagesOf(train, 'train')],
    ['hold-out', imagesOf(holdout, 'hold-out')],
    ['val', []],
  ]);
  const rows = await readMetadata(directory, 'train');
  expect(rows).toMatchObject([
    {
      ...{ file_name: 'ChestDx-1/patient1_000.jpg', archive: 'ChestDx-1', class: '' },
      ...{ patient_id: 'patient1', Atelectasis: 1, Mass: 0, 'COVID-19': -1, split: 'train' },
    },
    { file_name: 'Viral-1/patient3_001.webp', class: 'COVID-19', Atelectasis: -1, 'COVID-19': 1 },
  ]);
  const [other = {}] = await readMetadata(directory, 'hold-out');
  expect(other).toMatchObject({ No_Finding: 1, Atelectasis: 0, split: 'hold-out' });
  // A loader refuses splits whose columns differ, in type too, and takes `image` for the image itself.
  const typesOf = (row: object) =>
    Object.entries(row).map(([name, value]) => [name, typeof value] as const);
  for (const row of rows) expect(typesOf(row)).toEqual(typesOf(other));
  expect(Object.keys(other)).not.toContain('image');
  expect((await listTree(directory)).filter((path) => path.includes('.'))).toEqual([
    'README.md',
    'hold-out/ChestDx_PE-1/patient4_000.jpg',
    'hold-out/metadata.jsonl',
    'train/ChestDx-1/patient1_000.jpg',
    'train/Viral-1/patient3_001.webp',
    'train/metadata.jsonl',
  ]);
  expect(await readCard(directory)).toEqual({
    configs: [
      {
        config_name: 'default',
        data_files: [
          { split: 'train', path: 'train/**' },
          { split: 'hold.out', path: 'hold-out/**' },
        ],
      },
    ],
  });
});

it('writes one folder where there is no split', async () => {
  const directory = await tempDir();
  const images = imagesOf([made('ChestDx-1/patient1_000.jpg')], undefined);
  await exportAll(imagefolderExporter(), directory, [[undefined, images]]);
  const [row = {}] = await readMetadata(directory, 'images');
  expect(Object.keys(row)).not.toContain('split');
  expect(await readCard(directory)).toMatchObject({
    configs: [{ data_files: [{ split: 'train', path: 'images/**' }] }],
  });
});
