import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parseCsv } from '../support/csv.ts';
import { makeDataset, snapshot } from '../support/dataset.ts';
import { documentOf, runCli } from '../support/run-cli.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();

/** A dataset directory with a split that was made in it. */
async function makeProgram() {
  const directory = await tempDir();
  const dataset = await makeDataset(directory, { extracted: ['ChestDx-1'] });
  const where = ['--manifest', dataset.release.manifestPath, '--dest', dataset.root];
  const run = (...argv: readonly string[]) =>
    runCli(['split', ...where, ...argv], { cwd: directory });
  expect((await run('--seed', '1')).code).toBe(0);
  const own = join(dataset.root, 'splits', 'split.csv');
  const rows = parseCsv(await readFile(own, 'utf8'));
  return { dataset, run, own, rows, file: (name: string) => join(directory, name) };
}

it('finds no leak in a split that was made here, also where images were left out of it', async () => {
  const { run, own, dataset, rows, file } = await makeProgram();
  const before = await snapshot(dataset.root);
  const { code, stdout } = await run('--check', own, '--strict');
  expect(code).toBe(0);
  expect(stdout).toContain('31 images of');
  expect(stdout).toContain('it does not leak');
  expect(stdout).not.toMatch(/^-/m);
  const part = rows.filter(({ archive }) => archive !== 'Normal-4');
  const csv = part.map(({ image, split }) => `${image},${split}\n`);
  await writeFile(file('few.csv'), `image,split\n${csv.join('')}patient777777_000.jpg,train\n`);
  const few = await run('--check', file('few.csv'), '--strict');
  expect(few.code).toBe(0);
  expect(few.stdout).toContain('- 1 image is not among those here (patient777777_000.jpg)');
  expect(few.stdout).toMatch(/- 4 images here are in no part \(Normal-4\/.*, …\)/);
  expect(await snapshot(dataset.root)).toEqual(before);
});

it('says how a split by image leaks; with --strict that is code 8', async () => {
  const { run, file, rows } = await makeProgram();
  const id = rows.find((row, at) => rows[at + 1]?.['patient_id'] === row['patient_id'])?.[
    'patient_id'
  ];
  const isOfOne = (row: Readonly<Record<string, string>>) => row['patient_id'] === id;
  const [first, ...others] = rows.filter(isOfOne);
  const parts = { train: rows.filter((row) => !isOfOne(row)), val: [first], test: others };
  for (const [part, all] of Object.entries(parts)) {
    await writeFile(file(`${part}.txt`), all.map((row) => `${row?.['image'] ?? ''}\n`).join(''));
  }
  const files = ['train.txt', 'val.txt', 'test.txt'].flatMap((name) => ['--check', file(name)]);
  const { code, stdout } = await run(...files);
  expect(code).toBe(0);
  expect(stdout).toContain(`- 1 patient is in more than one part (${id ?? ''})`);
  expect(stdout).toContain(
    '- val: 1 image is of a patient who is in test, too: 100.0 % of the part',
  );
  expect(stdout).toContain('it leaks; ');
  const strict = await run(...files, '--strict', '--json');
  expect(strict.code).toBe(8);
  const { result, errors } = documentOf(strict.stdout);
  expect(result).toMatchObject({ leaks: true, patientsInTwoParts: { count: 1, examples: [id] } });
  expect(errors[0]?.message).toContain('the split leaks');
});

it.each([['--seed', '1'], ['--name', 'b'], ['--folds', '3'], ['--force']])(
  'makes none: %s contradicts --check',
  async (...argv) => {
    const { code, stderr } = await runCli(['split', '--check', 'a.csv', ...argv]);
    expect(code).toBe(2);
    expect(stderr).toContain(`--check and ${argv[0]} contradict each other`);
  },
);

it('names a file that is not there, with code 2', async () => {
  const { run, file } = await makeProgram();
  const { code, stderr } = await run('--check', file('none.csv'));
  expect(code).toBe(2);
  expect(stderr).toContain('none.csv is not there');
});
