import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { joinDataset } from '../../src/join.ts';
import { datasetStats } from '../../src/stats.ts';
import { parseCsv } from '../support/csv.ts';
import { makeDataset, snapshot } from '../support/dataset.ts';
import { documentOf, runCli } from '../support/run-cli.ts';
import { useTempDirs, writeTree } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const ALL = ['ChestDx-1', 'ChestDx-2', 'ChestDx_PE-1', 'Normal-4', 'Viral-1', 'Other-1'];

describe('ccxri stats', () => {
  it('has the numbers of index.csv, and writes nothing', async () => {
    const { root, manifest, layout, release } = await makeDataset(await tempDir(), {
      extracted: ALL,
    });
    await joinDataset({ dest: root, manifest });
    const before = await snapshot(root);
    const where = ['--dest', root, '--manifest', release.manifestPath];
    const { code, stdout } = await runCli(['stats', ...where, '--json']);
    expect(code).toBe(0);
    expect(await snapshot(root)).toEqual(before);
    const rows = parseCsv(await readFile(layout.index, 'utf8'));
    const patients = new Set(rows.map((row) => row['patient_id']));
    const { counts, result } = documentOf(stdout);
    expect(counts).toEqual({ images: rows.length, patients: patients.size, archives: 6 });
    const stats = await datasetStats({ dest: root, manifest });
    expect(result).toEqual(stats);
    expect(stats.labels.length).toBe(16);
    for (const { label, images, known } of stats.labels) {
      expect(rows.filter((row) => row[label] === '1')).toHaveLength(images);
      expect(rows.filter((row) => row[label] !== '')).toHaveLength(known);
    }
    for (const { label, other, images } of stats.pairs) {
      expect(rows.filter((row) => row[label] === '1' && row[other] === '1')).toHaveLength(images);
    }
  });

  it('counts archives that are not extracted, and a part of them', async () => {
    const { root, release } = await makeDataset(await tempDir());
    const where = ['--dest', root, '--manifest', release.manifestPath];
    const { code, stdout } = await runCli(['stats', ...where, '--subset', 'viral,normal']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^10 images of \d+ patients in 2 archives\nchecked: verified 10\n/);
    expect(stdout).toMatch(/^cc-cxri-p +2 +10 +\d+ +verified 10$/m);
    expect(stdout).toMatch(/^COVID-19 +\d +\d +\d\d\.\d % +#{30}$/m);
    expect(stdout).not.toContain('chestdx');
    const color = await runCli(['stats', ...where], { env: { LANG: 'C.UTF-8' }, columns: 70 });
    expect(color.stdout).toMatch(/^COVID-19 .* █{22}$/m);
    for (const line of color.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(70);
  });

  it.each<[what: string, path: string, code: number, says: string]>([
    ['no directory', '', 5, 'there is no dataset directory'],
    ['no image', 'set/labels', 5, 'there are no images to index in'],
  ])('ends with the code of what is missing: %s', async (_, path, code, says) => {
    const root = await tempDir();
    await mkdir(join(root, path), { recursive: true });
    const run = await runCli(['stats', join(root, 'set')], { cwd: root });
    expect([run.code, run.stdout]).toEqual([code, '']);
    expect(run.stderr).toContain(says);
    expect(run.stderr).toContain('next: ');
  });
});

const DATA = resolve(import.meta.dirname, '../../../shared/data');
const COVID = 'viral_pneumonia_COVID-19.csv';
const hasData = existsSync(join(DATA, COVID));
if (!hasData) console.warn(`SKIPPED: the real label file is not here (${DATA})`);

it.skipIf(!hasData)('has the true numbers of CC-CXRI-P', async () => {
  const dest = await tempDir();
  const paths = parseCsv(await readFile(join(DATA, 'cc-cxri-p-paths.csv'), 'utf8'));
  const files = paths.map((row) => [`images/${row['path'] ?? ''}`, ''] as const);
  await writeTree(dest, Object.fromEntries(files));
  await mkdir(join(dest, 'labels'));
  await copyFile(join(DATA, COVID), join(dest, 'labels', COVID));
  const { images, classes, labels } = await datasetStats({ dest });
  expect(images).toBe(7921);
  expect(classes).toEqual({ Normal: 3629, 'COVID-19': 612, Viral: 1659, Other: 2021, none: 0 });
  expect(labels).toMatchObject([{ label: 'COVID-19', images: 612, known: 2271 }]);
  await rm(dest, { recursive: true });
});
