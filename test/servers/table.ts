import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { LEVEL } from '../support/rounds.ts';
import { renderPage, type Row, summaryOf } from './servers-page.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Where the exchanges of a run leave their rows. Absent: nobody gathers them. */
    readonly exchangeRows?: string;
  }
}

/** What one test file knows. */
interface Leaf {
  /** In the order of the page. */
  readonly at: number;
  /** Rows that it leaves when nothing is left out. */
  readonly due: number;
  readonly versions: Readonly<Record<string, string>>;
}

/** Test files that leave rows. */
const FILES = 7;
const PAGE = new URL('../../docs/servers.md', import.meta.url);

/** For vitest's `globalSetup`: gathers the rows of a run, and writes docs/servers.md after a full one. */
export function setup(project: TestProject): () => Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'ccxri-exchanges-'));
  project.provide('exchangeRows', directory);
  return async () => {
    const names = readdirSync(directory).sort();
    const read = (name: string) => readFileSync(join(directory, name), 'utf8');
    const rows = names
      .filter((name) => name.endsWith('.row'))
      .map((name) => JSON.parse(read(name)) as Row);
    const leaves = names
      .filter((name) => name.endsWith('.leaf'))
      .map((name) => JSON.parse(read(name)) as Leaf);
    rmSync(directory, { recursive: true });
    if (rows.length === 0) return;
    console.log(`\n${summaryOf(rows)}`);
    const due = leaves.reduce((sum, leaf) => sum + leaf.due, 0);
    if (LEVEL !== 'full' || leaves.length < FILES || rows.length < due) return;
    const versions = Object.assign({}, ...leaves.map((leaf) => leaf.versions)) as Leaf['versions'];
    writeFileSync(PAGE, await renderPage(rows, versions));
  };
}

export function leaveLeaf(directory: string, leaf: Leaf): void {
  writeFileSync(join(directory, `${leaf.at}.leaf`), JSON.stringify(leaf));
}

/** @param place of the row: of its file, and in it */
export function leaveRow(directory: string, [file, at]: readonly [number, number], row: Row): void {
  const name = `${file}-${String(at).padStart(4, '0')}.row`;
  writeFileSync(join(directory, name), JSON.stringify(row));
}
