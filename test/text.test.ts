import { expect, it } from 'vitest';
import { formatAbout, formatSpeed } from '../src/text.ts';

it.each([
  [0, '0 s'],
  [400, '1 s'],
  [31_000, '31 s'],
  [99_400, '99 s'],
  [100_000, '1.7 min'],
  [12 * 60_000, '12 min'],
  [59.6 * 60_000, '1.0 h'],
  [72 * 60_000, '1.2 h'],
  [31 * 3_600_000, '31 h'],
  [123 * 3_600_000, '120 h'],
])('%i ms are %s, in two digits', (ms, text) => {
  expect(formatAbout(ms)).toBe(text);
});

it.each([
  [7, '7 bytes/s'],
  [843, '840 bytes/s'],
  [5140, '5.1 KB/s'],
  [996_000, '1.0 MB/s'],
  [12.4e6, '12 MB/s'],
  [123e6, '120 MB/s'],
  [1.26e9, '1.3 GB/s'],
])('%i bytes a second are %s, in two digits', (speed, text) => {
  expect(formatSpeed(speed)).toBe(text);
});
