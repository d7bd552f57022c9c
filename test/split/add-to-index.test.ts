import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { INDEX_HEADER } from '../../src/labels/write.ts';
import { parseCsv } from '../support/csv.ts';
import { makeDataset } from '../support/dataset.ts';
import { runCli } from '../support/run-cli.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();

async function makeProgram(extracted: readonly string[] = ['ChestDx-1', 'Viral-1']) {
  const dataset = await makeDataset(await tempDir(), { extracted });
  const where = ['--manifest', dataset.release.manifestPath, '--dest', dataset.root];
  const run = (command: string, ...argv: readonly string[]) =>
    runCli([command, ...where, ...argv], { cwd: dataset.root });
  const read = (...path: readonly string[]) => readFile(join(dataset.root, ...path), 'utf8');
  return { dataset, run, read };
}

type Program = Awaited<ReturnType<typeof makeProgram>>;

/** The part of each image that index.csv has, by its path. */
async function partsOfIndex({ read }: Program, name: string) {
  const rows = parseCsv(await read('index.csv'));
  return new Map(rows.map((row) => [row['path'], row[name]]));
}

/** As in splits/, of the images that index.csv has. */
async function partsOfSplit({ read }: Program, name: string, paths: Iterable<string | undefined>) {
  const rows = parseCsv(await read('splits', `${name}.csv`));
  const parts = new Map(rows.map((row) => [row['path'], row['split']]));
  return new Map([...paths].map((path) => [path, parts.get(path)]));
}

async function headerOf({ read }: Program) {
  return (await read('index.csv')).split('\n', 1)[0];
}

describe('split --add-to-index', () => {
  it('writes index.csv with the part of each image behind check, and describes the column', async () => {
    const program = await makeProgram();
    const { code, stdout } = await program.run('split', '--add-to-index');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^index .*index\.csv: 13 rows, with the column split$/m);
    expect(await headerOf(program)).toBe(`${INDEX_HEADER},split`);
    const parts = await partsOfIndex(program, 'split');
    expect(parts.size).toBe(13);
    expect(parts).toEqual(await partsOfSplit(program, 'split', parts.keys()));
    const text = expect.stringContaining('part of the split') as unknown;
    const field = { name: 'split', description: text };
    const described: unknown = JSON.parse(await program.read('datapackage.json'));
    const fields = expect.arrayContaining([expect.objectContaining(field)]) as unknown;
    expect(described).toMatchObject({ resources: [{ schema: { fields } }] });
    expect(await program.read('croissant.json')).toContain('"@id": "index/split"');
  });

  it('writes nothing without it, nor in a dry run', async () => {
    const program = await makeProgram();
    await program.run('split');
    expect((await program.run('split', '--add-to-index', '-n')).code).toBe(0);
    await expect(program.read('index.csv')).rejects.toThrow('ENOENT');
  });

  it('keeps the columns of other splits, and replaces its own', async () => {
    const program = await makeProgram();
    await program.run('split', '--add-to-index');
    await program.run('split', '--folds', '3', '--name', 'cv', '--add-to-index');
    expect((await program.run('split', '--seed', '2', '--force', '--add-to-index')).code).toBe(0);
    expect(await headerOf(program)).toBe(`${INDEX_HEADER},split,cv`);
    for (const name of ['split', 'cv']) {
      const parts = await partsOfIndex(program, name);
      expect(parts).toEqual(await partsOfSplit(program, name, parts.keys()));
    }
  });

  it.each(['path', 'Mass', 'CLASS'])('does not take %s: index.csv has it', async (name) => {
    const program = await makeProgram();
    const { code, stderr } = await program.run('split', '--name', name, '--add-to-index');
    expect(code).toBe(2);
    expect(stderr).toContain(`index.csv has a column ${name} already`);
    await expect(program.read('splits', `${name}.csv`)).rejects.toThrow('ENOENT');
  });
});

describe('join', () => {
  it('keeps the column, and says which images are in no part', async () => {
    const program = await makeProgram();
    await program.run('split', '--file', 'ChestDx-1', '--name', 'a', '--add-to-index');
    const { code, stdout, stderr } = await program.run('join', '--strict');
    expect(code, stderr).toBe(0);
    expect(stdout.replaceAll(/\s+/g, ' ')).toMatch(
      /6 images in no part of the split a: the cells are empty \(Viral-1\/.*, …\); run `ccxri split .*--name a .*--add-to-index /,
    );
    expect(await headerOf(program)).toBe(`${INDEX_HEADER},a`);
    const parts = await partsOfIndex(program, 'a');
    expect([...parts.values()].filter((part) => part === '')).toHaveLength(6);
    const audited = await program.run('audit', '--json');
    expect(audited.code).toBe(0);
    expect(audited.stdout).not.toContain('index-differs');
  });

  it('leaves it out of an index elsewhere', async () => {
    const program = await makeProgram();
    await program.run('split', '--add-to-index');
    await program.run('join', '--output', join(program.dataset.root, 'other.csv'));
    expect((await program.read('other.csv')).split('\n', 1)[0]).toBe(INDEX_HEADER);
  });

  it('keeps the index where the split of its column is gone, and one with other columns', async () => {
    const program = await makeProgram();
    await program.run('split', '--add-to-index');
    const before = await program.read('index.csv');
    await rm(join(program.dataset.root, 'splits'), { recursive: true });
    const { code, stderr } = await program.run('join');
    expect(code).toBe(3);
    expect(stderr).toContain('index.csv has the column split, and its split is not in');
    expect(await program.read('index.csv')).toBe(before);
    await writeFile(program.dataset.layout.index, `${INDEX_HEADER},my column\n`);
    const other = await program.run('join');
    expect(other.code).toBe(3);
    expect(other.stderr).toContain('is not an index that ccxri has written');
  });

  it('finds the labels that an index with splits would lose, also in rows without parts', async () => {
    const program = await makeProgram();
    for (const name of ['a', 'b']) {
      await program.run('split', '--file', 'Viral-1', '--name', name, '--add-to-index');
    }
    const before = await program.read('index.csv');
    await rm(join(program.dataset.layout.labels, 'chest_dx.csv'));
    const { code, stderr } = await program.run('join');
    expect(code).toBe(5);
    expect(stderr).toContain('chest_dx.csv is not here, and index.csv has its labels');
    expect(await program.read('index.csv')).toBe(before);
  });
});
