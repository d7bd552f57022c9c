import assert from 'node:assert/strict';
import { type ZlibOptions, constants, deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { Inflater, loadKernel } from '../../src/zip/inflate-kernel/inflater.ts';
import { zlibAnswer } from '../support/zlib-answer.ts';
import { type EditedBytes, buildEdited, editedBytes } from './edit-bytes.ts';
import { type Fuzz, toFuzz } from './harness.ts';

/** More than any of the streams unpacks to. */
const MOST_BYTES = 1_500_000;

/** Literals of many lengths, matches near and far, runs, nothing. */
const CONTENTS: readonly Buffer[] = [
  Buffer.from(Array.from({ length: 900 }, (_, i) => `line ${i * i} of ${i % 7}\n`).join('')),
  Buffer.from(Array.from({ length: 3000 }, (_, i) => (i * i * 31) >> 3)),
  Buffer.from(Array.from({ length: 2000 }, (_, i) => Math.floor(Math.log2(1 + (i % 509))))),
  Buffer.alloc(5000, 'abcdefghi'),
  Buffer.alloc(300),
  Buffer.from('to be or not to be'),
  Buffer.alloc(0),
];
const WAYS: readonly ZlibOptions[] = [
  { level: 0 },
  { level: 1 },
  { level: 9, memLevel: 1 },
  { strategy: constants.Z_FIXED },
  { strategy: constants.Z_HUFFMAN_ONLY },
];
const STREAMS = CONTENTS.flatMap((content) => WAYS.map((way) => deflateRawSync(content, way)));

const TOKENS = [
  ...['00', 'ff', '03', '0300', '010000ffff', 'edc0', '05e0'].map((hex) => Buffer.from(hex, 'hex')),
];

interface Asked {
  readonly packed: Uint8Array;
  /** That it is said to unpack to. */
  readonly bytes: number;
}

interface AskedInput {
  readonly stream: EditedBytes;
  /** Of what it really unpacks to, and off by so much. */
  readonly off: number;
  /** Without what stands behind its end. */
  readonly trimmed: boolean;
}

const asked: fc.Arbitrary<AskedInput> = fc.record({
  stream: editedBytes(STREAMS, TOKENS, 2),
  off: fc.oneof({ weight: 8, arbitrary: fc.constant(0) }, fc.constantFrom(1, -1, 300)),
  trimmed: fc.oneof({ weight: 5, arbitrary: fc.constant(true) }, fc.constant(false)),
});

function build({ stream, off, trimmed }: AskedInput): Asked {
  const packed = buildEdited(STREAMS, stream).subarray(0, 100_000);
  const found = zlibAnswer(packed, MOST_BYTES);
  const length = CONTENTS[Math.floor(stream.base / WAYS.length)]?.length ?? 0;
  return {
    packed: trimmed ? packed.subarray(0, found?.usedBytes) : packed,
    bytes: Math.max(0, (found?.content.length ?? length) + off),
  };
}

/**
 * Streams side by side in the kernel's memory: each is taken exactly where zlib takes it, with the
 * same bytes, whatever lies beside it.
 */
export function inflateTargets(): readonly Fuzz[] {
  const kernel = loadKernel();
  if (kernel === undefined) {
    console.warn('skipped: this Node has no WebAssembly');
    return [];
  }
  const inflater = new Inflater<number>(kernel);
  return [
    toFuzz({
      parser: 'deflate',
      inputs: fc.array(asked, { minLength: 1, maxLength: 4 }),
      build: (inputs) => inputs.map(build),
      codes: [],
      parse: (streams) => {
        for (const [at, { packed, bytes }] of streams.entries()) {
          inflater.room(packed.length).set(packed);
          inflater.begin(at, packed.length, bytes);
        }
        const taken = settle(inflater, streams);
        assert.equal(inflater.load, 0);
        return taken > 0;
      },
    }),
  ];
}

/** @returns how many were taken */
function settle(inflater: Inflater<number>, streams: readonly Asked[]): number {
  const seen = new Set<number>();
  let taken = 0;
  while (inflater.load > 0) {
    for (const { item, content } of inflater.run()) {
      assert(!seen.has(item), 'one stream came twice');
      seen.add(item);
      const { packed, bytes } = streams[item] ?? { packed: Buffer.alloc(0), bytes: -1 };
      const found = zlibAnswer(packed, MOST_BYTES);
      const isExact = found?.usedBytes === packed.length && found.content.length === bytes;
      if (content !== undefined) {
        taken += 1;
        assert(isExact && found.content.equals(content), 'zlib has other bytes, or none');
      } else if (isExact) {
        // Codes of one literal alone, which zlib takes: nobody writes them.
        assert(bytes < 3, `${bytes} bytes that zlib takes were not taken`);
      }
    }
  }
  assert.equal(seen.size, streams.length);
  return taken;
}
