import { describe, expect, it } from 'vitest';
import { addSpan, bytesOf, gapsOf, prefixOf, type Spans } from '../../src/download/spans.ts';

describe('spans of a file', () => {
  it.each<{ name: string; had: Spans; add: readonly [number, number]; now: Spans }>([
    { name: 'the first', had: [], add: [5, 9], now: [[5, 9]] },
    { name: 'nothing', had: [[5, 9]], add: [3, 3], now: [[5, 9]] },
    {
      name: 'one behind a gap',
      had: [[0, 4]],
      add: [5, 9],
      now: [
        [0, 4],
        [5, 9],
      ],
    },
    {
      name: 'one before a gap',
      had: [[5, 9]],
      add: [0, 4],
      now: [
        [0, 4],
        [5, 9],
      ],
    },
    { name: 'one that touches the end', had: [[0, 4]], add: [4, 9], now: [[0, 9]] },
    { name: 'one that touches the start', had: [[4, 9]], add: [0, 4], now: [[0, 9]] },
    {
      name: 'one that fills a gap',
      had: [
        [0, 4],
        [6, 9],
      ],
      add: [4, 6],
      now: [[0, 9]],
    },
    {
      name: 'one that overlaps two',
      had: [
        [0, 4],
        [6, 9],
      ],
      add: [3, 7],
      now: [[0, 9]],
    },
    {
      name: 'one over all',
      had: [
        [1, 2],
        [4, 5],
      ],
      add: [0, 9],
      now: [[0, 9]],
    },
    { name: 'one that is there', had: [[0, 9]], add: [3, 7], now: [[0, 9]] },
  ])('$name', ({ had, add, now }) => {
    expect(addSpan(had, add)).toEqual(now);
  });

  it.each<{ spans: Spans; prefix: number; bytes: number; gaps: Spans }>([
    { spans: [], prefix: 0, bytes: 0, gaps: [[0, 10]] },
    { spans: [[0, 10]], prefix: 10, bytes: 10, gaps: [] },
    { spans: [[0, 4]], prefix: 4, bytes: 4, gaps: [[4, 10]] },
    {
      spans: [[2, 4]],
      prefix: 0,
      bytes: 2,
      gaps: [
        [0, 2],
        [4, 10],
      ],
    },
    {
      spans: [
        [0, 1],
        [3, 5],
        [8, 10],
      ],
      prefix: 1,
      bytes: 5,
      gaps: [
        [1, 3],
        [5, 8],
      ],
    },
  ])('$spans leave of ten bytes $gaps', ({ spans, prefix, bytes, gaps }) => {
    expect(prefixOf(spans)).toBe(prefix);
    expect(bytesOf(spans)).toBe(bytes);
    expect(gapsOf(spans, 10)).toEqual(gaps);
  });
});
