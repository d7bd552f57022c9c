/**
 * `empty`: not one byte; `cut`: it begins as a JPEG or PNG, and its end is missing; `not-an-image`: it
 * is neither, a web page or text for instance.
 */
export type ImageFault = 'empty' | 'cut' | 'not-an-image';

/** Whether a file of this name is a picture that can be judged by its first and last bytes. */
export function isPicture(name: string): boolean {
  return /\.(?:jpe?g|png)$/i.test(name);
}

interface Format {
  readonly start: Buffer;
  readonly end: Buffer;
}

const FORMATS: readonly Format[] = [
  // ITU T.81, B.1.1.3: SOI and the first byte of the next marker; EOI.
  { start: Buffer.from('ffd8ff', 'hex'), end: Buffer.from('ffd9', 'hex') },
  // PNG 5.2 and 11.2.5: the signature; the chunk IEND, which is always the same.
  { start: Buffer.from('89504e470d0a1a0a', 'hex'), end: Buffer.from('49454e44ae426082', 'hex') },
];
const HEAD_BYTES = 8;
/** Of the end: as much padding as a file system's block has. */
const TAIL_BYTES = 4096;
/** Some devices write a few bytes of their own behind the picture. */
const NEAR_BYTES = 256;

/** What is wrong with a picture at first sight; undefined: nothing. It is not decoded. */
export function imageFaultOf(content: Uint8Array): ImageFault | undefined {
  if (content.length === 0) return 'empty';
  const head = Buffer.from(
    content.buffer,
    content.byteOffset,
    Math.min(content.length, HEAD_BYTES),
  );
  const format = FORMATS.find(({ start }) => start.equals(head.subarray(0, start.length)));
  if (format === undefined) return 'not-an-image';
  const tail = withoutPadding(content.subarray(-TAIL_BYTES)).subarray(-NEAR_BYTES);
  return Buffer.from(tail).includes(format.end) ? undefined : 'cut';
}

/** Zeros, blanks and line ends behind a picture do no harm. */
function withoutPadding(tail: Uint8Array): Uint8Array {
  let end = tail.length;
  while (end > 0 && PADDING.has(tail[end - 1] ?? -1)) end -= 1;
  return tail.subarray(0, end);
}

const PADDING: ReadonlySet<number> = new Set([0x00, 0x0a, 0x0d, 0x20]);

/** The same for a picture that comes in pieces: of all its bytes the first and the last are kept. */
export class ImageCheck {
  #bytes = 0;
  #head: Buffer = Buffer.alloc(0);
  #tail: Buffer = Buffer.alloc(0);

  add(piece: Uint8Array): void {
    this.#bytes += piece.length;
    if (this.#head.length < HEAD_BYTES) {
      this.#head = Buffer.concat([this.#head, piece.subarray(0, HEAD_BYTES - this.#head.length)]);
    }
    // Copied: the caller may use its buffer again.
    this.#tail = Buffer.concat([this.#tail, piece.subarray(-TAIL_BYTES)]).subarray(-TAIL_BYTES);
  }

  /** After the last piece. */
  get fault(): ImageFault | undefined {
    // A short one is all tail, and its head must not count twice.
    const isShort = this.#bytes <= TAIL_BYTES;
    return imageFaultOf(isShort ? this.#tail : Buffer.concat([this.#head, this.#tail]));
  }
}
