import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { type Conversion, loadConverter } from '../../src/dataset/convert-image.ts';
import type { ImageFormat } from '../../src/export/types.ts';
import { decodeWithPil, hasPil } from '../support/pil.ts';
import { likeJpeg } from '../support/tiny-jpeg.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();

interface Picture {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
}

/** A JPEG with a bright left half and a dark right one. */
function jpegOf({ width, height, channels }: Picture): Promise<Buffer> {
  const pixels = Buffer.alloc(width * height * channels);
  for (let at = 0; at < pixels.length; at += 1) {
    pixels[at] = Math.floor(at / channels) % width < width / 2 ? 220 : 30;
  }
  const image = sharp(pixels, { raw: { width, height, channels } });
  return (channels === 1 ? image.toColourspace('b-w') : image).jpeg({ quality: 90 }).toBuffer();
}

async function convert(content: Uint8Array, asked: Partial<Conversion> = {}): Promise<Buffer> {
  const { convert: run } = await loadConverter({ size: 512, quality: 90, format: 'jpg', ...asked });
  const converted = await run(content);
  if (converted.kind === 'broken') throw new Error(converted.why);
  return Buffer.from(converted.bytes);
}

describe('a conversion', () => {
  it.each([
    ['a broad image', [1000, 400], 512, [512, 205]],
    ['a high image', [400, 1000], 512, [205, 512]],
    ['an image that is smaller', [300, 200], 512, [300, 200]],
    ['no size', [1000, 400], undefined, [1000, 400]],
  ] as const)('keeps the shape of %s', async (_title, [width, height], size, expected) => {
    const bytes = await convert(await jpegOf({ width, height, channels: 1 }), { size });
    const made = await sharp(bytes).metadata();
    expect([made.width, made.height]).toEqual(expected);
  });

  it.runIf(hasPil).each([
    ['jpg', 1, 'L'],
    ['jpg', 3, 'RGB'],
    ['png', 1, 'L'],
    // It has no gray.
    ['webp', 1, 'RGB'],
  ] as const)(
    'makes %s of %i channels, which Pillow reads as %s',
    async (format, channels, mode) => {
      const bytes = await convert(await jpegOf({ width: 1000, height: 600, channels }), { format });
      const path = join(await tempDir(), `image.${format}`);
      await writeFile(path, bytes);
      const [read] = decodeWithPil([path]);
      expect(read).toMatchObject({ width: 512, height: 307, mode });
      const pixels = read?.pixels ?? Buffer.alloc(0);
      expect(Math.abs((pixels[0] ?? 0) - 220)).toBeLessThan(4);
      expect(Math.abs((pixels.at(-1) ?? 0) - 30)).toBeLessThan(4);
    },
  );

  it('takes the pixels as they are stored, not as a tag would have them turned', async () => {
    const turned = await sharp(await jpegOf({ width: 1000, height: 400, channels: 1 }))
      .withMetadata({ orientation: 6 })
      .toBuffer();
    const { width, height, orientation } = await sharp(await convert(turned)).metadata();
    expect([width, height, orientation]).toEqual([512, 205, undefined]);
  });

  it('takes the colours as they are stored, not as a profile would have them', async () => {
    const raw = { width: 16, height: 16, channels: 3 } as const;
    const red = Buffer.from(Array.from({ length: 16 * 16 }, () => [220, 40, 40]).flat());
    const profiled = await sharp(red, { raw })
      .withIccProfile('p3')
      .jpeg({ quality: 100 })
      .toBuffer();
    const stored = await sharp(profiled, { ignoreIcc: true }).raw().toBuffer();
    const converted = await sharp(await convert(profiled, { format: 'png' }))
      .raw()
      .toBuffer();
    expect(converted.subarray(0, 3)).toEqual(stored.subarray(0, 3));
  });

  it('obeys the quality of jpg and webp, and loses nothing in png', async () => {
    const noise = Buffer.from(Array.from({ length: 256 * 256 }, (_, at) => (at * at * 31) % 251));
    const raw = { width: 256, height: 256, channels: 1 } as const;
    const image = await sharp(noise, { raw }).toColourspace('b-w').jpeg().toBuffer();
    const sizes = async (format: ImageFormat) =>
      Promise.all(
        [20, 95].map(async (quality) => (await convert(image, { quality, format })).length),
      );
    for (const format of ['jpg', 'webp'] as const) {
      const [low = 0, high = 0] = await sizes(format);
      expect(low).toBeLessThan(high / 2);
    }
    const png = await convert(image, { quality: 20, format: 'png' });
    const pixelsOf = (bytes: Buffer) => sharp(bytes).toColourspace('b-w').raw().toBuffer();
    expect((await pixelsOf(png)).equals(await pixelsOf(image))).toBe(true);
  });
});

describe('an image that can not be converted', () => {
  const half = async () => {
    const whole = await jpegOf({ width: 1000, height: 400, channels: 1 });
    return Buffer.concat([whole.subarray(0, whole.length / 2), Buffer.from('ffd9', 'hex')]);
  };
  it.each([
    ['has half its data', half, /premature|corrupt|Invalid/],
    ['is empty', () => Buffer.alloc(0), /^empty$/],
    [
      'has no end',
      async () => (await jpegOf({ width: 90, height: 90, channels: 1 })).subarray(0, -2),
      /^cut$/,
    ],
    ['is no JPEG inside', () => likeJpeg('anything'), /./],
    [
      'is of a format that is none of the dataset',
      () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
      /^not-an-image$/,
    ],
  ])('is a value with a reason if it %s', async (_title, make, why) => {
    const { convert: run } = await loadConverter({ size: 512, quality: 90, format: 'jpg' });
    const converted = await run(await make());
    expect(converted).toMatchObject({ kind: 'broken', why: expect.stringMatching(why) as string });
  });
});
