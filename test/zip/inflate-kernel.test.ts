import { type ZlibOptions, constants, deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../scripts/release/random.ts';
import { Inflater, MAX_STREAM_BYTES, loadKernel } from '../../src/zip/inflate-kernel/inflater.ts';
import { randomBytes } from '../support/random-bytes.ts';
import { zlibAnswer } from '../support/zlib-answer.ts';

/** More than any of the streams unpacks to. */
const MOST_BYTES = 4_000_000;

interface Case {
  readonly packed: Uint8Array;
  readonly bytes: number;
}

function newInflater(): Inflater<number> {
  const kernel = loadKernel();
  if (kernel === undefined) throw new Error('no WebAssembly here');
  return new Inflater(kernel);
}

/** All through one inflater, as many at once as go. */
function unpackAll(
  cases: readonly Case[],
  inflater = newInflater(),
): readonly (Buffer | undefined)[] {
  const found = new Map<number, Buffer | undefined>();
  const settle = () => {
    for (const { item, content } of inflater.run()) {
      expect(found.has(item)).toBe(false);
      found.set(item, content === undefined ? undefined : Buffer.from(content));
    }
  };
  for (const [at, { packed, bytes }] of cases.entries()) {
    while (!inflater.hasRoom) settle();
    inflater.room(packed.length).set(packed);
    inflater.begin(at, packed.length, bytes);
  }
  while (inflater.load > 0) settle();
  expect(found.size).toBe(cases.length);
  return cases.map((_, at) => found.get(at));
}

/** What zlib says; undefined: it is no stream of that size, or not all of it is used. */
function byZlib({ packed, bytes }: Case): Buffer | undefined {
  const found = zlibAnswer(packed, MOST_BYTES);
  const isExact = found?.content.length === bytes && found.usedBytes === packed.length;
  return isExact ? found.content : undefined;
}

const toCase = (content: Uint8Array, options?: ZlibOptions): Case => ({
  packed: deflateRawSync(content, options),
  bytes: content.length,
});

/** Bytes as in a packed JPEG: all of them, some a little more often. */
function skewed(length: number, seed: string): Buffer {
  const random = createRandom(seed);
  return Buffer.from(Array.from({ length }, () => Math.floor(256 * random.next() ** 1.3)));
}

/** So that some codes are as long as they can be: each byte comes twice as often as the next. */
function steep(length: number, seed: string): Buffer {
  const random = createRandom(seed);
  return Buffer.from(
    Array.from({ length }, () => Math.min(250, Math.floor(-Math.log2(1 - random.next())))),
  );
}

const CONTENTS: readonly (readonly [string, Buffer])[] = [
  ['nothing', Buffer.alloc(0)],
  ['a byte', Buffer.from('x')],
  ['zeros', Buffer.alloc(100_000)],
  ['a short period', Buffer.alloc(70_000, 'abc')],
  [
    'periods around eight',
    Buffer.concat([7, 8, 9].map((n) => Buffer.alloc(5000, 'abcdefghi'.slice(0, n)))),
  ],
  ['noise', randomBytes(200_000, 'noise')],
  ['skewed noise', skewed(300_000, 'skewed')],
  ['steep noise', steep(300_000, 'steep')],
  [
    'text',
    Buffer.from(Array.from({ length: 9000 }, (_, i) => `line ${i * i} of ${i % 7}\n`).join('')),
  ],
  ['matches far away', Buffer.concat([randomBytes(32_700, 'far'), randomBytes(32_700, 'far')])],
];

const STRATEGIES: readonly ZlibOptions[] = [
  ...[0, 1, 6, 9].map((level) => ({ level })),
  { strategy: constants.Z_FIXED },
  { strategy: constants.Z_HUFFMAN_ONLY },
  { strategy: constants.Z_RLE },
  { level: 9, windowBits: 9 },
  { memLevel: 1 },
];

describe('streams that are right', () => {
  it.each(CONTENTS)('of %s are unpacked, however they were packed', (_, content) => {
    const cases = STRATEGIES.map((options) => toCase(content, options));
    for (const unpacked of unpackAll(cases)) expect(unpacked?.equals(content)).toBe(true);
  });

  it('of all sizes around that of a round are unpacked, four at a time', () => {
    const contents = Array.from({ length: 600 }, (_, i) => skewed(i < 300 ? i : i * 37, `${i}`));
    const cases = contents.map((content) => toCase(content));
    const unpacked = unpackAll(cases);
    for (const [at, content] of contents.entries()) {
      expect(unpacked[at]?.equals(content)).toBe(true);
    }
  });

  it('are unpacked alone, in twos and in threes', () => {
    for (const count of [1, 2, 3]) {
      const contents = Array.from({ length: count }, (_, i) => skewed(50_000 * (i + 1), `c${i}`));
      const unpacked = unpackAll(contents.map((content) => toCase(content)));
      for (const [at, content] of contents.entries()) {
        expect(unpacked[at]?.equals(content)).toBe(true);
      }
    }
  });

  it('of the largest size are unpacked, one after the other in the same buffers', () => {
    const contents = Array.from({ length: 6 }, (_, i) => skewed(MAX_STREAM_BYTES - i, `big${i}`));
    const cases = contents.map((content) => toCase(content));
    const unpacked = unpackAll(cases);
    for (const [at, content] of contents.entries()) {
      expect(unpacked[at]?.equals(content)).toBe(true);
    }
  });

  it('with distances of one kind, or none, are unpacked', () => {
    const one = Buffer.from('ab'.repeat(200));
    const cases = [toCase(one), toCase(Buffer.from('abcdefgh'), { level: 9 })];
    expect(unpackAll(cases).map((content) => content?.toString())).toEqual([
      one.toString(),
      'abcdefgh',
    ]);
  });
});

describe('streams that are wrong', () => {
  const good = skewed(5000, 'good');

  it.each([
    ['longer than they should be', { ...toCase(good), bytes: good.length - 1 }],
    ['far longer than they should be', { ...toCase(Buffer.alloc(1_000_000)), bytes: 10 }],
    ['shorter than they should be', { ...toCase(good), bytes: good.length + 1 }],
    ['cut', { packed: toCase(good).packed.subarray(0, -1), bytes: good.length }],
    ['cut in the first block’s head', { packed: toCase(good).packed.subarray(0, 20), bytes: 5000 }],
    ['nothing', { packed: Buffer.alloc(0), bytes: 0 }],
    [
      'followed by a byte',
      { packed: Buffer.concat([toCase(good).packed, Buffer.alloc(1)]), bytes: 5000 },
    ],
    ['of a block type that there is not', { packed: Buffer.from([0b111]), bytes: 0 }],
    ['stored with a wrong length', { packed: Buffer.from([1, 5, 0, 0, 0]), bytes: 5 }],
    ['stored and cut', { packed: Buffer.from([1, 5, 0, 250, 255, 1, 2]), bytes: 5 }],
    // Fixed codes: a match of three bytes one back, where nothing is.
    [
      'of matches before the first byte',
      { packed: Buffer.from([0b00000011, 0b00000010, 0]), bytes: 3 },
    ],
  ])('%s are not taken, and do no harm to others', (_, bad) => {
    const cases = [toCase(good), bad, toCase(good), bad, toCase(good), toCase(good), bad];
    const unpacked = unpackAll(cases);
    expect(unpacked.map((content) => content?.equals(good))).toEqual([
      ...[true, undefined, true, undefined, true, true, undefined],
    ]);
  });

  it('by a flipped bit anywhere are taken by zlib with the same bytes, or not at all', () => {
    const inflater = newInflater();
    const random = createRandom('flips');
    const contents = [skewed(400, 'a'), steep(900, 'b'), Buffer.alloc(300, 'to be or not to be ')];
    let taken = 0;
    for (const content of contents) {
      for (const options of STRATEGIES) {
        const { packed, bytes } = toCase(content, options);
        const cases = Array.from({ length: Math.min(packed.length * 8, 1200) }, (_, at) => {
          const flipped = Buffer.from(packed);
          const bit = packed.length * 8 <= 1200 ? at : random.int(packed.length * 8);
          flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
          return { packed: flipped, bytes };
        });
        for (const [at, found] of unpackAll(cases, inflater).entries()) {
          if (found === undefined) continue;
          taken += 1;
          expect(byZlib(cases[at] ?? { packed, bytes })?.equals(found)).toBe(true);
        }
      }
    }
    // Literals that became others: their CRC-32 is for others to look at.
    expect(taken).toBeGreaterThan(100);
  });

  it('of noise are taken by zlib with the same bytes, or not at all', () => {
    const cases = Array.from({ length: 3000 }, (_, i) => {
      const noise = randomBytes(1 + (i % 90), `noise ${i}`);
      // One last block of fixed codes: that has some prospect of an end.
      if (i % 3 > 0) noise[0] = ((noise[0] ?? 0) & 0xf8) | 3;
      return lengthsOf(noise);
    });
    let taken = 0;
    for (const [at, found] of unpackAll(cases).entries()) {
      const expected = byZlib(cases[at] ?? { packed: Buffer.alloc(0), bytes: 0 });
      if (found !== undefined) {
        taken += 1;
        expect(expected?.equals(found)).toBe(true);
      }
      // Incomplete codes of literals, which zlib takes if there is one: nobody writes them.
      else if (expected !== undefined) expect(expected.length).toBeLessThan(3);
    }
    expect(taken).toBeGreaterThan(20);
  });

  /** As much of it as is a stream, where zlib finds one. */
  function lengthsOf(packed: Buffer): Case {
    const found = zlibAnswer(packed, MOST_BYTES);
    const { length: bytes } = found?.content ?? { length: 10 };
    const usedBytes = found?.usedBytes ?? packed.length;
    return { packed: packed.subarray(0, usedBytes), bytes };
  }

  it('that are under way can be dropped', () => {
    const inflater = newInflater();
    const { packed, bytes } = toCase(good);
    for (const item of [1, 2, 3]) {
      inflater.room(packed.length).set(packed);
      inflater.begin(item, packed.length, bytes);
    }
    inflater.reset();
    expect(inflater.load).toBe(0);
    expect(unpackAll([toCase(good)], inflater)[0]?.equals(good)).toBe(true);
  });
});
