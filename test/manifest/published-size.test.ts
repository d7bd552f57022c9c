import { describe, expect, it } from 'vitest';
import {
  aboutBytesOf,
  isPlausibleSize,
  lengthsText,
  sizeOf,
  sumSizes,
  toAboutBytes,
  toPublishedSize,
  toSizeWindow,
  windowOf,
} from '../../src/manifest/size.ts';
import { formatSize } from '../../src/text.ts';

describe('the window of a published size', () => {
  it('is (N - 1) x 1000^k to (N + 1) x 1024^k', () => {
    expect(toSizeWindow('59K')).toEqual({ minBytes: 58_000, maxBytes: 61_440 });
    expect(toSizeWindow('573MB')).toEqual({ minBytes: 572_000_000, maxBytes: 601_882_624 });
    expect(toSizeWindow('1GB')).toEqual({ minBytes: 0, maxBytes: 2_147_483_648 });
  });

  it('holds the one size that is known exactly', () => {
    expect(isPlausibleSize({ size: '59K' }, 59_649)).toBe(true);
  });

  it.each([
    [57_999, false],
    [58_000, true],
    [61_440, true],
    [61_441, false],
  ])('ends where it ends: %i bytes for 59K', (bytes, expected) => {
    expect(isPlausibleSize({ size: '59K' }, bytes)).toBe(expected);
  });

  it('is one length where that is known', () => {
    const file = { size: '59K', bytes: 59_649 };
    expect(windowOf(file)).toEqual({ minBytes: 59_649, maxBytes: 59_649 });
    expect(isPlausibleSize(file, 59_648)).toBe(false);
    expect(isPlausibleSize(file, 59_649)).toBe(true);
    expect(aboutBytesOf(file)).toBe(59_649);
    expect(aboutBytesOf({ size: '59K' })).toBe(59 * 1024);
    expect(toAboutBytes('2GB')).toBe(2 * 1024 ** 3);
  });

  it.each(['', '5', '5KB', '5 MB', '1.5MB', 'MB', '5mb'])(
    'is asked of published sizes alone: %s',
    (size) => {
      expect(() => toSizeWindow(size)).toThrow(RangeError);
    },
  );
});

describe('the one size that people see of a file', () => {
  it.each([
    [{ size: '157MB' }, 'about 165 MB', 'about 165 MB (156,000,000 to 165,675,008 bytes)'],
    [{ size: '157MB', bytes: 164_000_000 }, '164 MB', '164,000,000 bytes'],
    [{ size: '59K', bytes: 59_649 }, '60 KB', '59,649 bytes'],
    [{ size: '11MB' }, 'about 12 MB', 'about 12 MB (10,000,000 to 12,582,912 bytes)'],
  ])('of %j is %s', (file, shown, lengths) => {
    expect(formatSize(sizeOf(file))).toBe(shown);
    expect(lengthsText(file)).toBe(lengths);
  });

  it.each([
    [[], '0 bytes'],
    [
      [
        { size: '1K', bytes: 400 },
        { size: '1K', bytes: 500 },
      ],
      '900 bytes',
    ],
    [[{ size: '157MB' }, { size: '1K', bytes: 500 }], 'about 165 MB'],
  ])('of %j together is %s: about, where one of them is', (files, shown) => {
    expect(formatSize(sumSizes(files.map(sizeOf)))).toBe(shown);
  });
});

describe('a length as it would be published', () => {
  it.each([
    [0, '1K'],
    [1, '1K'],
    [1024, '1K'],
    [1025, '2K'],
    [59_649, '59K'],
    [1023 * 1024, '1023K'],
    [1023 * 1024 + 1, '1MB'],
    [573 * 1024 ** 2, '573MB'],
    [1023 * 1024 ** 2 + 1, '1GB'],
    [5000 * 1024 ** 3, '5000GB'],
  ])('%i bytes are %s', (bytes, size) => {
    expect(toPublishedSize(bytes)).toBe(size);
  });

  it('means that length', () => {
    for (let bytes = 1; bytes < 1e13; bytes = Math.ceil(bytes * 1.37)) {
      expect([bytes, isPlausibleSize({ size: toPublishedSize(bytes) }, bytes)]).toEqual([
        bytes,
        true,
      ]);
    }
  });
});
