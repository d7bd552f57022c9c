import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CcxriError } from '../../src/errors.ts';
import { editBytes, type ByteEdit } from './edit-bytes.ts';
import { toFuzz, type FuzzTarget } from './harness.ts';
import { renderRows } from './table.ts';

const OPTIONS = { runs: 2000, seed: 1, command: 'npx vitest run x.test.ts' };

/** A parser of numbers below 1000, with what a case wants of it. */
function target(parse: FuzzTarget<number, number>['parse']) {
  return toFuzz({
    parser: 'numbers',
    inputs: fc.nat(999),
    build: (n) => n,
    codes: ['usage'],
    parse,
  });
}

describe('a run', () => {
  it('counts what was taken, what was refused by code, and what came twice', async () => {
    const { row, failure } = await target((n) => {
      if (n % 3 === 0) throw new CcxriError('usage', 'a multiple of three');
      return n % 3 === 1;
    }).run(OPTIONS);
    expect(failure).toBeUndefined();
    const { accepted, refused } = row;
    expect(row).toMatchObject({ parser: 'numbers', inputs: 2000, escapes: 0 });
    expect(accepted + (refused['usage'] ?? 0) + (refused['absent'] ?? 0)).toBe(2000);
    expect(Math.min(accepted, refused['usage'] ?? 0, refused['absent'] ?? 0)).toBeGreaterThan(400);
    expect(row.different).toBeLessThanOrEqual(1000);
    expect(row.different).toBeGreaterThan(400);
  });

  it.each<[string, unknown]>([
    ['a TypeError', new TypeError('not a function')],
    ['an error with another code', new CcxriError('network', 'no')],
    ['a message that acts in a terminal', new CcxriError('usage', 'a\x1b[2Jb')],
    ['a fact that does', new CcxriError('usage', 'a', { found: 'a\u202eb' })],
    ['an error without a message', new CcxriError('usage', '')],
  ])('%s gets through, and the smallest input that shows it is told', async (_, thrown) => {
    const { row, failure } = await target((n) => {
      if (n >= 500) throw thrown as Error;
      return true;
    }).run(OPTIONS);
    expect(row.escapes).toBe(1);
    expect(row.inputs).toBeLessThan(2000);
    expect(failure?.message).toContain('input: 500\n');
  });

  it('what takes too much of the processor, or does not answer, gets through', async () => {
    const busy = await target(() => {
      const { user } = process.cpuUsage();
      while (process.cpuUsage().user - user < 60_000);
      return true;
    }).run({ ...OPTIONS, path: '0', limits: { cpuMs: 50, waitMs: 10_000 } });
    expect(busy.failure?.message).toMatch(/it took [\d.]+ ms of the processor/);
    const silent = await target(() => new Promise(() => undefined)).run({
      ...OPTIONS,
      path: '0',
      limits: { cpuMs: 5000, waitMs: 50 },
    });
    expect(silent.failure?.message).toContain('no answer in 50 ms');
  });

  it('the input of a failure is tried again by seed and path', async () => {
    const tried: number[] = [];
    const bad = target((n) => {
      tried.push(n);
      if (n > 700) throw new TypeError('too large');
      return true;
    });
    const { failure } = await bad.run(OPTIONS);
    const [, seed, path] =
      /CCXRI_SEED=(\S+) CCXRI_PATH=(\S+) npx vitest run x\.test\.ts/.exec(failure?.message ?? '') ??
      [];
    tried.length = 0;
    const again = await bad.run({ ...OPTIONS, seed: Number(seed), path: path ?? '' });
    expect(tried).toEqual([701]);
    expect(again.row).toMatchObject({ inputs: 1, escapes: 1 });
  });

  it('what only a last look finds, fails it as well', async () => {
    const { row, failure } = await toFuzz({
      parser: 'last look',
      inputs: fc.nat(),
      build: (n) => n,
      codes: [],
      parse: () => true,
      finish: () => {
        throw new Error('two of them differ');
      },
    }).run({ ...OPTIONS, runs: 10 });
    expect(row).toMatchObject({ inputs: 10, escapes: 1 });
    expect(failure?.message).toBe('two of them differ');
  });
});

it('a parser that never comes back is ended from outside, and the input is named', async () => {
  const program = `
    import { startWatchdog } from './test/fuzz/watchdog.ts';
    const watchdog = startWatchdog(500);
    watchdog.watch('numbers, again: CCXRI_PATH=%');
    for (let n = 0; n < 8; n += 1) watchdog.beat();
    for (;;);
  `;
  const run = promisify(execFile)('node', [
    '--import',
    'tsx',
    '--input-type=module',
    '-e',
    program,
  ]);
  await expect(run).rejects.toMatchObject({
    signal: 'SIGKILL',
    stderr: expect.stringContaining('an input hangs: numbers, again: CCXRI_PATH=7') as string,
  });
});

it.each<[ByteEdit, string]>([
  [{ edit: 'flip', at: 1, bit: 0 }, 'acc'],
  [{ edit: 'set', at: 1, bytes: Buffer.from('XY') }, 'aXY'],
  [{ edit: 'insert', at: 7, bytes: Buffer.from('XY') }, 'abcXY'],
  [{ edit: 'cut', at: 2 }, 'ab'],
  [{ edit: 'behead', at: 2 }, 'c'],
  [{ edit: 'drop', at: 0, length: 2 }, 'c'],
  [{ edit: 'repeat', at: 0, length: 2, times: 2 }, 'abababc'],
  [{ edit: 'copy', at: 0, length: 1, to: 2 }, 'aba'],
  [{ edit: 'swap', at: 2, length: 5, to: 0 }, 'cba'],
])('%j makes %s of abc', (edit, expected) => {
  expect(editBytes(Buffer.from('abc'), edit).toString()).toBe(expected);
});

it('the table lists all there is', () => {
  const row = {
    parser: 'zip',
    inputs: 20_000,
    different: 19_000,
    accepted: 4000,
    refused: { 'damaged-archive': 7000, 'unsafe-archive': 9000 },
    escapes: 0,
    slowestMs: 12.34,
    growthMb: 5,
  };
  expect(
    renderRows([row, { ...row, parser: 'csv', escapes: 1 }])
      .split('\n')
      .slice(0, 3),
  ).toEqual([
    'fuzz: 40000 inputs, 1 got through',
    'parser  inputs  different  accepted  escapes  slowest CPU ms  growth MB  refused',
    'zip      20000      19000      4000        0            12.3        5.0  damaged-archive 7000, unsafe-archive 9000',
  ]);
});
