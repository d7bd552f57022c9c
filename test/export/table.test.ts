import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { expect, it } from 'vitest';
import { ALL_COLUMNS } from '../../src/description/columns.ts';
import { tableExporter } from '../../src/export/formats/table.ts';
import { type MadeImage, exportAll, imagesOf } from '../support/export-target.ts';
import { hasPandas, runPandas } from '../support/pandas.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const bytes = Buffer.from('an image');
const TRAIN: readonly MadeImage[] = [
  { place: 'ChestDx-1/0012_000.jpg', bytes, labels: 1 },
  { place: 'ChestDx-1/broken_000.jpg', bytes: undefined },
];
const VAL: readonly MadeImage[] = [
  { place: 'Viral-1/a,"b_000.jpg', bytes, row: { class: 'COVID-19', covid: true } },
];

async function exportTable(
  kind: 'csv' | 'jsonl',
  withImages: boolean,
  ending = 'jpg',
): Promise<string> {
  const directory = await tempDir();
  const of = (split: string, images: readonly MadeImage[]) =>
    [
      split,
      imagesOf(
        images.map((image) => ({ ...image, ending })),
        split,
      ),
    ] as const;
  const splits = [of('train', TRAIN), of('val', VAL)];
  await exportAll(tableExporter(kind, { withImages }), directory, splits);
  return directory;
}

const filesIn = async (directory: string) =>
  (await listTree(directory)).filter((path) => path.includes('.'));

it('puts the images where the table says that they are, under the ending that they have', async () => {
  const labels = await exportTable('csv', false);
  expect(await filesIn(labels)).toEqual(['labels.csv']);
  const directory = await exportTable('csv', true, 'png');
  const images = ['images/ChestDx-1/0012_000.png', 'images/Viral-1/a,"b_000.png'];
  expect(await filesIn(directory)).toEqual([...images, 'labels.csv']);
  const [, first = '', second = ''] = (await readFile(join(directory, 'labels.csv'), 'utf8')).split(
    '\n',
  );
  expect(first).toMatch(/^images\/ChestDx-1\/0012_000\.png,0012_000\.jpg,ChestDx-1,.*,train$/);
  expect(second).toMatch(/^"images\/Viral-1\/a,""b_000\.png",.*,val$/);
});

const READ = {
  csv: "csv = pd.read_csv(sys.argv[1], dtype={'patient_id': str})",
  jsonl: "csv = pd.read_json(sys.argv[1], lines=True, dtype={'patient_id': str})",
};

it.runIf(hasPandas).each(['csv', 'jsonl'] as const)('writes %s that pandas reads', async (kind) => {
  const path = join(await exportTable(kind, false), `labels.${kind}`);
  const cells =
    "csv[['path', 'patient_id', 'class', 'Atelectasis', 'Mass', 'COVID-19', 'split']].astype(object)";
  const script = `${READ[kind]}\nrows = ${cells}\nprint(json.dumps([list(csv.columns), rows.where(rows.notna(), None).values.tolist()]))`;
  expect(runPandas(script, path)).toEqual([
    ALL_COLUMNS.map(({ name }) => name),
    [
      ['images/ChestDx-1/0012_000.jpg', '0012', null, 1, 0, null, 'train'],
      ['images/Viral-1/a,"b_000.jpg', 'a,"b', 'COVID-19', null, null, 1, 'val'],
    ],
  ]);
});

it('writes JSON lines with the columns that are described, and the same keys in each', async () => {
  const names = ALL_COLUMNS.map(({ name }) => name);
  const isRow = new Ajv({ allowUnionTypes: true }).compile({
    type: 'object',
    properties: Object.fromEntries(
      ALL_COLUMNS.map(({ name, type, required }) => [
        name,
        {
          type: required ? type : [type, 'null'],
          ...(type === 'integer' ? { enum: [0, 1, null] } : {}),
        },
      ]),
    ),
    required: names,
    additionalProperties: false,
  });
  const text = await readFile(join(await exportTable('jsonl', false), 'labels.jsonl'), 'utf8');
  const rows = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as object);
  expect(rows).toHaveLength(2);
  for (const row of rows) {
    isRow(row);
    expect(isRow.errors).toBe(null);
    expect(Object.keys(row)).toEqual(names);
  }
});
