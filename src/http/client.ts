import type { Dispatcher } from 'undici';
import type { Clock } from '../clock.ts';
import type { Lookup } from './connect.ts';
import { LineMeter } from './connection-count.ts';
import { Connections, type ConnectionsOptions } from './connections.ts';
import { CookieJar } from './cookies.ts';
import { type HttpAnswer, RequestDeadline } from './deadline.ts';
import { isBrokenSocket } from './errors.ts';
import { BufferPool, HttpExchange } from './exchange.ts';
import { type ProxyEnvironment, toProxySettings } from './proxy.ts';
import { isRedirect, nextHop } from './redirect.ts';
import { type HeaderOptions, RequestHeaders } from './request-headers.ts';

export interface HttpClientOptions extends HeaderOptions {
  /** Default: no proxy. */
  readonly env?: ProxyEnvironment | undefined;
  /**
   * Called once for each host that does not get headers which the user typed, although a request (not
   * only a redirect) leads there.
   */
  readonly onWithheld?: ((host: string, names: readonly string[]) => void) | undefined;
  /** To the first byte of a body, and for the least speed of what follows. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Of host names. Default: the system's. */
  readonly lookup?: Lookup | undefined;
}

export interface HttpRequest {
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** GET over HTTP, with redirects, proxies and stall detection. */
export class HttpClient {
  readonly #connecting: ConnectionsOptions;
  /** Opened by the first request: a run that fetches from a directory needs none. */
  #connections: Promise<Connections> | undefined;
  readonly #options: HttpClientOptions;
  /** Origins that have responded: a connection to them may be a kept-alive one. */
  readonly #knownOrigins = new Set<string>();
  readonly #buffers = new BufferPool();
  readonly #headers: RequestHeaders;
  readonly #cookies = new CookieJar();
  /** Hosts that `onWithheld` knows of. */
  readonly #withheldFrom = new Set<string>();
  /** All that comes through this client. */
  readonly meter: LineMeter;

  /** @throws CcxriError `usage`: a variable names no proxy that can be used */
  constructor(options: HttpClientOptions) {
    this.#options = options;
    this.#headers = new RequestHeaders(options);
    const { env = {}, timeoutMs, clock, lookup } = options;
    this.meter = new LineMeter(clock);
    this.#connecting = { proxies: toProxySettings(env), timeoutMs, clock, lookup };
  }

  /**
   * A status of 400 or more is an answer, not an error.
   * @throws CcxriError `network`, `stalled` or `aborted`; `usage`: this Node has no HTTP parser
   */
  async get(url: string, request: HttpRequest = {}): Promise<HttpAnswer> {
    const { timeoutMs, clock } = this.#options;
    // Loading undici is not the server's time.
    await this.#open();
    const deadline = new RequestDeadline(request.signal, timeoutMs, clock);
    const hops = [new URL(url).href];
    let visited: readonly string[] = [...hops];
    this.#reportWithheld(new URL(url));
    try {
      for (;;) {
        const hop = hops.at(-1) ?? url;
        const exchange = await this.#send(new URL(hop), request.headers ?? {}, deadline.signal);
        const { status, all } = exchange.head;
        const hasNewCookie = this.#cookies.keep(new URL(hop), all('set-cookie'), this.#wallMs());
        if (!isRedirect(status)) return deadline.toAnswer(hop, exchange, this.meter);
        exchange.discard();
        if (hasNewCookie) visited = [];
        // Browsers take the first of several.
        const next = nextHop(hops, all('location')[0], visited);
        visited = [...visited, next];
        hops.push(next);
      }
    } catch (error) {
      deadline.end();
      throw deadline.explain(error, hops.at(-1) ?? url);
    }
  }

  /**
   * A server may close a kept-alive connection just as it is reused. That is not a failure of this
   * request: it is sent once more, over a new connection.
   */
  async #send(
    target: URL,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<HttpExchange> {
    const mayBeReused = this.#knownOrigins.has(target.origin);
    try {
      return await this.#dispatch(target, headers, signal);
    } catch (error) {
      if (!mayBeReused || signal.aborted || !isBrokenSocket(error)) throw error;
      return await this.#dispatch(target, headers, signal);
    }
  }

  async #dispatch(
    target: URL,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<HttpExchange> {
    const options: Dispatcher.DispatchOptions = {
      origin: target.origin,
      path: `${target.pathname}${target.search}`,
      method: 'GET',
      headers: this.#headers.headersFor(
        target,
        headers,
        this.#cookies.cookiesFor(target, this.#wallMs()),
      ),
      // `RequestDeadline` and `StallDetector` replace these.
      headersTimeout: 0,
      bodyTimeout: 0,
    };
    const { dispatcher } = await this.#open();
    const exchange = await HttpExchange.send(dispatcher, options, signal, this.#buffers);
    this.#knownOrigins.add(target.origin);
    return exchange;
  }

  #open(): Promise<Connections> {
    return (this.#connections ??= Connections.open(this.#connecting));
  }

  #reportWithheld(target: URL): void {
    const names = this.#headers.withheldFrom(target);
    if (names.length === 0 || this.#withheldFrom.has(target.host)) return;
    this.#withheldFrom.add(target.host);
    this.#options.onWithheld?.(target.host, names);
  }

  #wallMs(): number {
    return this.#options.clock.date().getTime();
  }

  /** Closes every connection. */
  async close(): Promise<void> {
    // The request that failed to open it has thrown its error.
    const connections = await this.#connections?.catch(() => undefined);
    await connections?.close();
  }
}
