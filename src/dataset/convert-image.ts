import { imageFaultOf } from '../fs/image-content.ts';
import { toPrintable } from '../text.ts';
import type { Resized } from './ledger.ts';
import { loadSharp } from './load-sharp.ts';

/** What becomes of each image. */
export interface Conversion {
  /** Pixels of the longest side. A smaller image stays as large as it is. undefined: all do. */
  readonly size: number | undefined;
  /** 1 to 100, of jpg and webp; png loses nothing. */
  readonly quality: number;
  readonly format: 'jpg' | 'png' | 'webp';
}

/** What has a say in the bytes of a converted image. */
export interface ConverterVersions {
  readonly sharp: string;
  readonly libvips: string;
}

export interface Converter {
  readonly convert: Convert;
  readonly versions: ConverterVersions;
}

type Converted =
  | { readonly kind: 'converted'; readonly bytes: Uint8Array }
  /** It can't be decoded. */
  | { readonly kind: 'broken'; readonly why: string };

/** Converts an image. Several may be under way: each is worked on in a thread of Node's own. */
export type Convert = (content: Uint8Array) => Promise<Converted>;

/**
 * Pixels are taken as they are stored, as loaders of training data take them: neither turned nor matched to a
 * colour profile; and gray stays gray.
 * @throws CcxriError `usage`: sharp is not installed
 */
export async function loadConverter({ size, quality, format }: Conversion): Promise<Converter> {
  const sharp = await loadSharp('resized and converted', '--resize and --format');
  const { sharp: version, vips: libvips } = sharp.versions;
  const convert: Convert = async (content) => {
    // Before anything decodes it: sharp would also take other formats for an image, such as SVG.
    const fault = imageFaultOf(content);
    if (fault !== undefined) return { kind: 'broken', why: fault };
    try {
      const { image } = await openImage(sharp, content);
      if (size !== undefined) image.resize(within(size));
      // A quality would make the colours of a png fewer.
      if (format === 'png') image.png();
      else if (format === 'webp') image.webp({ quality });
      else image.jpeg({ quality });
      return { kind: 'converted', bytes: await image.toBuffer() };
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return { kind: 'broken', why: toPrintable(why, 200) };
    }
  };
  return { convert, versions: { sharp: version, libvips } };
}

type SharpFunction = Awaited<ReturnType<typeof loadSharp>>;

async function openImage(sharp: SharpFunction, content: Uint8Array) {
  const image = sharp(content, { failOn: 'warning', ignoreIcc: true });
  const { channels, format, width, height } = await image.metadata();
  if (channels === 1) image.toColourspace('b-w');
  return { image, format, side: Math.max(width, height) };
}

function within(size: number) {
  return { width: size, height: size, fit: 'inside', withoutEnlargement: true } as const;
}

/** Of images that are written smaller than they were published. The best that is not much larger. */
const QUALITY = 90;

/** Makes images smaller, each in its own format. Several may be under way. */
export interface Resizer {
  readonly how: Resized;
  /** `small`: it is no larger, `undecodable`: it can't be decoded: it stays as it is. */
  readonly resize: (content: Uint8Array) => Promise<Uint8Array | 'small' | 'undecodable'>;
}

/**
 * @param size pixels of the longest side
 * @throws CcxriError `usage`: sharp is not installed
 */
export async function loadResizer(size: number): Promise<Resizer> {
  const sharp = await loadSharp('resized', '--resize');
  const { sharp: version, vips: libvips } = sharp.versions;
  const resize: Resizer['resize'] = async (content) => {
    if (imageFaultOf(content) !== undefined) return 'undecodable';
    try {
      const { image, format, side } = await openImage(sharp, content);
      if (side <= size) return 'small';
      image.resize(within(size));
      if (format === 'png') image.png();
      else if (format === 'jpeg') image.jpeg({ quality: QUALITY });
      else return 'undecodable';
      return await image.toBuffer();
    } catch {
      return 'undecodable';
    }
  };
  return { how: { size, quality: QUALITY, sharp: version, libvips }, resize };
}
