import sharp from 'sharp';
import type { GrayImage } from './gray-image.ts';

export interface JpegOptions {
  /** 1 to 100. Default 85. */
  readonly quality?: number | undefined;
  /** ASCII text carried as a comment (COM). Default: none. */
  readonly comment?: string | undefined;
}

/** Encodes a picture as a baseline JPEG of one component. */
export async function encodeJpeg(image: GrayImage, options: JpegOptions = {}): Promise<Buffer> {
  const { width, height, pixels } = image;
  const { quality = 85, comment } = options;
  const jpeg = await sharp(pixels, { raw: { width, height, channels: 1 } })
    .toColourspace('b-w')
    .jpeg({ quality })
    .toBuffer();
  return comment === undefined ? jpeg : withComment(jpeg, comment);
}

/** The same picture with a comment behind its JFIF header: other bytes at no cost. */
export function withComment(jpeg: Buffer, comment: string): Buffer {
  const at = 2 + 2 + jpeg.readUInt16BE(4);
  const text = Buffer.from(comment, 'latin1');
  const header = Buffer.from([0xff, 0xfe, 0, 0]);
  header.writeUInt16BE(text.length + 2, 2);
  return Buffer.concat([jpeg.subarray(0, at), header, text, jpeg.subarray(at)]);
}
