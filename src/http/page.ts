import { Readable } from 'node:stream';
import type { Clock } from '../clock.ts';
import type { CcxriError } from '../errors.ts';
import { toPrintableUrl } from '../text.ts';
import type { HttpClient } from './client.ts';
import type { HttpAnswer } from './deadline.ts';
import { codingsOf, decodeBody, isGzipStart } from './encoding.ts';
import { toStatusError } from './status.ts';
import { type Wall, wallOf } from './walls.ts';

/** Longer than any page with a table of files. */
const MAX_PAGE_BYTES = 16 * 1024 * 1024;

/** What a wall shows itself by. */
const WALL_BYTES = 4096;
/** Also a page that a proxy has changed (203), and one given as a range that nobody asked for. */
const SUCCESS: readonly number[] = [200, 203, 206];

export interface LoadedPage {
  readonly text: string;
  /** After redirects: what relative links refer to. */
  readonly url: string;
  readonly contentType: string | undefined;
  /** What it is, if it has no links: a server's way to keep programs out. Absent where it shows none. */
  readonly wall?: Wall | undefined;
  /**
   * The error of its status, where that says that there is no page. Absent where it does not. A browser
   * shows the body all the same, and it may be the page.
   */
  readonly refusal?: CcxriError | undefined;
}

/**
 * Loads a page whole, for its links; at most 16 MiB of it.
 * @throws CcxriError `http-status`, `network`, `stalled`, `aborted`
 */
export async function loadPageWith(
  client: HttpClient,
  url: string,
  { clock, signal }: { readonly clock: Clock; readonly signal?: AbortSignal | undefined },
): Promise<LoadedPage> {
  const answer = await client.get(url, { headers: { accept: 'text/html, */*' }, signal });
  try {
    const { status, header } = answer;
    const contentType = header('content-type');
    const bytes = await readDecoded(answer);
    const start = bytes.subarray(0, WALL_BYTES);
    const text = decodeHtml(bytes, contentType);
    const page = { text, url: answer.url, contentType };
    if (SUCCESS.includes(status)) return { ...page, wall: wallOf({ status, header, start }) };
    const refusal = toStatusError(answer, clock, start);
    if (!/[0-9a-f]{32}/i.test(text)) throw refusal;
    return { ...page, refusal };
  } finally {
    answer.discard();
  }
}

/** Plain bytes, however they were sent: what they begin with counts more than what the header names. */
async function readDecoded(answer: HttpAnswer): Promise<Buffer> {
  const bytes = await readUpTo(answer.body(), MAX_PAGE_BYTES);
  const isGzip = isGzipStart(bytes);
  const named = codingsOf(answer.header('content-encoding'));
  const isWrong =
    /^\s*</.test(bytes.toString('latin1', 0, 64)) || (named.at(-1) === 'gzip' && !isGzip);
  const codings = isWrong ? [] : named.length === 0 && isGzip ? (['gzip'] as const) : named;
  if (codings.length === 0) return bytes;
  return readUpTo(
    decodeBody(Readable.from([bytes]), codings, toPrintableUrl(answer.url)),
    MAX_PAGE_BYTES,
  );
}

/** What the first bytes of a file are enough for: to recognize a zip, or the header of a table. */
const START_BYTES = 256;

/** These say that there is no file, with or without a range. */
const ABSENT: readonly number[] = [401, 404, 410];

/**
 * The first bytes at a URL, up to 256; undefined: it has none to give. A server may refuse the ranged
 * request alone: then the whole is asked for, and the connection dropped behind the first bytes.
 * @throws CcxriError `network`, `stalled`, `aborted`
 */
export async function loadStartWith(
  client: HttpClient,
  url: string,
  signal?: AbortSignal,
): Promise<Buffer | undefined> {
  for (const headers of [{ range: `bytes=0-${START_BYTES - 1}` }, {}]) {
    const answer = await client.get(url, { headers, signal });
    try {
      if (ABSENT.includes(answer.status)) return undefined;
      if (answer.status !== 200 && answer.status !== 206) continue;
      return await readUpTo(answer.body(), START_BYTES);
    } finally {
      answer.discard();
    }
  }
  return undefined;
}

async function readUpTo(body: AsyncIterable<Buffer>, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const batch of body) {
    chunks.push(Buffer.from(batch));
    bytes += batch.length;
    if (bytes >= limit) break;
  }
  return Buffer.concat(chunks).subarray(0, limit);
}

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
    // An unknown encoding: MD5s and links are ASCII in nearly every one.
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
