import { describe, expect, it } from 'vitest';
import { type OpenPhase, type Pace, timeLeftMs } from '../../src/cli/time-left.ts';

const pace = (bytesPerSecond: number, filesAtOnce: number): Pace => ({
  bytesPerSecond,
  filesAtOnce,
});

/** Bytes a second; a file is 100 bytes in each phase. */
const paces = (download: number, extract: number) => ({
  hash: pace(1000, 4),
  download: pace(download, 2),
  extract: pace(extract, 1),
  check: pace(1000, 2),
  export: pace(1000, 1),
});

const file = (...phases: readonly OpenPhase['phase'][]): readonly OpenPhase[] =>
  phases.map((phase) => ({ phase, bytes: 100 }));

const files = (many: number) => Array.from({ length: many }, () => file('download', 'extract'));

describe('the time left, in seconds', () => {
  it.each<[string, readonly (readonly OpenPhase[])[], ReturnType<typeof paces>, number]>([
    ['of nothing', [], paces(10, 10), 0],
    [
      'of one file is that of all its phases',
      [file('hash', 'download', 'extract')],
      paces(10, 10),
      20.1,
    ],
    [
      'of a slow line is that of the line, and of what comes after the last byte',
      files(10),
      paces(10, 100),
      102,
    ],
    [
      'of slow extraction is that of the extraction, which waits for the first file',
      files(10),
      paces(100, 10),
      102,
    ],
    ['of both alike is not their sum', files(10), paces(10, 10), 120],
    [
      'of phases of other files is that of the slowest',
      [file('download'), file('check')],
      paces(10, 10),
      10,
    ],
    ['of a line that is down is not known', [file('download')], paces(0, 10), Infinity],
  ])('%s', (_name, open, at, seconds) => {
    expect(timeLeftMs(open, at) / 1000).toBeCloseTo(seconds, 3);
  });

  it('leaves what it was given as it is', () => {
    const open = files(2);
    timeLeftMs(open, paces(10, 10));
    expect(open).toEqual(files(2));
  });
});
