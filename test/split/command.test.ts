import { createHash } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseCsv } from '../support/csv.ts';
import { type Dataset, makeDataset } from '../support/dataset.ts';
import { type CliRun, documentOf, runCli } from '../support/run-cli.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();

interface Program {
  readonly dataset: Dataset;
  readonly split: (...argv: readonly string[]) => Promise<CliRun>;
  /** A file in splits/. */
  readonly read: (name: string) => Promise<string>;
}

async function makeProgram(extracted: readonly string[] = ['ChestDx-1']): Promise<Program> {
  const dataset = await makeDataset(await tempDir(), { extracted });
  const where = ['--manifest', dataset.release.manifestPath, '--dest', dataset.root];
  return {
    dataset,
    split: (...argv) => runCli(['split', ...where, ...argv], { cwd: dataset.root }),
    read: (name) => readFile(join(dataset.root, 'splits', name), 'utf8'),
  };
}

describe('ccxri split', () => {
  it('writes the part of each image, of archives that are not extracted too, in the order of index.csv', async () => {
    const { split, read } = await makeProgram();
    const { code, stdout } = await split('--ratios', 'train=0.5,test=0.5', '--seed', '1');
    expect(code).toBe(0);
    expect(stdout).toMatch(/split\.csv: 31 images of \d+ patients, seed 1\n/);
    expect(stdout).toMatch(/^train +\d+ +\d+ +\d+\.\d %$/m);
    expect(stdout).toMatch(/^No_Finding +\d+\.\d % \(\d+\.\d % to \d+\.\d %\)/m);
    const rows = parseCsv(await read('split.csv'));
    expect(rows).toHaveLength(31);
    expect(rows[0]?.['path']).toMatch(/^images\/ChestDx-1\/patient/);
    const parts = new Map<string | undefined, string | undefined>();
    for (const { patient_id: id, split: part } of rows) {
      expect(part).toBe(parts.get(id) ?? part);
      parts.set(id, part);
    }
    expect(new Set(parts.values())).toEqual(new Set(['train', 'test']));
  });

  it('writes the same bytes in another directory, and says beside them how they were made', async () => {
    const [one, other] = [await makeProgram(), await makeProgram(['Viral-1', 'Normal-4'])];
    for (const { split } of [one, other]) expect((await split('--seed', 'x')).code).toBe(0);
    for (const name of ['split.csv', 'split.json']) {
      expect(await one.read(name)).toBe(await other.read(name));
    }
    const sidecar: unknown = JSON.parse(await one.read('split.json'));
    const sha256 = createHash('sha256')
      .update(await one.read('split.csv'))
      .digest('hex');
    const ratios = { train: 0.8, val: 0.1, test: 0.1 };
    expect(sidecar).toMatchObject({ seed: 'x', ratios, rows: 31, sha256, stratified: false });
    expect(await listTree(one.dataset.layout.state)).not.toContainEqual(
      expect.stringContaining('.tmp'),
    );
  });

  it('leaves each patient where it is when archives come, and replaces no other split', async () => {
    const { split, read } = await makeProgram();
    await split('--file', 'ChestDx-1,Viral-1');
    const before = parseCsv(await read('split.csv'));
    expect((await split()).code).toBe(0);
    const after = new Map(parseCsv(await read('split.csv')).map((row) => [row['path'], row]));
    for (const row of before) expect(after.get(row['path'])).toEqual(row);
    const text = await read('split.csv');
    const refused = await split('--seed', '2', '--json');
    expect(refused.code).toBe(3);
    expect(documentOf(refused.stdout).errors[0]?.message).toContain('is another split');
    expect((await split('--file', 'ChestDx-1')).code).toBe(3);
    expect(await read('split.csv')).toBe(text);
    expect((await split('--seed', '2', '--name', 'b')).code).toBe(0);
    expect((await split('--seed', '2', '--force')).code).toBe(0);
    expect(await read('split.csv')).toBe(await read('b.csv'));
  });

  it('keeps the patients of a subset out of folds', async () => {
    const { split, read } = await makeProgram();
    const { stdout } = await split('--folds', '3', '--holdout', 'ChestDx_PE', '--json');
    const { result } = documentOf(stdout);
    expect(result).toMatchObject({ images: 31 });
    const rows = parseCsv(await read('split.csv'));
    for (const { archive, split: part } of rows) {
      if (archive === 'ChestDx_PE-1') expect(part).toBe('holdout');
      else expect(part).toMatch(/^fold[0-2]$/);
    }
  });

  it('says what --stratify costs, and writes nothing in a dry run', async () => {
    const { dataset, split } = await makeProgram();
    const { code, stdout } = await split('--stratify', '-n');
    expect(code).toBe(0);
    expect(stdout).toMatch(/stratified: \d+ patients? (?:is|are) in another part than without/);
    expect(stdout).toContain('nothing was written');
    expect(await listTree(dataset.root)).not.toContainEqual(expect.stringContaining('splits'));
  });

  it.each<[argv: readonly string[], says: string]>([
    [['--ratios', 'train=0.8,val=0.1'], 'the ratios add up to 0.9'],
    [['--ratios', 'train=0.8,train=0.2'], 'the part train is named twice'],
    [['--ratios', 'train=1,test=0'], 'the ratios add up to 1'],
    [['--ratios', 'train'], '--ratios takes parts with their shares'],
    [['--ratios', '../x=1'], `can't be the name of a part`],
    [['--name', '../x'], `can't be the name of a split`],
    [['--ratios', 'a=1', '--folds', '2'], 'ratios and folds contradict each other'],
    [['--holdout', 'chestdxpe2'], 'there is no subset'],
  ])('ends with code 2: %j', async (argv, says) => {
    const { split } = await makeProgram([]);
    const { code, stdout, stderr } = await split(...argv);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(says);
  });

  it('overwrites nothing that is no split, and needs images', async () => {
    const { dataset, split, read } = await makeProgram([]);
    await split();
    await writeFile(join(dataset.root, 'splits', 'split.csv'), 'mine\n');
    expect((await split()).code).toBe(3);
    expect(await read('split.csv')).toBe('mine\n');
    await rm(dataset.layout.archives, { recursive: true });
    expect((await split('--name', 'b')).code).toBe(5);
  });
});
