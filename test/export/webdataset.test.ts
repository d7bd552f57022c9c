import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { webdatasetExporter } from '../../src/export/formats/webdataset.ts';
import { toTypedRecord } from '../../src/export/record.ts';
import { type MadeImage, imagesOf, queueOf, targetIn } from '../support/export-target.ts';
import { randomBytes } from '../support/random-bytes.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const made = (place: string, bytes = 1000): MadeImage => ({
  place,
  bytes: randomBytes(bytes, place),
  labels: 1,
});

/** The members by Python's tarfile: names, and the text of those that are JSON. */
async function readTar(path: string): Promise<readonly (readonly [string, unknown])[]> {
  const script =
    "import json,sys,tarfile\nt=tarfile.open(sys.argv[1])\nprint(json.dumps([[m.name,json.load(t.extractfile(m)) if m.name.endswith('.json') else m.size] for m in t]))";
  const { stdout } = await promisify(execFile)('python3', ['-c', script, path]);
  return JSON.parse(stdout) as readonly (readonly [string, unknown])[];
}

it('writes each image beside its row, shard by shard, with the same bytes each time', async () => {
  const images = imagesOf(
    [1, 2, 3, 4, 5].map((at) => made(`ChestDx-1/patient${at}_000.jpg`, 100_000)),
    'train',
  );
  const directory = await tempDir();
  const again = await tempDir();
  const exporter = webdatasetExporter({ shardBytes: 200_000 });
  for (const place of [directory, again]) {
    const queue = queueOf(images);
    for (let shard = 0; shard < 3; shard += 1) {
      await exporter.writeShard(queue, targetIn(place, 'train', shard));
    }
  }
  const names = ['train-000000.tar', 'train-000001.tar', 'train-000002.tar'];
  expect([...(await listTree(directory))].sort()).toEqual(names);
  for (const name of names) {
    const bytes = await readFile(join(directory, name));
    expect(bytes.equals(await readFile(join(again, name)))).toBe(true);
  }
  const tars = await Promise.all(names.map((name) => readFile(join(directory, name))));
  for (const { row } of images) {
    const content = randomBytes(100_000, `${row.archive}/${row.image}`);
    expect(tars.filter((tar) => tar.includes(content))).toHaveLength(1);
  }
  const read = await Promise.all(names.map((name) => readTar(join(directory, name))));
  expect(read.map(({ length }) => length)).toEqual([4, 4, 2]);
  const expected = images.flatMap((image) => {
    const key = `ChestDx-1_${image.row.image.slice(0, -4)}`;
    return [
      [`${key}.jpg`, 100_000],
      [`${key}.json`, toTypedRecord(image)],
    ];
  });
  expect(read.flat()).toEqual(expected);
  const keys = read.flat().flatMap(([, row]) => (typeof row === 'number' ? [] : [row]));
  expect(new Set(keys.map((row) => Object.keys(row as object).join())).size).toBe(1);
});

it('has no dot in a key, one key an image, and leaves out what can not be read', async () => {
  const directory = await tempDir();
  const images = [
    made('ChestDx-1/a.b_000.jpg'),
    made('ChestDx-1/a_b_000.jpg'),
    { place: 'ChestDx-1/bad_000.jpg', bytes: undefined },
    made('ChestDx-1/sub/c_000.jpg'),
  ];
  const exporter = webdatasetExporter({ shardBytes: 1e9 });
  await exporter.writeShard(queueOf(imagesOf(images, undefined)), targetIn(directory, undefined));
  const members = await readTar(join(directory, 'images-000000.tar'));
  const keys = ['ChestDx-1_a_b_000', 'ChestDx-1_a_b_000-2', 'ChestDx-1_sub_c_000'];
  expect(members.map(([name]) => name)).toEqual(
    keys.flatMap((key) => [`${key}.jpg`, `${key}.json`]),
  );
});

it('has values of one type in each column, and names that loaders take', async () => {
  const directory = await tempDir();
  const known = made('ChestDx-1/patient1_000.jpg');
  const covid = made('Viral-1/patient2_000.jpg');
  const images: readonly MadeImage[] = [
    known,
    { place: covid.place, bytes: covid.bytes, row: { class: 'COVID-19', covid: true } },
  ];
  const exporter = webdatasetExporter({ shardBytes: 1e9 });
  const target = targetIn(directory, 'hold-out');
  await exporter.writeShard(queueOf(imagesOf(images, 'hold-out')), target);
  const members = await readTar(join(directory, 'hold.out-000000.tar'));
  expect(members.map(([, row]) => row).filter((row) => typeof row === 'object')).toMatchObject([
    { class: '', Atelectasis: 1, Mass: 0, 'COVID-19': -1, split: 'hold-out' },
    { class: 'COVID-19', Atelectasis: -1, Mass: -1, 'COVID-19': 1 },
  ]);
});
