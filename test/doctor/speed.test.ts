import { describe, expect, it } from 'vitest';
import { judgeSpeeds } from '../../src/doctor/speed.ts';

describe('speeds', () => {
  const measure = (connections: number, ms: number) => ({
    connections,
    bytes: connections * 32_768,
    ms,
  });
  it.each([
    [
      'limited for each',
      [measure(1, 300), measure(4, 310), measure(8, 320)],
      'ok',
      'each connection is limited',
    ],
    [
      'a full line',
      [measure(1, 100), measure(4, 400), measure(8, 800)],
      'ok',
      'one connection fills the line',
    ],
    [
      'something between',
      [measure(1, 100), measure(4, 200), measure(8, 400)],
      'ok',
      'more connections help',
    ],
    ['a fast line', [measure(1, 0), measure(4, 1), measure(8, 2)], 'ok', 'a fast line'],
    [
      'a slow one',
      [measure(1, 1000), measure(4, 4000), measure(8, 8000)],
      'warning',
      '33 KB/s with 8',
    ],
  ])('%s', (_, measures, status, seen) => {
    const found = judgeSpeeds({ measures });
    expect([found.status, found.seen]).toEqual([status, expect.stringContaining(seen)]);
  });
});
