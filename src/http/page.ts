import { type Clock, systemClock } from '../clock.ts';
import { HttpClient, type HttpClientOptions } from './client.ts';
import { DEFAULT_TIMEOUT_MS } from './retry.ts';
import { assertNotEncoded, toStatusError } from './status.ts';

/** Longer than any page with a table of files. */
const MAX_PAGE_BYTES = 16 * 1024 * 1024;

export interface LoadedPage {
  readonly text: string;
  /** After redirects: what relative links refer to. */
  readonly url: string;
  readonly contentType: string | undefined;
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
    if (answer.status !== 200) throw toStatusError(answer, clock);
    assertNotEncoded(answer);
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const batch of answer.body()) {
      chunks.push(Buffer.from(batch));
      bytes += batch.length;
      if (bytes >= MAX_PAGE_BYTES) break;
    }
    const contentType = answer.header('content-type');
    return {
      text: decodeHtml(Buffer.concat(chunks).subarray(0, MAX_PAGE_BYTES), contentType),
      url: answer.url,
      contentType,
    };
  } finally {
    answer.discard();
  }
}

/** Default timeout 30 s, default clock the system's. */
export type PageLoaderOptions = Omit<HttpClientOptions, 'timeoutMs' | 'clock'> & {
  [Name in 'timeoutMs' | 'clock']?: HttpClientOptions[Name] | undefined;
};

/** A loader that opens a client for each page, for callers that download nothing else. */
export function createPageLoader(options: PageLoaderOptions = {}) {
  const { timeoutMs = DEFAULT_TIMEOUT_MS, clock = systemClock, ...rest } = options;
  return async (url: string, signal?: AbortSignal): Promise<LoadedPage> => {
    const client = new HttpClient({ timeoutMs, clock, ...rest });
    try {
      return await loadPageWith(client, url, { clock, signal });
    } finally {
      await client.close();
    }
  };
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
