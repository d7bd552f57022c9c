import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { renderTable } from '../../src/cli/view.ts';
import type { FuzzRow } from './harness.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Where the files of a run leave their lines of the table. Absent: nobody prints it. */
    readonly fuzzTable?: string;
  }
}

/** For vitest's `globalSetup`: prints one table of all that was fuzzed, at the end of the run. */
export function setup(project: TestProject): () => void {
  const directory = mkdtempSync(join(tmpdir(), 'ccxri-fuzz-table-'));
  project.provide('fuzzTable', directory);
  return () => {
    const rows = readdirSync(directory)
      .sort()
      .map((name) => readRow(join(directory, name)));
    rmSync(directory, { recursive: true });
    if (rows.length > 0) console.log(`\n${renderRows(rows)}`);
  };
}

export function leaveRow(directory: string, row: FuzzRow): void {
  const name = `${row.parser.replace(/[^a-z0-9]+/gi, '-')}.json`;
  writeFileSync(join(directory, name), JSON.stringify(row));
}

function readRow(path: string): FuzzRow {
  return JSON.parse(readFileSync(path, 'utf8')) as FuzzRow;
}

export function renderRows(rows: readonly FuzzRow[]): string {
  const sum = rows.reduce((total, { inputs }) => total + inputs, 0);
  const escapes = rows.reduce((total, row) => total + row.escapes, 0);
  const table = renderTable(
    [
      'parser',
      { right: 'inputs' },
      { right: 'different' },
      { right: 'accepted' },
      { right: 'escapes' },
      { right: 'slowest CPU ms' },
      { right: 'growth MB' },
      'refused',
    ],
    rows.map((row) => [
      row.parser,
      String(row.inputs),
      String(row.different),
      String(row.accepted),
      String(row.escapes),
      row.slowestMs.toFixed(1),
      row.growthMb.toFixed(1),
      Object.entries(row.refused)
        .map(([code, n]) => `${code} ${n}`)
        .join(', '),
    ]),
    Infinity,
  );
  return `fuzz: ${sum} inputs, ${escapes} got through\n${table}`;
}
