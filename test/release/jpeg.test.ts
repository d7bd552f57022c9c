import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { GrayImage } from '../../src/release/gray-image.ts';
import { encodeJpeg, encodeJpegParts, withComment } from '../../src/release/jpeg.ts';
import { createRandom } from '../../src/release/random.ts';
import { readSegments, sizeOfJpeg } from '../support/jpeg-segments.ts';
import { decodeWithPil, hasPil } from '../support/pil.ts';
import { useTempDirs, writeTree } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();

/** Waves with a little noise: every coefficient gets something to do. */
function waves(width: number, height: number): GrayImage {
  const random = createRandom(`${width} ${height}`);
  const pixels = Uint8Array.from({ length: width * height }, (_, at) => {
    const [x, y] = [at % width, Math.floor(at / width)];
    return 128 + 60 * Math.sin(x / 9) + 50 * Math.cos(y / 13) + random.between(-8, 8);
  });
  return { width, height, pixels };
}

/** The worst for Huffman codes and stuffing: black and white by chance. */
function dust(width: number, height: number): GrayImage {
  const random = createRandom('dust');
  const pixels = Uint8Array.from({ length: width * height }, () => random.int(2) * 255);
  return { width, height, pixels };
}

function errorOf(image: GrayImage, pixels: Buffer) {
  const off = pixels.map((value, at) => Math.abs(value - (image.pixels[at] ?? 0)));
  return { worst: Math.max(...off), mean: off.reduce((sum, value) => sum + value, 0) / off.length };
}

async function decode(...jpegs: readonly Buffer[]) {
  const directory = await tempDir();
  const files = jpegs.map((jpeg, index) => [`${index}.jpg`, jpeg] as const);
  await writeTree(directory, Object.fromEntries(files));
  return decodeWithPil(files.map(([name]) => join(directory, name)));
}

const SIZES = [
  [64, 64],
  [100, 37],
  [8, 8],
  [1, 1],
  [17, 256],
] as const;

describe('encodeJpeg', () => {
  it.each(SIZES)('writes the segments of a baseline JPEG for %i x %i', (width, height) => {
    const jpeg = encodeJpeg(waves(width, height));
    const { segments, restarts, trailing } = readSegments(jpeg);
    expect(segments.map(({ marker }) => marker)).toEqual([0xe0, 0xdb, 0xc0, 0xc4, 0xc4, 0xda]);
    expect(sizeOfJpeg(jpeg)).toEqual([width, height]);
    expect({ restarts, trailing }).toEqual({ restarts: [], trailing: 0 });
  });

  it('restarts after each row of blocks, counting from 0 to 7', () => {
    const { segments, restarts } = readSegments(encodeJpeg(waves(40, 80), { restartRows: true }));
    expect(segments.find(({ marker }) => marker === 0xdd)?.content).toEqual(Buffer.from([0, 5]));
    expect(restarts).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 0]);
  });

  it('carries comments, its own and one put in later', () => {
    const jpeg = withComment(encodeJpeg(waves(8, 8), { comment: 'first' }), 'second');
    const comments = readSegments(jpeg).segments.filter(({ marker }) => marker === 0xfe);
    expect(comments.map(({ content }) => content.toString())).toEqual(['second', 'first']);
  });

  describe.skipIf(!hasPil)('as PIL decodes it', () => {
    it.each(SIZES)('is the picture, nearly: %i x %i', async (width, height) => {
      const image = waves(width, height);
      const [fine, restarted] = await decode(
        encodeJpeg(image, { quality: 100 }),
        encodeJpeg(image, { quality: 100, restartRows: true, comment: 'hello' }),
      );
      expect(fine).toMatchObject({ width, height, mode: 'L', comment: null });
      expect(errorOf(image, fine!.pixels).worst).toBeLessThanOrEqual(2);
      expect(restarted!.comment).toBe('hello');
      expect(restarted!.pixels.equals(fine!.pixels)).toBe(true);
    });

    it('loses more the lower the quality', async () => {
      const image = waves(96, 96);
      const qualities = [100, 85, 50, 10, 1];
      const jpegs = qualities.map((quality) => encodeJpeg(image, { quality }));
      const means = (await decode(...jpegs)).map(({ pixels }) => errorOf(image, pixels).mean);
      expect(means).toEqual([...means].sort((a, b) => a - b));
      expect(means.at(-1)).toBeGreaterThan(5);
      const lengths = jpegs.map(({ length }) => length);
      expect(lengths).toEqual([...lengths].sort((a, b) => b - a));
    });

    it('holds black and white dust at any quality', async () => {
      const image = dust(80, 80);
      const [best] = await decode(
        encodeJpeg(image, { quality: 100 }),
        encodeJpeg(image, { quality: 30 }),
      );
      expect(errorOf(image, best!.pixels).worst).toBeLessThanOrEqual(2);
    });

    it('takes rows of another picture of the same form', async () => {
      const [one, other] = [waves(64, 64), dust(64, 64)];
      const options = { quality: 100, restartRows: true };
      const [a, b] = [encodeJpegParts(one, options), encodeJpegParts(other, options)];
      const rows = a.rows.map((row, index) => (index === 3 ? b.rows[3]! : row));
      const [mixed] = await decode(Buffer.concat([a.head, ...rows, a.tail]));
      const wanted = one.pixels.slice();
      wanted.set(other.pixels.subarray(24 * 64, 32 * 64), 24 * 64);
      expect(errorOf({ ...one, pixels: wanted }, mixed!.pixels).worst).toBeLessThanOrEqual(2);
    });
  });
});
