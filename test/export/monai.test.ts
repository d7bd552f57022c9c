import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { expect, it } from 'vitest';
import { monaiExporter } from '../../src/export/formats/monai.ts';
import { type MadeImage, exportAll, imagesOf } from '../support/export-target.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();

const made = (place: string, other: Partial<MadeImage> = {}): MadeImage => ({
  ...{ place, bytes: Buffer.from(place) },
  ...other,
});

/** What `load_decathlon_datalist` asks for: lists of items with a path each; and what stands in ours. */
const ITEMS = {
  type: 'array',
  items: {
    type: 'object',
    required: ['image', 'label', 'patient_id'],
    properties: {
      image: { type: 'string', pattern: '^images/' },
      label: { type: 'array', minItems: 16, maxItems: 16, items: { enum: [0, 1, null] } },
      class: { enum: ['Normal', 'Viral', 'COVID-19', 'Other', ''] },
      patient_id: { type: 'string' },
    },
  },
};
const isDatalist = new Ajv().compile({
  type: 'object',
  required: ['labels', 'training'],
  properties: {
    name: { type: 'string' },
    labels: { type: 'object', patternProperties: { '^\\d+$': { type: 'string' } } },
  },
  additionalProperties: ITEMS,
});

async function datalistOf(
  splits: readonly (readonly [string | undefined, readonly MadeImage[]])[],
): Promise<Readonly<Record<string, unknown>>> {
  const directory = await tempDir();
  await exportAll(
    monaiExporter(),
    directory,
    splits.map(([split, images]) => [split, imagesOf(images, split)]),
  );
  const list: unknown = JSON.parse(await readFile(join(directory, 'datalist.json'), 'utf8'));
  isDatalist(list);
  expect(isDatalist.errors).toBe(null);
  const files = new Set(await listTree(directory));
  const items = Object.values(list as object)
    .filter(Array.isArray)
    .flat();
  for (const { image } of items as { readonly image: string }[]) expect(files).toContain(image);
  return list as Readonly<Record<string, unknown>>;
}

it('lists the images of each split with their labels', async () => {
  const list = await datalistOf([
    [
      'train',
      [
        made('ChestDx-1/patient1_000.jpg', { labels: 1 }),
        made('ChestDx-1/patient2_000.jpg', { bytes: undefined }),
        made('Viral-1/patient3_000.jpg', { row: { class: 'Viral', covid: false } }),
      ],
    ],
    ['val', [made('ChestDx-1/patient4_000.jpg', { labels: 1 << 14, ending: 'png' })]],
    ['test', []],
    ['holdout', [made('ChestDx_PE-1/patient5_000.jpg')]],
  ]);
  const zeros = (count: number) => Array<number>(count).fill(0);
  const nulls = (count: number) => Array<null>(count).fill(null);
  expect(list).toMatchObject({
    labels: { '0': 'Atelectasis', '13': 'Pneumothorax', '14': 'No_Finding', '15': 'COVID-19' },
    training: [
      {
        ...{ image: 'images/ChestDx-1/patient1_000.jpg', label: [1, ...zeros(14), null] },
        ...{ class: '', patient_id: 'patient1', archive: 'ChestDx-1', check: 'named' },
      },
      { image: 'images/Viral-1/patient3_000.jpg', label: [...nulls(15), 0], class: 'Viral' },
    ],
    validation: [{ image: 'images/ChestDx-1/patient4_000.png', label: [...zeros(14), 1, null] }],
    test: [],
    holdout: [{ label: nulls(16) }],
  });
});

it.each([
  ['no split', [undefined], ['training']],
  [
    'splits that have the names of MONAI',
    ['train', 'training', 'val'],
    ['train', 'training', 'validation'],
  ],
])('has a key for each of %s', async (_title, splits, keys) => {
  const images = [made('ChestDx-1/patient1_000.jpg')];
  const list = await datalistOf(splits.map((split) => [split, images] as const));
  expect(Object.keys(list)).toEqual(['name', 'labels', ...keys]);
});
