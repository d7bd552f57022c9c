import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseCsv } from '../support/csv.ts';
import { makeExportProgram } from '../support/export-program.ts';
import { documentOf } from '../support/run-cli.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();

const makeProgram = async (extracted?: readonly string[]) =>
  makeExportProgram(await tempDir(), extracted);

describe('ccxri export', () => {
  it('writes the rows of index.csv as one table, of archives that are not extracted too', async () => {
    const { dataset, to, run, exportTo, read } = await makeProgram();
    const { code, stdout } = await exportTo('csv');
    expect(code).toBe(0);
    expect(stdout).toMatch(/set: 31 images of \d+ archives as csv, 1 file, /);
    const rows = parseCsv(await read('labels.csv'));
    expect(rows).toHaveLength(31);
    await run('join');
    const index = parseCsv(await readFile(dataset.layout.index, 'utf8'));
    expect(rows.slice(0, index.length)).toEqual(index);
    expect(await listTree(join(to, '..'))).toEqual([
      'set',
      ...[
        'CITATION.cff',
        'SHA256SUMS',
        'croissant.json',
        'datapackage.json',
        'export.json',
        'labels.csv',
      ].map((name) => `set/${name}`),
    ]);
  });

  it('writes an object a line, with the same keys in each', async () => {
    const { exportTo, read } = await makeProgram();
    expect((await exportTo('JSONL', '--subset', 'viral')).code).toBe(0);
    const lines = (await read('labels.jsonl')).trimEnd().split('\n');
    const rows = lines.map((line): unknown => JSON.parse(line));
    expect(rows[0]).toMatchObject({ archive: 'Viral-1', Hernia: null, check: 'verified' });
    const keys = rows.map((row) => Object.keys(row ?? {}).join());
    expect(new Set(keys).size).toBe(1);
  });

  it('says beside it how it was made: the same bytes in another directory', async () => {
    const [one, other] = [await makeProgram(), await makeProgram()];
    for (const { exportTo } of [one, other]) await exportTo('csv');
    const sidecar = await one.read('export.json');
    expect(await other.read('export.json')).toBe(sidecar);
    const table = await one.read('labels.csv');
    const sha256 = createHash('sha256').update(table).digest('hex');
    expect(JSON.parse(sidecar)).toMatchObject({
      ...{ exportVersion: 1, format: 'csv', images: 31, leftOut: [] },
      parts: [{ split: null, images: 31, shards: 1 }],
      files: [{ path: 'labels.csv', bytes: table.length, sha256 }],
    });
    const described: unknown = JSON.parse(await one.read('datapackage.json'));
    expect(described).toMatchObject({ resources: [{ path: 'labels.csv' }] });
  });

  it('replaces an export with --force alone, and nothing else ever', async () => {
    const { dataset, to, run, exportTo, read } = await makeProgram();
    await exportTo('csv');
    const again = await exportTo('jsonl');
    expect(again.code).toBe(3);
    expect(again.stderr).toMatch(/is an export already\n[^]*--force/);
    expect((await exportTo('jsonl', '--force')).code).toBe(0);
    expect(await read('labels.jsonl')).toContain('"archive":"ChestDx-1"');
    expect(await listTree(join(to, '..'))).not.toContain('set/labels.csv');
    const foreign = await run('export', 'csv', '--to', dataset.root, '--force');
    expect(foreign.code).toBe(3);
    expect(foreign.stderr).toContain('is no export of ccxri');
    const empty = join(to, '..', 'empty');
    await mkdir(empty);
    expect((await run('export', 'csv', '--to', empty)).code).toBe(0);
    await writeFile(join(to, '..', 'file'), '');
    expect((await run('export', 'csv', '--to', join(to, '..', 'file'), '--force')).code).toBe(3);
  });

  it.each([
    [['cvs', '--to', 'x'], 'there is no format "cvs". Did you mean "csv"?'],
    [['csv'], 'say where the export goes'],
    [['--to', 'x'], 'say what to export'],
    [['csv', '--to', 'x', '--subset', 'virall'], 'Did you mean "viral"?'],
  ])('is wrongly used with %j', async (argv, message) => {
    const { run, dataset } = await makeProgram([]);
    const { code, stderr } = await run('export', ...argv);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
    expect((await readdir(dirname(dataset.root))).sort()).toEqual(['dataset', 'release']);
  });

  it('reports what it wrote as JSON', async () => {
    const { to, exportTo } = await makeProgram();
    const { stdout } = await exportTo('csv', '--json');
    const { result, counts } = documentOf(stdout);
    expect(result).toMatchObject({ path: to, format: 'csv', images: 31, files: 1, leftOut: [] });
    expect(counts).toEqual({ images: 31, leftOut: 0, files: 1 });
  });
});
