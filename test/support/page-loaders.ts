import { systemClock } from '../../src/clock.ts';
import { HttpClient, type HttpClientOptions } from '../../src/http/client.ts';
import { type LoadedPage, loadPageWith, loadStartWith } from '../../src/http/page.ts';
import { DEFAULT_TIMEOUT_MS } from '../../src/http/retry-policy.ts';

/** Default timeout 30 s, default clock the system's. */
type PageLoaderOptions = Omit<HttpClientOptions, 'timeoutMs' | 'clock'> & {
  [Name in 'timeoutMs' | 'clock']?: HttpClientOptions[Name] | undefined;
};

/** A loader that opens a client for each page, and closes it. */
export function createPageLoader(options: PageLoaderOptions = {}) {
  const { clock = systemClock } = options;
  return (url: string, signal?: AbortSignal): Promise<LoadedPage> =>
    withClient(options, (client) => loadPageWith(client, url, { clock, signal }));
}

/** As `createPageLoader`, for the first bytes at a URL. */
export function createStartLoader(options: PageLoaderOptions = {}) {
  return (url: string, signal?: AbortSignal): Promise<Buffer | undefined> =>
    withClient(options, (client) => loadStartWith(client, url, signal));
}

async function withClient<T>(
  { timeoutMs = DEFAULT_TIMEOUT_MS, clock = systemClock, ...rest }: PageLoaderOptions,
  use: (client: HttpClient) => Promise<T>,
): Promise<T> {
  const client = new HttpClient({ timeoutMs, clock, ...rest });
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}
