import { decodeHtml } from '../http/page.ts';

/** A document in a page that a browser saved as a single file. */
export interface MhtmlDocument {
  readonly html: string;
  /** Where it was. */
  readonly location: string | undefined;
}

interface Part {
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

/** A page, its frames, and what belongs to them. */
const MAX_PARTS = 5000;
const MAX_HEADER_BYTES = 64 * 1024;
/** Of all documents together, decoded. */
const MAX_HTML_BYTES = 16 * 1024 * 1024;

/** Whether a file begins as MHTML does (RFC 2557): a browser's line, or headers of MIME. */
export function isMhtml(bytes: Buffer): boolean {
  const start = bytes.toString('latin1', 0, 4000).replace(/^(?:\xef\xbb\xbf)?\s*/, '');
  return /^[\w-]+:[^\n]*\n/.test(start) && /^(?:From: <?"?Saved by |MIME-Version:)/im.test(start);
}

/**
 * The HTML documents of a page saved as MHTML (.mhtml, .mht), the page itself first: a frame is a part of
 * its own. Images and styles are skipped.
 */
export function readMhtml(bytes: Buffer): readonly MhtmlDocument[] {
  const whole = readPart(bytes);
  const parts = partsOf(whole) ?? [whole];
  const location = whole.headers.get('snapshot-content-location');
  let left = MAX_HTML_BYTES;
  return parts.flatMap(({ headers, body }) => {
    const type = headers.get('content-type') ?? '';
    if (!/^(?:text\/html|application\/xhtml\+xml)\b/i.test(type)) return [];
    const decoded = decodeTransfer(body, headers.get('content-transfer-encoding')).subarray(
      0,
      left,
    );
    left -= decoded.length;
    const html = decodeHtml(decoded, type);
    return { html, location: headers.get('content-location') ?? location };
  });
}

function readPart(bytes: Buffer): Part {
  const text = bytes.toString('latin1', 0, MAX_HEADER_BYTES);
  const lead = /^(?:\xef\xbb\xbf)?\s*/.exec(text)?.[0].length ?? 0;
  const end = /\r?\n\r?\n/.exec(text.slice(lead));
  const headEnd = end === null ? text.length : lead + end.index;
  // A header goes on in lines that begin with white space (RFC 5322, 2.2.3).
  const lines = text
    .slice(lead, headEnd)
    .replace(/\r?\n[ \t]+/g, ' ')
    .split(/\r?\n/);
  const headers = new Map<string, string>();
  for (const line of lines) {
    const [, name = '', value = ''] = /^([\w-]+):\s*(.*?)\s*$/.exec(line) ?? [];
    if (name !== '' && !headers.has(name.toLowerCase())) headers.set(name.toLowerCase(), value);
  }
  return { headers, body: bytes.subarray(headEnd + (end?.[0].length ?? 0)) };
}

/** undefined: it is one part alone. */
function partsOf({ headers, body }: Part): readonly Part[] | undefined {
  const type = headers.get('content-type') ?? '';
  const boundary = /\bboundary\s*=\s*(?:"([^"]*)"|([^\s;]+))/i.exec(type);
  if (!/^multipart\//i.test(type) || boundary === null) return undefined;
  const delimiter = `--${boundary[1] ?? boundary[2] ?? ''}`;
  const parts: Part[] = [];
  let from = lineOf(body, delimiter, 0);
  while (from >= 0 && parts.length < MAX_PARTS) {
    const start = from + delimiter.length;
    // The last delimiter ends in two hyphens.
    if (body.toString('latin1', start, start + 2) === '--') break;
    const next = lineOf(body, delimiter, start);
    const lineEnd = body.indexOf('\n', start) + 1;
    if (lineEnd > 0) parts.push(readPart(body.subarray(lineEnd, next < 0 ? body.length : next)));
    from = next;
  }
  return parts;
}

/** Where the next line begins that starts with a text; -1: nowhere. */
function lineOf(body: Buffer, text: string, from: number): number {
  let at = body.indexOf(text, from, 'latin1');
  while (at > 0 && body[at - 1] !== 0x0a) at = body.indexOf(text, at + 1, 'latin1');
  return at;
}

function decodeTransfer(body: Buffer, encoding = ''): Buffer {
  switch (encoding.toLowerCase()) {
    case 'base64':
      return Buffer.from(body.toString('latin1'), 'base64');
    case 'quoted-printable':
      return decodeQuotedPrintable(body);
    default:
      return body;
  }
}

/** RFC 2045, 6.7: `=` and two digits is a byte, `=` at the end of a line joins it with the next. */
function decodeQuotedPrintable(body: Buffer): Buffer {
  const text = body.toString('latin1').replace(/=[ \t]*\r?\n/g, '');
  const plain = text.replace(/=([0-9a-f]{2})/gi, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
  return Buffer.from(plain, 'latin1');
}
