import { loadSharp } from '../dataset/load-sharp.ts';
import { imageFaultOf } from '../fs/image-content.ts';
import { toPrintable } from '../text.ts';
import type { ImageFormat } from './types.ts';

/** What becomes of each image. */
export interface Conversion {
  /** Pixels of the longest side. A smaller image stays as large as it is. undefined: all do. */
  readonly size: number | undefined;
  /** 1 to 100, of jpg and webp; png loses nothing. */
  readonly quality: number;
  readonly format: ImageFormat;
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
      const image = sharp(content, { failOn: 'warning', ignoreIcc: true });
      const { channels } = await image.metadata();
      if (channels === 1) image.toColourspace('b-w');
      if (size !== undefined) {
        image.resize({ width: size, height: size, fit: 'inside', withoutEnlargement: true });
      }
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
