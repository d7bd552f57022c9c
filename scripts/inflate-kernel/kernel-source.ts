import wabt from 'wabt';
import { MEMORY_PAGES, SHARED, STREAMS } from '../../src/zip/inflate-kernel/inflater.ts';
import { CONSTANTS } from './constants.ts';
import { compile } from './language.ts';
import { programFor } from './program.ts';

/** RFC 1951, 3.2.5. The symbols from 257 on, and those of distances. */
const LENGTHS = [
  [3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8, 0, 9, 0, 10, 0, 11, 1, 13, 1, 15, 1, 17, 1, 19, 2, 23, 2],
  [27, 2, 31, 2, 35, 3, 43, 3, 51, 3, 59, 3, 67, 4, 83, 4, 99, 4, 115, 4, 131, 5, 163, 5, 195, 5],
  [227, 5, 258, 0],
].flat();
const DISTANCES = [
  [1, 0, 2, 0, 3, 0, 4, 0, 5, 1, 7, 1, 9, 2, 13, 2, 17, 3, 25, 3, 33, 4, 49, 4, 65, 5, 97, 5],
  [129, 6, 193, 6, 257, 7, 385, 7, 513, 8, 769, 8, 1025, 9, 1537, 9, 2049, 10, 3073, 10],
  [4097, 11, 6145, 11, 8193, 12, 12289, 12, 16385, 13, 24577, 13],
].flat();
/** 3.2.7 */
const LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/** Each a base with its number of extra bits, 16 bits each. */
function data(at: number, bytes: Uint8Array): string {
  const text = [...bytes].map((byte) => `\\${byte.toString(16).padStart(2, '0')}`).join('');
  return `(data (i32.const ${at}) "${text}")`;
}

function words(numbers: readonly number[]): Uint8Array {
  const bytes = Buffer.alloc(2 * numbers.length);
  for (const [at, number] of numbers.entries()) bytes.writeUInt16LE(number, 2 * at);
  return bytes;
}

const moduleText = (): string =>
  [
    '(module',
    `(import "env" "memory" (memory ${MEMORY_PAGES}))`,
    data(SHARED.lengthBases, words(LENGTHS)),
    data(SHARED.distanceBases, words(DISTANCES)),
    data(SHARED.lengthOrder, Uint8Array.from(LENGTH_ORDER)),
    compile(programFor(STREAMS), CONSTANTS),
    ')',
  ].join('\n');

/** The text of src/zip/inflate-kernel/kernel.generated.ts. */
export async function kernelSource(): Promise<string> {
  const toolkit = await wabt();
  const module = toolkit.parseWat('inflate.wat', moduleText(), { bulk_memory: true });
  try {
    module.validate();
    const code = Buffer.from(module.toBinary({}).buffer).toString('base64');
    return `// Made by \`npm run inflate-kernel\` (scripts/inflate-kernel/): change the program there, not this file.
// A WebAssembly module in base64. Where its memory has what: kernel-layout.ts.

/** \`begin\`, and \`run1\` to \`run${STREAMS}\`: RFC 1951 for so many streams in lock-step. */
export const INFLATE_KERNEL =
  '${code}';
`;
  } finally {
    module.destroy();
  }
}
