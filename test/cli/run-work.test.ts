import { expect, it } from 'vitest';
import { RunWork } from '../../src/cli/run-work.ts';
import type { Phase, PlannedWork } from '../../src/events.ts';

const MB = 1e6;

const planned = (file: string, phase: Phase, megabytes: number): PlannedWork => ({
  file,
  subsets: [],
  phase,
  bytes: megabytes * MB,
});

/** How far downloads of 1000 MB have come. */
const at = (file: string, megabytes: number) => ({
  file,
  phase: 'download' as const,
  doneBytes: megabytes * MB,
  totalBytes: 1000 * MB,
});

it('expects as many downloads at once as there were: their extraction begins when all are here', () => {
  const work = new RunWork();
  work.plan(
    ['a', 'b'].flatMap((file) => [planned(file, 'download', 1000), planned(file, 'extract', 1000)]),
  );
  for (const file of ['a', 'b']) work.begin(at(file, 0), 0, 0);
  for (const file of ['a', 'b']) work.advance(at(file, 100), 10_000);
  // 90 s until both are here, and 10 s for each of them.
  expect(work.timeLeftMs(10_000)).toBeCloseTo(110_000, -2);
});

it('expects files in work to go on before the others begin, wherever they stand in the plan', () => {
  const work = new RunWork();
  work.plan([
    planned('next', 'download', 1000),
    planned('now', 'download', 1000),
    planned('now', 'extract', 5000),
  ]);
  work.begin(at('now', 0), 0, 0);
  work.advance(at('now', 100), 10_000);
  // 90 s and 100 s of downloads; the 50 s of extraction are over by then.
  expect(work.timeLeftMs(10_000)).toBeCloseTo(190_000, -2);
});

it('does not count the hours in which the machine slept', () => {
  const work = new RunWork();
  work.plan([planned('a', 'download', 1000)]);
  work.begin(at('a', 0), 0, 0);
  for (let second = 1; second <= 30; second++) work.advance(at('a', 10 * second), 1000 * second);
  const hours = 8 * 3600e3;
  expect(work.timeLeftMs(30_000)).toBeCloseTo(70_000, -2);
  expect(work.timeLeftMs(30_000 + hours)).toBeCloseTo(70_000, -2);
  work.advance(at('a', 310), 31_000 + hours);
  expect(work.timeLeftMs(32_000 + hours)).toBeLessThan(80_000);
  // A line that is down while somebody looks is another matter.
  for (let second = 33; second <= 90; second++) work.timeLeftMs(1000 * second + hours);
  expect(work.timeLeftMs(90_000 + hours)).toBeGreaterThan(150_000);
});

it('counts bytes from where a download has fallen back to, and none twice', () => {
  const work = new RunWork();
  work.plan([planned('a', 'download', 300)]);
  work.begin(at('a', 700), 0, 0);
  expect(work.advance(at('a', 800), 1000)).toBe(100 * MB);
  expect(work.advance(at('a', 0), 2000)).toBe(0);
  expect(work.bytesOf('download')).toEqual({ doneBytes: 0, leftBytes: 1000 * MB });
  expect(work.advance(at('a', 50), 3000)).toBe(50 * MB);
  expect(work.bytesOf('download')).toEqual({ doneBytes: 50 * MB, leftBytes: 950 * MB });
});
