import type { Dispatcher } from 'undici';
import type { Clock } from '../clock.ts';
import { decodeOrKeep } from '../text.ts';
import type { Lookup } from './connect.ts';
import { Connections, type ConnectionsOptions } from './connections.ts';
import { type HttpAnswer, RequestDeadline } from './deadline.ts';
import { isBrokenSocket } from './errors.ts';
import { BufferPool, HttpExchange } from './exchange.ts';
import { type ProxyEnvironment, toProxySettings } from './proxy.ts';
import { isRedirect, nextHop } from './redirect.ts';

export interface HttpClientOptions {
  /** Default: no proxy. */
  readonly env?: ProxyEnvironment | undefined;
  /** Sent to `headerOrigins` alone, never across a redirect to another origin. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly headerOrigins?: readonly string[] | undefined;
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

  /** @throws CcxriError `usage`: a variable names no proxy that can be used */
  constructor(options: HttpClientOptions) {
    this.#options = options;
    const { env = {}, timeoutMs, clock, lookup } = options;
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
    try {
      for (;;) {
        const hop = hops.at(-1) ?? url;
        const exchange = await this.#send(new URL(hop), request.headers ?? {}, deadline.signal);
        const { status, header } = exchange.head;
        if (!isRedirect(status)) return deadline.toAnswer(hop, exchange);
        exchange.discard();
        hops.push(nextHop(hops, header('location')));
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
      // Built for each hop: credentials are sent only to the origins they were given for.
      headers: { 'accept-encoding': 'identity', ...this.#secretsFor(target), ...headers },
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

  #secretsFor(target: URL): Readonly<Record<string, string>> {
    const secrets: Record<string, string> = {};
    for (const typed of this.#options.headerOrigins ?? []) {
      if (!URL.canParse(typed)) continue;
      const { origin, username, password } = new URL(typed);
      if (origin !== target.origin) continue;
      for (const [name, value] of Object.entries(this.#options.headers ?? {})) {
        secrets[name.toLowerCase()] = value;
      }
      if (username === '' && password === '') continue;
      const pair = `${decodeOrKeep(username)}:${decodeOrKeep(password)}`;
      secrets['authorization'] = `Basic ${Buffer.from(pair).toString('base64')}`;
    }
    return secrets;
  }

  /** Closes every connection. */
  async close(): Promise<void> {
    // The request that failed to open it has thrown its error.
    const connections = await this.#connections?.catch(() => undefined);
    await connections?.close();
  }
}
