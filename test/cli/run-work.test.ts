import { expect, it } from 'vitest';
import { RunWork } from '../../src/cli/run-work.ts';
import type { Phase, PlannedWork } from '../../src/events.ts';

const MB = 1e6;

const planned = (file: string, phase: Phase, megabytes: number): PlannedWork => ({
  file,
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
