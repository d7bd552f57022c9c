import type { GrayImage } from './gray-image.ts';
import { BitWriter } from './jpeg-bits.ts';
import { forwardDct, toDivisors } from './jpeg-dct.ts';
import {
  AC_LUMINANCE,
  DC_LUMINANCE,
  quantisationFor,
  toCodes,
  ZIGZAG,
  type HuffmanSpec,
} from './jpeg-tables.ts';

export interface JpegOptions {
  /** 1 to 100. Default 85. */
  readonly quality?: number | undefined;
  /** ASCII text carried as a comment (COM). Default: none. */
  readonly comment?: string | undefined;
  /**
   * A restart marker after each row of blocks: every row can then be decoded, or exchanged for that
   * of another picture of the same form, by itself. Default false.
   */
  readonly restartRows?: boolean | undefined;
}

/** A JPEG in its parts; `Buffer.concat` of head, rows and tail is the file. */
export interface JpegParts {
  /** From SOI to the scan header. */
  readonly head: Buffer;
  /** Entropy-coded data: one part, or one a row of blocks with its restart marker. */
  readonly rows: readonly Buffer[];
  /** EOI. */
  readonly tail: Buffer;
}

const DC_CODES = toCodes(DC_LUMINANCE);
const AC_CODES = toCodes(AC_LUMINANCE);
const ZERO_RUN = 0xf0;
const END_OF_BLOCK = 0x00;

/** Encodes a picture as baseline JPEG, 8 bits, one component (ITU-T T.81, JFIF 1.01). */
export function encodeJpeg(image: GrayImage, options: JpegOptions = {}): Buffer {
  const { head, rows, tail } = encodeJpegParts(image, options);
  return Buffer.concat([head, ...rows, tail]);
}

export function encodeJpegParts(image: GrayImage, options: JpegOptions = {}): JpegParts {
  const quantisation = quantisationFor(options.quality ?? 85);
  const restartRows = options.restartRows ?? false;
  return {
    head: toHead(image, quantisation, options),
    rows: encodeScan(image, toDivisors(quantisation), restartRows),
    tail: Buffer.from([0xff, 0xd9]),
  };
}

/** The same picture with a comment put behind its JFIF header: other bytes at no cost. */
export function withComment(jpeg: Buffer, comment: string): Buffer {
  const at = 2 + 2 + jpeg.readUInt16BE(4);
  return Buffer.concat([
    jpeg.subarray(0, at),
    segment(0xfe, Buffer.from(comment, 'latin1')),
    jpeg.subarray(at),
  ]);
}

function toHead(image: GrayImage, quantisation: readonly number[], options: JpegOptions): Buffer {
  const { width, height } = image;
  const word = (value: number) => [value >> 8, value & 0xff];
  const comment = options.comment ?? '';
  const huffman = (id: number, { counts, symbols }: HuffmanSpec) => [id, ...counts, ...symbols];
  return Buffer.concat([
    Buffer.from([0xff, 0xd8]),
    segment(0xe0, Buffer.from('JFIF\0\x01\x01\0\0\x01\0\x01\0\0', 'latin1')),
    ...(comment === '' ? [] : [segment(0xfe, Buffer.from(comment, 'latin1'))]),
    segment(0xdb, [0, ...ZIGZAG.map((place) => quantisation[place] ?? 1)]),
    segment(0xc0, [8, ...word(height), ...word(width), 1, 1, 0x11, 0]),
    segment(0xc4, huffman(0x00, DC_LUMINANCE)),
    segment(0xc4, huffman(0x10, AC_LUMINANCE)),
    ...(options.restartRows === true ? [segment(0xdd, word(Math.ceil(width / 8)))] : []),
    segment(0xda, [1, 1, 0x00, 0, 63, 0]),
  ]);
}

function segment(marker: number, content: Uint8Array | readonly number[]): Buffer {
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(content.length + 2, 2);
  return Buffer.concat([head, Buffer.from(content)]);
}

function encodeScan(image: GrayImage, divisors: Float64Array, restartRows: boolean): Buffer[] {
  const rows = Math.ceil(image.height / 8);
  const out = new BitWriter((image.width * image.height) >> 2);
  const ends: number[] = [];
  const block = new Float64Array(64);
  let lastDc = 0;
  for (let row = 0; row < rows; row += 1) {
    for (let left = 0; left < image.width; left += 8) {
      fillBlock(image, left, row * 8, block);
      forwardDct(block);
      lastDc = encodeBlock(block, divisors, lastDc, out);
    }
    if (!restartRows || row === rows - 1) continue;
    out.align();
    out.marker(0xd0 + (row % 8));
    ends.push(out.length);
    lastDc = 0;
  }
  const bytes = out.finish();
  ends.push(bytes.length);
  return ends.map((end, index) => Buffer.from(bytes.subarray(ends[index - 1] ?? 0, end)));
}

/** 8 x 8 samples, centred on 0; beyond the picture its last row and column go on. */
function fillBlock(image: GrayImage, left: number, top: number, block: Float64Array): void {
  const { width, height, pixels } = image;
  for (let y = 0; y < 8; y += 1) {
    const row = Math.min(top + y, height - 1) * width;
    for (let x = 0; x < 8; x += 1) {
      block[y * 8 + x] = (pixels[row + Math.min(left + x, width - 1)] ?? 0) - 128;
    }
  }
}

/** @returns the DC coefficient, from which the next block's is told as a difference */
function encodeBlock(
  block: Float64Array,
  divisors: Float64Array,
  lastDc: number,
  out: BitWriter,
): number {
  const dc = Math.round((block[0] ?? 0) * (divisors[0] ?? 0));
  const dcSize = sizeOf(dc - lastDc);
  out.put(DC_CODES.codes[dcSize] ?? 0, DC_CODES.lengths[dcSize] ?? 0);
  putMagnitude(dc - lastDc, dcSize, out);
  let zeros = 0;
  for (let k = 1; k < 64; k += 1) {
    const value = Math.round((block[ZIGZAG[k] ?? 0] ?? 0) * (divisors[k] ?? 0));
    if (value === 0) {
      zeros += 1;
      continue;
    }
    for (; zeros > 15; zeros -= 16) putAc(ZERO_RUN, out);
    const size = sizeOf(value);
    putAc((zeros << 4) | size, out);
    putMagnitude(value, size, out);
    zeros = 0;
  }
  if (zeros > 0) putAc(END_OF_BLOCK, out);
  return dc;
}

function putAc(symbol: number, out: BitWriter): void {
  out.put(AC_CODES.codes[symbol] ?? 0, AC_CODES.lengths[symbol] ?? 0);
}

/** How many bits a value's magnitude takes (T.81, table F.1). */
function sizeOf(value: number): number {
  return 32 - Math.clz32(Math.abs(value));
}

/** Negative values as their one's complement (T.81, F.1.2.1). */
function putMagnitude(value: number, size: number, out: BitWriter): void {
  if (size > 0) out.put(value < 0 ? value - 1 : value, size);
}
