import { relative } from 'node:path';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import type { Fuzz, FuzzRow } from './harness.ts';
import { fromEnv, rounds } from '../support/rounds.ts';
import { leaveRow, renderRows } from './table.ts';
import { startWatchdog, type Watchdog } from './watchdog.ts';

const RUNS = rounds({ brief: 1000, full: 20_000 });
/** Enough to see that the table of a long run is worth its lines. */
const MANY_RUNS = 300;
const SEED = 43_000_082;

/**
 * A test for each target. CCXRI_SEED and CCXRI_PATH try one input again (a failure prints both);
 * CCXRI_SEED alone runs with other inputs, CCXRI_RUNS with more of them.
 */
export function fuzzTests(targets: readonly Fuzz[]): void {
  const path = process.env['CCXRI_PATH'];
  const seed = fromEnv('CCXRI_SEED', SEED);
  const runs = fromEnv('CCXRI_RUNS', RUNS);
  const rows: FuzzRow[] = [];
  let watchdog: Watchdog;

  beforeAll(() => {
    watchdog = startWatchdog();
  });
  afterAll(async () => {
    await watchdog.stop();
    const directory = inject('fuzzTable');
    if (directory !== undefined) for (const row of rows) leaveRow(directory, row);
    else if (runs > MANY_RUNS) console.log(`\n${renderRows(rows)}`);
  });

  for (const target of targets) {
    it(`${target.parser}: no input gets through`, async () => {
      const command = commandOf(target.parser);
      const { row, failure } = await target.run({ runs, seed, path, command, watchdog });
      rows.push(row);
      if (failure !== undefined) throw failure;
      if (path === undefined) assertTelling(row, target, Math.ceil(runs / target.share));
    });
  }
}

/** Inputs that are all the same, all good or all noise would say nothing. */
function assertTelling(row: FuzzRow, { always }: Fuzz, runs: number): void {
  expect(row).toMatchObject({ inputs: runs, escapes: 0 });
  expect(row.different).toBeGreaterThan(runs * 0.5);
  const refused = row.inputs - row.accepted;
  if (always !== 'refused') expect(row.accepted).toBeGreaterThan(runs * 0.01);
  if (always !== 'accepted') expect(refused).toBeGreaterThan(runs * 0.01);
}

function commandOf(parser: string): string {
  const file = relative(process.cwd(), expect.getState().testPath ?? '');
  return `npm run test:long -- ${file} -t '${parser}:'`;
}
