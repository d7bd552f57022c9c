import { describe, expect, it } from 'vitest';
import { mergeRanges } from '../../src/ranges/merge-ranges.ts';

type Range = readonly [start: number, length: number];

const KIB = 1024;

describe('ranges that one request fetches', () => {
  it.each<[string, readonly Range[], readonly Range[]]>([
    ['none', [], []],
    ['one', [[5, 10]], [[5, 10]]],
    [
      'neighbours',
      [
        [0, 10],
        [10, 5],
        [15, 1],
      ],
      [[0, 16]],
    ],
    [
      'neighbours of which another is far away',
      [
        [0, 10],
        [10, 5],
        [9999, 1],
      ],
      [
        [0, 15],
        [9999, 1],
      ],
    ],
    [
      'a gap that is small beside what is wanted',
      [
        [0, 5000],
        [5100, 5000],
      ],
      [[0, 10_100]],
    ],
    [
      'a gap that is not',
      [
        [0, 500],
        [600, 500],
      ],
      [
        [0, 500],
        [600, 500],
      ],
    ],
    [
      'a gap that costs more than a request',
      [
        [0, 9e6],
        [9e6 + 65 * KIB, 9e6],
      ],
      [
        [0, 9e6],
        [9e6 + 65 * KIB, 9e6],
      ],
    ],
    [
      'gaps of which the smallest are bridged',
      [
        [0, 1000],
        [1030, 1000],
        [2130, 1000],
      ],
      [
        [0, 2030],
        [2130, 1000],
      ],
    ],
  ])('%s', (_, ranges, expected) => {
    const merged = mergeRanges(ranges.map(([start, length]) => ({ start, length })));
    expect(merged.map(({ start, length }) => [start, length])).toEqual(expected);
    expect(merged.flatMap(({ ranges: inside }) => inside)).toHaveLength(ranges.length);
  });

  it('take at most a twenty-fifth more bytes than are wanted, however they lie', () => {
    for (let step = 1; step < 300; step += 7) {
      const ranges = Array.from({ length: 200 }, (_, n) => ({
        start: n * 1000 + ((n * step) % 300),
        length: 400 + ((n * 31) % 300),
      }));
      const wanted = ranges.reduce((sum, { length }) => sum + length, 0);
      const merged = mergeRanges(ranges);
      const fetched = merged.reduce((sum, { length }) => sum + length, 0);
      expect(fetched).toBeLessThanOrEqual(1.04 * wanted);
      for (const { start, length, ranges: inside } of merged) {
        for (const each of inside) {
          expect(each.start).toBeGreaterThanOrEqual(start);
          expect(each.start + each.length).toBeLessThanOrEqual(start + length);
        }
      }
    }
  });
});
