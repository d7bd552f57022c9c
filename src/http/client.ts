import type { Dispatcher } from 'undici';
import type { Clock } from '../clock.ts';
import type { Lookup } from './connect.ts';
import { LineMeter } from './connection-count.ts';
import { Connections, type ConnectionsOptions } from './connections.ts';
import { CookieJar } from './cookies.ts';
import { type HttpAnswer, RequestDeadline } from './deadline.ts';
import { askingForNetwork, isBrokenSocket, isMalformed } from './errors.ts';
import { BufferPool, HttpExchange } from './exchange.ts';
import { LenientClient } from './lenient.ts';
import {
  type Proxy,
  type ProxyEnvironment,
  proxyFor,
  toProxySettings,
  withProxy,
} from './proxy.ts';
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
  /** Called once for each host that is requested through a proxy. */
  readonly onProxy?: ((host: string, proxy: Proxy) => void) | undefined;
  /**
   * Called once for each host whose HTTP is malformed, and which the lenient client asks from now on.
   * @param withheld names of headers that are not sent to it any more
   */
  readonly onSloppy?: ((host: string, withheld: readonly string[]) => void) | undefined;
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

type Fields = Readonly<Record<string, string>>;

/** One request of several, where redirects lead on. */
interface Hop {
  readonly target: URL;
  /** Headers of this request. */
  readonly own: Fields;
  /** In clear, after an encrypted one: no secret goes along, whatever the host. */
  readonly isDowngraded: boolean;
  /** undefined: the host is reached directly. */
  readonly proxy: Proxy | undefined;
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
  #lenient: LenientClient | undefined;
  /** Hosts whose HTTP only the lenient client understands. */
  readonly #sloppyHosts = new Set<string>();
  /** Hosts that `onProxy` knows of. */
  readonly #proxied = new Set<string>();
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
        const address = hops.at(-1) ?? url;
        const target = new URL(address);
        const isDowngraded = !isEncrypted(address) && hops.some(isEncrypted);
        const proxy = this.#proxyOf(target);
        const hop: Hop = { target, own: request.headers ?? {}, isDowngraded, proxy };
        const exchange = await this.#send(hop, deadline);
        this.#knownOrigins.add(target.origin);
        const { status, all } = exchange.head;
        const hasNewCookie = this.#cookies.keep(target, all('set-cookie'), this.#wallMs());
        if (!isRedirect(status)) {
          const onFailure = (error: unknown) => this.#onBodyFailure(hop, error);
          return deadline.toAnswer(address, exchange, { meter: this.meter, onFailure, proxy });
        }
        exchange.discard();
        if (hasNewCookie) visited = [];
        // Browsers take the first of several.
        const next = nextHop(hops, all('location')[0], visited);
        visited = [...visited, next];
        hops.push(next);
      }
    } catch (error) {
      deadline.end();
      throw this.#explain(deadline, error, hops.at(-1) ?? url);
    }
  }

  #explain(deadline: RequestDeadline, error: unknown, url: string): unknown {
    const explained = withProxy(deadline.explain(error, url), this.#proxyOf(new URL(url)));
    return this.#knownOrigins.size === 0 ? askingForNetwork(explained) : explained;
  }

  #proxyOf(target: URL): Proxy | undefined {
    return proxyFor(target, this.#connecting.proxies);
  }

  /** By undici; where that does not understand the host's HTTP, by the lenient client. */
  async #send(hop: Hop, deadline: RequestDeadline): Promise<HttpExchange> {
    const { target, proxy } = hop;
    this.#reportProxy(hop);
    if (this.#sloppyHosts.has(target.host)) return await this.#sendLeniently(hop, deadline);
    try {
      return await this.#sendOverAny(hop, deadline.signal);
    } catch (error) {
      const mayBeSloppy = isMalformed(error, 'head') && proxy === undefined;
      if (!mayBeSloppy || deadline.signal.aborted) throw error;
      const exchange = await this.#sendLeniently(hop, deadline).catch((again: unknown) => {
        throw deadline.signal.aborted ? again : error;
      });
      this.#rememberSloppy(target);
      return exchange;
    }
  }

  /**
   * A server may close a kept-alive connection just as it is reused. That is not a failure of this
   * request: it is sent once more, over a new connection.
   */
  async #sendOverAny(hop: Hop, signal: AbortSignal): Promise<HttpExchange> {
    const { target, isDowngraded } = hop;
    const mayBeReused = this.#knownOrigins.has(target.origin);
    const { dispatcher } = await this.#open();
    const secrets = isDowngraded ? {} : this.#headers.secretsFor(target);
    const options = this.#toDispatch(hop, secrets);
    const send = () => HttpExchange.send(dispatcher, options, signal, this.#buffers);
    return await send().catch((error: unknown) => {
      if (!mayBeReused || signal.aborted || !isBrokenSocket(error)) throw error;
      return send();
    });
  }

  /** Without credentials, and without the cookies that the host has set because of them. */
  async #sendLeniently(hop: Hop, deadline: RequestDeadline): Promise<HttpExchange> {
    const connections = await this.#open();
    this.#lenient ??= new LenientClient((to) => connections.connect(to));
    deadline.suspend();
    const carrier = this.#lenient.carrier(() => deadline.restart());
    const options = this.#toDispatch(hop, {});
    return await HttpExchange.send(carrier, options, deadline.signal, this.#buffers);
  }

  #toDispatch({ target, own }: Hop, secrets: Fields): Dispatcher.DispatchOptions {
    const isAnonymous = Object.keys(secrets).length < this.#secretNames(target).length;
    const cookies = isAnonymous ? [] : this.#cookies.cookiesFor(target, this.#wallMs());
    return {
      origin: target.origin,
      path: `${target.pathname}${target.search}`,
      method: 'GET',
      headers: this.#headers.headersFor(own, new Map(cookies), secrets),
      // `RequestDeadline` and `StallDetector` replace these.
      headersTimeout: 0,
      bodyTimeout: 0,
    };
  }

  #onBodyFailure({ target, proxy }: Hop, error: unknown): void {
    if (isMalformed(error, 'body') && proxy === undefined) this.#rememberSloppy(target);
  }

  #reportProxy({ target, proxy }: Hop): void {
    if (proxy === undefined || this.#proxied.has(target.host)) return;
    this.#proxied.add(target.host);
    this.#options.onProxy?.(target.host, proxy);
  }

  #rememberSloppy(target: URL): void {
    if (this.#sloppyHosts.has(target.host)) return;
    this.#sloppyHosts.add(target.host);
    this.#options.onSloppy?.(target.host, this.#secretNames(target));
  }

  #secretNames(target: URL): readonly string[] {
    return Object.keys(this.#headers.secretsFor(target));
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

function isEncrypted(url: string): boolean {
  return url.startsWith('https:');
}
