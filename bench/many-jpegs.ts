import { drawChest } from '../src/release/draw-chest.ts';
import { encodeJpegParts, withComment, type JpegParts } from '../src/release/jpeg.ts';
import { createRandom } from '../src/release/random.ts';
import type { ReleaseImage } from '../src/release/release-types.ts';

/** Pictures of one chest with other grain, drawn and encoded once. */
const BASES = 24;

/**
 * Thousands of large JPEGs in little time, each with entropy-coded data of its own: one chest is
 * encoded many times with other grain and a restart marker after each row of blocks, and an image
 * takes each row from one of them by chance. Every one decodes, none repeats another within reach
 * of deflate's window, and deflate meets what it meets in any JPEG.
 * @param bytes about so many each
 */
export function createJpegs(bytes: number): (image: ReleaseImage) => Buffer {
  const size = sizeFor(bytes);
  const bases = Array.from({ length: BASES }, (_, index) => encodeBase(size, index));
  const { head, tail } = encodeBase(size, 0);
  const rows = bases[0]?.rows.length ?? 0;
  return ({ name, archive }) => {
    const random = createRandom(`${archive}/${name}`);
    const scan = Array.from({ length: rows }, (_, row) => {
      const picked = bases[random.int(BASES)]?.rows[row];
      if (picked === undefined) throw new Error(`no row ${row}`);
      return picked;
    });
    return withComment(Buffer.concat([head, ...scan, tail]), `${archive}/${name}`);
  };
}

function encodeBase(size: number, index: number): JpegParts {
  const image = drawChest({
    size,
    patient: 'bench',
    image: String(index),
    signs: ['Mass', 'Effusion'],
  });
  return encodeJpegParts(image, { quality: 90, restartRows: true });
}

/** Width and height, in whole blocks, that come to about so many bytes. */
function sizeFor(bytes: number): number {
  let size = 256;
  // What a pixel costs depends a little on the size: two steps come close enough.
  for (let step = 0; step < 2; step += 1) {
    const { head, rows } = encodeBase(size, 0);
    const scanBytes = rows.reduce((sum, row) => sum + row.length, 0);
    const wanted = Math.max(1, bytes - head.length) / scanBytes;
    size = Math.max(8, Math.round((size * Math.sqrt(wanted)) / 8) * 8);
  }
  return size;
}
