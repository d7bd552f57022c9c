import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { IndexComparison } from '../../src/audit/compare-index.ts';
import { joinArchive } from '../../src/labels/join.ts';
import { INDEX_HEADER, writeIndex } from '../../src/labels/write.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();

const ROWS = joinArchive(
  {
    ...{ file: 'Normal-1.zip', stem: 'Normal-1', subsets: ['cc-cxri-p', 'normal'] },
    images: ['patient1_000.jpg', 'a "b", c_000.jpg', 'patient2_000.jpg'],
  },
  { chest: [], covid: [] },
);

async function compare(change: (text: string) => string) {
  const path = join(await tempDir(), 'index.csv');
  await writeIndex(
    path,
    (async function* () {
      await Promise.resolve();
      yield ROWS;
    })(),
  );
  await writeFile(path, change(await readFile(path, 'utf8')));
  const index = await IndexComparison.read(path);
  index?.add(ROWS);
  return index?.finish();
}

/** Changes each line that is not the last. */
function eachLine(change: (line: string, at: number) => string) {
  return (text: string) =>
    text
      .split('\n')
      .map((line, at) => (line === '' ? line : change(line, at)))
      .join('\n');
}

it.each<{ name: string; change: (text: string) => string; differing: readonly string[] }>([
  { name: 'as join writes it', change: (text) => text, differing: [] },
  {
    name: 'saved by a spreadsheet, with other line ends',
    change: (text) => `\uFEFF${text.replaceAll('\n', '\r\n')}`,
    differing: [],
  },
  {
    name: 'with one more column',
    change: eachLine((line, at) => `${line},${at === 0 ? 'split' : 'train'}`),
    differing: [],
  },
  {
    name: 'of an earlier ccxri, without check',
    change: eachLine((line) => line.slice(0, line.lastIndexOf(','))),
    differing: [],
  },
  {
    name: 'in another order',
    change: (text) => {
      const [header = '', ...rows] = text.trimEnd().split('\n');
      return `${[header, ...rows.reverse()].join('\n')}\n`;
    },
    differing: [],
  },
  {
    name: 'with a value that was changed',
    change: (text) => text.replace('Normal,patient1,', 'Other,patient1,'),
    differing: ['images/Normal-1/patient1_000.jpg'],
  },
  {
    name: 'without a row',
    change: (text) => text.replace(/^images\/Normal-1\/patient2.*\n/m, ''),
    differing: ['images/Normal-1/patient2_000.jpg'],
  },
  {
    name: 'with a row that no image has',
    change: (text) => text.replace(/^(images\/Normal-1\/patient)2(.*\n)/m, '$12$2$13$2'),
    differing: ['images/Normal-1/patient3_000.jpg'],
  },
  {
    name: 'of a file that is no index',
    change: () => 'path,label\nimages/Normal-1/patient1_000.jpg,1\n',
    differing: ROWS.map(({ path }) => path),
  },
  { name: 'of an empty file', change: () => '', differing: ROWS.map(({ path }) => path) },
])('finds the rows that differ: $name', async ({ change, differing }) => {
  expect(await compare(change)).toEqual({ count: differing.length, examples: differing });
});

it('is undefined where there is no index, refuses a directory, and ends when stopped', async () => {
  const path = join(await tempDir(), 'index.csv');
  expect(await IndexComparison.read(path)).toBeUndefined();
  await mkdir(path);
  await expect(IndexComparison.read(path)).rejects.toMatchObject({ code: 'occupied' });
  await rmdir(path);
  await writeFile(path, `${INDEX_HEADER}\nx,\n`);
  const reading = IndexComparison.read(path, AbortSignal.abort());
  await expect(reading).rejects.toMatchObject({ code: 'aborted' });
});
