/** A page may say how it is encoded in its first bytes alone (HTML, 13.2.3.2: the first 1024). */
const PRESCAN_BYTES = 4096;

/**
 * The text of a page: encoded as its byte order mark, its Content-Type or its `<meta>` says, in
 * this order (HTML, 13.2.3); UTF-8 where none does, or none is known here.
 * @param contentType the header, where there is one
 */
export function decodeHtml(bytes: Uint8Array, contentType?: string): string {
  const start = Buffer.from(bytes.subarray(0, PRESCAN_BYTES)).toString('latin1');
  const label = charsetOfMark(start) ?? charsetIn(contentType) ?? charsetOfMeta(start) ?? 'utf-8';
  try {
    return new TextDecoder(label).decode(bytes);
  } catch (error) {
    // An encoding that nobody knows: MD5s and links are ASCII in nearly every one.
    if (error instanceof RangeError) return new TextDecoder().decode(bytes);
    throw error;
  }
}

function charsetOfMark(start: string): string | undefined {
  if (start.startsWith('\xef\xbb\xbf')) return 'utf-8';
  if (start.startsWith('\xff\xfe')) return 'utf-16le';
  return start.startsWith('\xfe\xff') ? 'utf-16be' : undefined;
}

function charsetOfMeta(start: string): string | undefined {
  const label = charsetIn(/<meta\b[^<>]*\bcharset\s*=[^<>]*>/i.exec(start)?.[0]);
  // A `<meta>` that can be read as ASCII can't be UTF-16, whatever it says.
  return label === undefined || /^utf-?16/i.test(label) ? undefined : label;
}

function charsetIn(text: string | undefined): string | undefined {
  return /\bcharset\s*=\s*["']?\s*([\w.:-]+)/i.exec(text ?? '')?.[1];
}
