import { EnvHttpProxyAgent, type Dispatcher } from 'undici';
import { toAbortError } from '../abort.ts';
import type { Clock } from '../clock.ts';
import { CcxriError } from '../errors.ts';
import { toPrintableUrl } from '../text.ts';
import { toNetworkError } from './network-error.ts';
import { isRedirect, nextHop } from './redirect.ts';
import { SpeedWatch } from './speed-watch.ts';

export interface HttpClientOptions {
  /** HTTP_PROXY, HTTPS_PROXY, NO_PROXY, in either case. Default: no proxy. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Sent to `headerOrigins` alone, never across a redirect to another origin. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly headerOrigins?: readonly string[];
  /** To the first byte of a body, and for the least speed of what follows. */
  readonly timeoutMs: number;
  readonly clock: Clock;
}

export interface HttpRequest {
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

/** An answer whose headers are here; the body must be read or discarded. */
export interface HttpAnswer {
  readonly status: number;
  /** After redirects. */
  readonly url: string;
  header(name: string): string | undefined;
  /**
   * The body, once. Leaving the loop early drops the connection.
   * @throws CcxriError `network`, `stalled`, `aborted`
   */
  chunks(): AsyncGenerator<Buffer, void, undefined>;
  /** Drops the connection where the body is not wanted. */
  discard(): void;
}

/** GET over HTTP, with redirects, proxies and our own watch over stalls. */
export class HttpClient {
  readonly #dispatcher: Dispatcher;
  readonly #options: HttpClientOptions;

  constructor(options: HttpClientOptions) {
    this.#options = options;
    const env = options.env ?? {};
    // undici reads the real environment where an option is absent: give every one.
    this.#dispatcher = new EnvHttpProxyAgent({
      httpProxy: env['http_proxy'] ?? env['HTTP_PROXY'] ?? '',
      httpsProxy: env['https_proxy'] ?? env['HTTPS_PROXY'] ?? '',
      noProxy: env['no_proxy'] ?? env['NO_PROXY'] ?? '',
      // Squid and its kin refuse CONNECT for plain http: ask them as proxies are asked.
      proxyTunnel: false,
      pipelining: 1,
      // Our own deadlines see what these do not (SpeedWatch says why).
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: { timeout: options.timeoutMs },
    });
  }

  /**
   * @throws CcxriError `network`, `stalled` or `aborted`; a status of 400 and more is an answer
   */
  async get(url: string, request: HttpRequest = {}): Promise<HttpAnswer> {
    const attempt = new Attempt(request.signal, this.#options);
    try {
      const hops = [url];
      for (;;) {
        const hop = hops.at(-1) ?? url;
        const response = await this.#dispatch(hop, request.headers ?? {}, attempt);
        if (!isRedirect(response.statusCode)) return attempt.toAnswer(hop, response);
        response.body.on('error', () => undefined).destroy();
        hops.push(nextHop(hops, headerOf(response, 'location')));
      }
    } catch (error) {
      attempt.end();
      throw attempt.explain(error, url);
    }
  }

  async #dispatch(
    url: string,
    headers: Readonly<Record<string, string>>,
    attempt: Attempt,
  ): Promise<Dispatcher.ResponseData> {
    const target = new URL(url);
    return this.#dispatcher.request({
      origin: target.origin,
      path: `${target.pathname}${target.search}`,
      method: 'GET',
      // Made anew for each hop: nothing secret goes where it was not meant to go.
      headers: { 'accept-encoding': 'identity', ...this.#secretsFor(target), ...headers },
      signal: attempt.signal,
    });
  }

  #secretsFor(target: URL): Readonly<Record<string, string>> {
    const secrets: Record<string, string> = {};
    for (const typed of this.#options.headerOrigins ?? []) {
      if (!URL.canParse(typed)) continue;
      const { origin, username, password } = new URL(typed);
      if (origin !== target.origin) continue;
      Object.assign(secrets, this.#options.headers);
      if (username === '' && password === '') continue;
      const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
      secrets['authorization'] = `Basic ${Buffer.from(pair).toString('base64')}`;
    }
    return secrets;
  }

  /** Ends every connection. */
  async close(): Promise<void> {
    await this.#dispatcher.destroy();
  }
}

function headerOf(response: Dispatcher.ResponseData, name: string): string | undefined {
  const value = response.headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

/** One request with its deadlines: ends with its body, on a stall, or when the run is stopped. */
class Attempt {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal | undefined;
  readonly #options: HttpClientOptions;
  #timer: NodeJS.Timeout;
  readonly #onOuterAbort = () => {
    this.#controller.abort();
  };

  constructor(outer: AbortSignal | undefined, options: HttpClientOptions) {
    this.#outer = outer;
    this.#options = options;
    this.#timer = this.#startDeadline();
    outer?.addEventListener('abort', this.#onOuterAbort, { once: true });
    if (outer?.aborted === true) this.#onOuterAbort();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  #startDeadline(): NodeJS.Timeout {
    return setTimeout(() => {
      this.#controller.abort(STALLED);
    }, this.#options.timeoutMs);
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener('abort', this.#onOuterAbort);
  }

  explain(error: unknown, url: string): unknown {
    if (this.#outer?.aborted === true) return toAbortError(this.#outer);
    if (this.signal.reason === STALLED || error === STALLED) {
      const seconds = this.#options.timeoutMs / 1000;
      return new CcxriError(
        'stalled',
        `${toPrintableUrl(url)}: nothing, or next to nothing, came for ${seconds} s`,
        { url: toPrintableUrl(url), hint: 'on a slow line give it more time: --timeout 120' },
      );
    }
    return toNetworkError(error, url);
  }

  toAnswer(url: string, response: Dispatcher.ResponseData): HttpAnswer {
    // A body that breaks before anybody reads it must not bring the process down.
    response.body.on('error', () => undefined);
    return {
      status: response.statusCode,
      url,
      header: (name) => headerOf(response, name),
      chunks: () => this.#read(url, response.body),
      discard: () => {
        this.end();
        response.body.destroy();
      },
    };
  }

  async *#read(url: string, body: Dispatcher.ResponseData['body']): AsyncGenerator<Buffer> {
    const watch = new SpeedWatch(this.#options.timeoutMs, this.#options.clock);
    try {
      const iterator: AsyncIterator<Buffer> = body[Symbol.asyncIterator]();
      for (;;) {
        watch.startWaiting();
        clearTimeout(this.#timer);
        this.#timer = this.#startDeadline();
        const next = await iterator.next();
        if (next.done === true) return;
        // The time in which the caller writes is not the server's: the deadline rests.
        clearTimeout(this.#timer);
        if (watch.received(next.value.length)) throw STALLED;
        yield next.value;
      }
    } catch (error) {
      throw this.explain(error, url);
    } finally {
      this.end();
      body.destroy();
    }
  }
}

/** The reason of an abort by the deadline or the watch over the speed. */
const STALLED = new Error('stalled');
