import { drawChest } from '../scripts/release/draw-chest.ts';
import { encodeJpeg, withComment } from '../scripts/release/jpeg.ts';
import type { ReleaseImage } from '../scripts/release/release-types.ts';

/** Pictures that are drawn and encoded once. */
const BASES = 24;

/**
 * Thousands of large JPEGs in little time: a few pictures of one chest with other grain, and a
 * comment of its own in each image, so that no two have the same bytes. Each member of a zip is
 * deflated by itself, so that deflate meets what it meets in any JPEG.
 * @param bytes about so many each
 */
export async function createJpegs(bytes: number): Promise<(image: ReleaseImage) => Buffer> {
  const size = await sizeFor(bytes);
  const bases = await Promise.all(
    Array.from({ length: BASES }, (_, index) => encodeBase(size, index)),
  );
  const made = new Map<string, number>();
  return ({ name, archive }) => {
    const index = made.get(archive) ?? 0;
    made.set(archive, index + 1);
    // Each archive begins elsewhere: several processes make them.
    const base = bases[(Number(/\d+/.exec(archive)?.[0]) * 5 + index) % BASES];
    if (base === undefined) throw new Error('no picture');
    return withComment(base, `${archive}/${name}`);
  };
}

function encodeBase(size: number, index: number): Promise<Buffer> {
  const image = drawChest({
    size,
    patient: 'bench',
    image: String(index),
    signs: ['Mass', 'Effusion'],
  });
  return encodeJpeg(image, { quality: 90 });
}

/** Width and height, in whole blocks, that come to about so many bytes. */
async function sizeFor(bytes: number): Promise<number> {
  let size = 256;
  // What a pixel costs depends a little on the size: two steps come close enough.
  for (let step = 0; step < 2; step += 1) {
    const { length } = await encodeBase(size, 0);
    size = Math.max(8, Math.round((size * Math.sqrt(bytes / length)) / 8) * 8);
  }
  return size;
}
