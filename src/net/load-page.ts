import { systemClock } from '../clock.ts';
import { CcxriError } from '../errors.ts';
import { toPrintableUrl } from '../text.ts';
import { HttpClient } from './http-client.ts';

/** Longer than any page with a table of files. */
const MAX_PAGE_BYTES = 16 * 1024 * 1024;

export interface LoadedPage {
  readonly text: string;
  /** After redirects: what relative links refer to. */
  readonly url: string;
  readonly contentType: string | undefined;
}

/** Loads a page whole, for its links; at most 16 MiB of it. */
export async function loadPageWith(
  client: HttpClient,
  url: string,
  signal?: AbortSignal,
): Promise<LoadedPage> {
  const answer = await client.get(url, { headers: { accept: 'text/html, */*' }, signal });
  if (answer.status !== 200) {
    answer.discard();
    const where = toPrintableUrl(answer.url);
    throw new CcxriError('http-status', `${where} answers with status ${answer.status}`, {
      url: where,
      status: answer.status,
    });
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer.chunks()) {
    bytes += chunk.length;
    if (bytes > MAX_PAGE_BYTES) break;
    chunks.push(chunk);
  }
  // MD5s and links are ASCII: a page in GBK reads well enough as UTF-8.
  const text = Buffer.concat(chunks).toString('utf8');
  return { text, url: answer.url, contentType: answer.header('content-type') };
}

export interface PageLoaderOptions {
  /** HTTP_PROXY, HTTPS_PROXY, NO_PROXY, in either case. Default: no proxy. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Sent to the origins of `headerOrigins` alone. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly headerOrigins?: readonly string[];
  /** Default 30,000. */
  readonly timeoutMs?: number;
}

/** A loader for those who download nothing else: each page over a client of its own. */
export function createPageLoader(options: PageLoaderOptions = {}) {
  return async (url: string, signal?: AbortSignal): Promise<LoadedPage> => {
    const client = new HttpClient({ timeoutMs: 30_000, clock: systemClock, ...options });
    try {
      return await loadPageWith(client, url, signal);
    } finally {
      await client.close();
    }
  };
}
