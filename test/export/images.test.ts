import { execFile } from 'node:child_process';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { parseCsv } from '../support/csv.ts';
import { queryParquet } from '../support/duckdb.ts';
import { makeExportProgram } from '../support/export-program.ts';
import { documentOf } from '../support/run-cli.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const command = promisify(execFile);

/** The published images, by `ChestDx-1/patient1_000.jpg`. */
async function publishedImages(): Promise<ReadonlyMap<string, Buffer>> {
  const { dataset } = await makeExportProgram(await tempDir(), EVERY);
  const paths = await listTree(dataset.layout.images);
  const images = paths.filter((path) => path.endsWith('.jpg'));
  return new Map(
    await Promise.all(
      images.map(async (path) => {
        const content = await readFile(join(dataset.layout.images, path));
        return [path, content] as const;
      }),
    ),
  );
}

const EVERY = ['ChestDx-1', 'ChestDx-2', 'ChestDx_PE-1', 'Normal-4', 'Viral-1', 'Other-1'];
const published = await publishedImages();

/** `ChestDx-1_patient1_000` */
const keyOf = (place: string) => place.replace(/\.jpg$/, '').replaceAll('/', '_');

it('packs images of folders and of archives into the same tar files', async () => {
  const [one, other] = [
    await makeExportProgram(await tempDir(), []),
    await makeExportProgram(await tempDir(), EVERY),
  ];
  for (const { exportTo } of [one, other]) expect((await exportTo('webdataset')).code).toBe(0);
  const tars = await Promise.all([one, other].map(({ to }) => readFile(join(to, TAR))));
  expect(tars[0]?.equals(tars[1] ?? Buffer.of())).toBe(true);
  const unpacked = await tempDir();
  await command('tar', ['-xf', join(one.to, TAR), '-C', unpacked]);
  expect(await listTree(unpacked)).toHaveLength(2 * published.size);
  for (const [place, content] of published) {
    expect(await readFile(join(unpacked, `${keyOf(place)}.jpg`))).toEqual(content);
  }
});

const TAR = 'images-000000.tar';

it('writes Parquet with labels alone, and with images', async () => {
  const { exportTo, to } = await makeExportProgram(await tempDir());
  const file = join(to, 'data', 'images-00000-of-00001.parquet');
  expect((await exportTo('parquet')).code).toBe(0);
  expect(await queryParquet(`SELECT count(*)::INT AS n FROM '${file}'`)).toEqual([{ n: 31 }]);
  expect((await exportTo('parquet', '--with-images', '--force')).code).toBe(0);
  const rows = await queryParquet(
    `SELECT archive || '/' || image.path AS place, octet_length(image.bytes)::INT AS bytes FROM '${file}'`,
  );
  const sizes = new Map([...published].map(([place, { length }]) => [basename(place), length]));
  expect(rows).toHaveLength(31);
  for (const { place, bytes } of rows) expect(bytes).toBe(sizes.get(basename(String(place))));
});

it.each(['csv', 'jsonl', 'torchxrayvision', 'imagefolder', 'monai'])(
  'writes the images of %s as files',
  async (format) => {
    const { exportTo, to, dataset } = await makeExportProgram(await tempDir());
    expect((await exportTo(format, '--with-images')).code).toBe(0);
    for (const [place, content] of published) {
      expect(await readFile(join(to, 'images', place))).toEqual(content);
    }
    const linked = [...published.keys()].find((place) => place.startsWith('ChestDx-1/')) ?? '';
    const { ino } = await stat(join(to, 'images', linked));
    expect(ino).toBe((await stat(join(dataset.layout.images, linked))).ino);
  },
);

it('names the image of each row beside a table', async () => {
  const { exportTo, read } = await makeExportProgram(await tempDir());
  await exportTo('csv', '--with-images');
  const paths = parseCsv(await read('labels.csv')).map((row) => row['path']);
  expect(paths.sort()).toEqual([...published.keys()].map((place) => `images/${place}`).sort());
});

it('leaves out images that are damaged, names them, and exports the rest', async () => {
  const { exportTo, dataset, read, to } = await makeExportProgram(await tempDir());
  const [changed = '', gone = ''] = [...published.keys()].filter((each) =>
    each.startsWith('ChestDx-1/'),
  );
  await writeFile(join(dataset.layout.images, changed), 'no image');
  await rm(join(dataset.layout.images, gone));
  const run = await exportTo('webdataset', '--json');
  const { exitCode, result, errors, counts } = documentOf(run.stdout);
  expect(exitCode).toBe(3);
  expect(result).toMatchObject({
    images: 29,
    leftOut: [{ image: changed, why: 'not as it was extracted' }],
  });
  expect(counts).toMatchObject({ images: 29, leftOut: 1 });
  expect(errors).toMatchObject([
    { code: 'damaged-archive', reasons: [`${changed}: not as it was extracted`] },
  ]);
  expect(JSON.parse(await read('export.json'))).toMatchObject({ images: 29, leftOut: [{}] });
  expect(await listTree(to)).toContain(TAR);
});
