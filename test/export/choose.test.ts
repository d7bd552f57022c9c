import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { parseCsv } from '../support/csv.ts';
import { makeExportProgram } from '../support/export-program.ts';
import { documentOf } from '../support/run-cli.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const makeProgram = async () => makeExportProgram(await tempDir());

it('keeps the parts of a split apart, as splits/NAME.csv has them', async () => {
  const { run, exportTo, read, dataset, to } = await makeProgram();
  await run('split', '--ratios', 'train=0.6,val=0.2,test=0.2', '--seed', '7');
  const { code, stdout } = await exportTo('csv', '--split', 'split');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^train +\d+\n(?:[^]*\n)?test +\d+$/m);
  const split = parseCsv(await readFile(join(dataset.root, 'splits/split.csv'), 'utf8'));
  const partOf = new Map(split.map((row) => [row['path'], row['split']]));
  const rows = parseCsv(await read('labels.csv'));
  expect(rows).toHaveLength(31);
  for (const row of rows) expect(row['split']).toBe(partOf.get(row['path']));
  const sidecar: unknown = JSON.parse(await read('export.json'));
  expect(sidecar).toMatchObject({ split: { name: 'split', seed: '7' } });
  await exportTo('webdataset', '--split', 'split', '--force');
  expect(await listTree(to)).toEqual(
    expect.arrayContaining(['train-000000.tar', 'test-000000.tar']),
  );
});

it('refuses a split of which images are not here, and leaves out what is in none', async () => {
  const { run, exportTo, dataset } = await makeProgram();
  await run('split', '--file', 'ChestDx-1,ChestDx-2', '--name', 'chest');
  const whole = documentOf((await exportTo('csv', '--split', 'chest', '--json')).stdout);
  expect(whole.result).toMatchObject({ images: 11, withoutPart: 20 });
  await rm(join(dataset.layout.archives, 'ChestDx-2.zip'));
  const run2 = await exportTo('csv', '--split', 'chest', '--force');
  expect(run2.code).toBe(5);
  expect(run2.stderr).toContain('4 images of the split chest are not here, of ChestDx-2');
  const part = ['--split', 'chest', '--subset', 'chestdx-pe', '--force'];
  expect((await exportTo('csv', ...part)).code).toBe(2);
  const none = await exportTo('csv', '--split', 'other', '--force');
  expect({ code: none.code, stderr: none.stderr }).toMatchObject({ code: 5 });
  expect(none.stderr).toContain('ccxri split --name other');
});

it('exports the images that a choice means, as query chooses them', async () => {
  const { run, exportTo, read, to } = await makeProgram();
  await exportTo('csv', '--label', 'COVID-19', '--normals', '2');
  const rows = parseCsv(await read('labels.csv'));
  const queried = await run('query', '--label', 'COVID-19', '--normals', '2', '--csv');
  const places = (all: readonly Readonly<Record<string, string>>[]) =>
    all.map((row) => `${row['archive']}/${row['image']}`).sort();
  expect(places(rows)).toEqual(places(parseCsv(queried.stdout)));
  expect(rows.filter((row) => row['COVID-19'] === '1').length).toBe(rows.length - 2);
  const list = join(to, '..', 'list.txt');
  await writeFile(list, `${rows[0]?.['image']}\nnobody_000.jpg\n`);
  const { stdout } = await exportTo('csv', '--images', list, '--force');
  expect(stdout).toContain('1 image of 1 archive');
  expect(stdout).toContain('1 name of the lists not found here: nobody_000.jpg');
  const none = await exportTo('csv', '--label', 'Hernia', '--subset', 'viral', '--force');
  expect(none).toMatchObject({ code: 2 });
});

it('resizes and converts images, and names what can not be decoded', async () => {
  const { exportTo, dataset, read, to } = await makeProgram();
  const images = await listTree(dataset.imagesOf('ChestDx-1'));
  const damaged = images.find((path) => path.endsWith('.jpg')) ?? '';
  const sizes = ['--resize', '32', '--format', 'png', '--file', 'ChestDx-1'];
  expect((await exportTo('csv', ...sizes)).code).toBe(0);
  const rows = parseCsv(await read('labels.csv'));
  for (const { path = '' } of rows) {
    expect(path).toMatch(/^images\/ChestDx-1\/.*\.png$/);
    const { width, height, format } = await sharp(join(to, path)).metadata();
    expect({ longest: Math.max(width, height), format }).toEqual({ longest: 32, format: 'png' });
  }
  await writeFile(join(dataset.imagesOf('ChestDx-1'), damaged), 'no image');
  const run = await exportTo('imagefolder', '--resize', '16', '--force', '--json');
  const { exitCode, result } = documentOf(run.stdout);
  expect(exitCode).toBe(3);
  expect(result).toMatchObject({ images: 30, leftOut: [{ image: `ChestDx-1/${damaged}` }] });
});
