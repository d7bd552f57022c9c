import { systemClock, type Clock } from '../clock.ts';
import { lengthOf } from './deadline.ts';
import { decodeHtml } from './decode-html.ts';
import { HttpClient, type HttpClientOptions } from './client.ts';
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
    for await (const batch of answer.batches()) {
      chunks.push(Buffer.concat(batch));
      bytes += lengthOf(batch);
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
export type PageLoaderOptions = Omit<HttpClientOptions, 'timeoutMs' | 'clock'> &
  Partial<Pick<HttpClientOptions, 'timeoutMs' | 'clock'>>;

/** A loader for those who download nothing else: each page over a client of its own. */
export function createPageLoader(options: PageLoaderOptions = {}) {
  const { timeoutMs = 30_000, clock = systemClock, ...rest } = options;
  return async (url: string, signal?: AbortSignal): Promise<LoadedPage> => {
    const client = new HttpClient({ timeoutMs, clock, ...rest });
    try {
      return await loadPageWith(client, url, { clock, signal });
    } finally {
      await client.close();
    }
  };
}
