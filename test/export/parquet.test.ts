import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parquetExporter } from '../../src/export/formats/parquet.ts';
import { toRecord } from '../../src/export/record.ts';
import { queryParquet } from '../support/duckdb.ts';
import { type MadeImage, imagesOf, queueOf, targetIn } from '../support/export-target.ts';
import { randomBytes } from '../support/random-bytes.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const made = (at: number, bytes?: number): MadeImage => {
  const place = `ChestDx-1/patient${String(at).padStart(7, '0')}_000.jpg`;
  const content = bytes === undefined ? undefined : randomBytes(bytes, place);
  return { place, bytes: content, ...(at % 3 === 0 ? {} : { labels: at % 2 }) };
};

it('writes the rows of all images into one file, without reading any', async () => {
  const directory = await tempDir();
  const count = 70_000;
  const images = imagesOf(
    Array.from({ length: count }, (_, at) => made(at)),
    'train',
  );
  const exporter = parquetExporter({ withImages: false, shardBytes: 1 });
  expect(exporter.readsAhead).toBe(false);
  await exporter.writeShard(queueOf(images), targetIn(directory, 'train'));
  const rows = () => (async function* () {})();
  await exporter.finish?.([{ split: 'train', shards: 1, rows }], targetIn(directory, 'train'));
  const name = 'data/train-00000-of-00001.parquet';
  expect((await listTree(directory)).filter((path) => path.includes('.'))).toEqual([name]);
  const from = `FROM '${join(directory, name)}'`;
  expect(
    await queryParquet(
      `SELECT count(*) AS n, sum("Atelectasis") AS sum, count("Atelectasis") AS known, max(typeof("Mass")) AS type ${from}`,
    ),
  ).toEqual([{ n: String(count), sum: '23333', known: '46666', type: 'TINYINT' }]);
  const [first] = images;
  const record = first === undefined ? {} : toRecord(first);
  const read = await queryParquet(`SELECT * ${from} LIMIT 1`);
  expect(read).toEqual([record]);
  expect(Object.keys(read[0] ?? {})).toEqual(Object.keys(record));
});

it('writes images into files of the asked size, and leaves out what can not be read', async () => {
  const directory = await tempDir();
  const all = [made(0, 10), made(1), made(2, 60_000), made(3, 60_000), made(4, 7)];
  const images = imagesOf(all, undefined);
  const exporter = parquetExporter({ withImages: true, shardBytes: 100_000 });
  const queue = queueOf(images);
  for (const shard of [0, 1])
    await exporter.writeShard(queue, targetIn(directory, undefined, shard));
  const rows = () => (async function* () {})();
  await exporter.finish?.([{ split: undefined, shards: 2, rows }], targetIn(directory, undefined));
  const query = `SELECT parse_filename(filename) AS file, image.path AS path, octet_length(image.bytes) AS bytes, patient_id AS patient FROM read_parquet('${directory}/data/*.parquet', filename = true)`;
  const row = (shard: number, at: number, bytes: number) => ({
    file: `images-0000${shard}-of-00002.parquet`,
    path: `patient000000${at}_000.jpg`,
    bytes: String(bytes),
    patient: `patient000000${at}`,
  });
  expect(await queryParquet(query)).toEqual([
    row(0, 0, 10),
    row(0, 2, 60_000),
    row(0, 3, 60_000),
    row(1, 4, 7),
  ]);
});
