import type { Dispatcher, EnvHttpProxyAgent } from 'undici';
import type { Clock } from '../clock.ts';
import { Attempt, type HttpAnswer } from './deadline.ts';
import { Slabs } from './batches.ts';
import { Exchange } from './exchange.ts';
import { openDispatcher } from './open-dispatcher.ts';
import { isBrokenSocket } from './errors.ts';
import { toProxyOptions, type ProxyEnvironment } from './proxy.ts';
import { ReadBuffers } from './read-buffers.ts';
import { isRedirect, nextHop } from './redirect.ts';

export interface HttpClientOptions {
  /** Default: no proxy. */
  readonly env?: ProxyEnvironment;
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

/** GET over HTTP, with redirects, proxies and our own watch over stalls. */
export class HttpClient {
  readonly #agent: EnvHttpProxyAgent.Options;
  /** Opened with the first request: whoever fetches from a directory needs none. */
  #dispatcher: Promise<Dispatcher> | undefined;
  readonly #memory = { reads: new ReadBuffers(), slabs: new Slabs() };
  readonly #options: HttpClientOptions;
  /** Origins that have answered: a connection to them may be a kept one. */
  readonly #spoken = new Set<string>();

  /** @throws CcxriError `usage`: a proxy variable is no address */
  constructor(options: HttpClientOptions) {
    this.#options = options;
    this.#agent = {
      ...toProxyOptions(options.env ?? {}),
      // Squid and its kin refuse CONNECT for plain http: ask them as proxies are asked.
      proxyTunnel: false,
      pipelining: 1,
    };
  }

  /**
   * @throws CcxriError `network`, `stalled` or `aborted`; `usage`: there is no HTTP in this Node; a
   *   status of 400 and more is an answer
   */
  async get(url: string, request: HttpRequest = {}): Promise<HttpAnswer> {
    const { timeoutMs, clock } = this.#options;
    const attempt = new Attempt(request.signal, timeoutMs, clock);
    const hops = [new URL(url).href];
    try {
      for (;;) {
        const hop = hops.at(-1) ?? url;
        const exchange = await this.#ask(new URL(hop), request.headers ?? {}, attempt);
        const { status, header } = exchange.head;
        if (!isRedirect(status)) return attempt.toAnswer(hop, exchange);
        exchange.discard();
        hops.push(nextHop(hops, header('location')));
      }
    } catch (error) {
      attempt.end();
      throw attempt.explain(error, hops.at(-1) ?? url);
    }
  }

  /**
   * A server may close a kept connection in the very moment in which it is used again. That is no
   * failure of this request: it is asked once more, over a new one.
   */
  async #ask(
    target: URL,
    headers: Readonly<Record<string, string>>,
    attempt: Attempt,
  ): Promise<Exchange> {
    const mayBeKept = this.#spoken.has(target.origin);
    try {
      return await this.#dispatch(target, headers, attempt);
    } catch (error) {
      if (!mayBeKept || attempt.signal.aborted || !isBrokenSocket(error)) throw error;
      return await this.#dispatch(target, headers, attempt);
    }
  }

  async #dispatch(
    target: URL,
    headers: Readonly<Record<string, string>>,
    attempt: Attempt,
  ): Promise<Exchange> {
    const options: Dispatcher.DispatchOptions = {
      origin: target.origin,
      path: `${target.pathname}${target.search}`,
      method: 'GET',
      // Made anew for each hop: nothing secret goes where it was not meant to go.
      headers: { 'accept-encoding': 'identity', ...this.#secretsFor(target), ...headers },
      // Our own deadlines see what these do not (SpeedWatch says why).
      headersTimeout: 0,
      bodyTimeout: 0,
    };
    const { timeoutMs: timeout } = this.#options;
    this.#dispatcher ??= openDispatcher(this.#agent, { timeout }, this.#memory.reads);
    const way = { dispatcher: await this.#dispatcher, ...this.#memory };
    const exchange = await Exchange.ask(way, options, attempt.signal);
    this.#spoken.add(target.origin);
    return exchange;
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
      const pair = `${decode(username)}:${decode(password)}`;
      secrets['authorization'] = `Basic ${Buffer.from(pair).toString('base64')}`;
    }
    return secrets;
  }

  /** Ends every connection. */
  async close(): Promise<void> {
    // One that did not open has told so to whoever asked.
    const dispatcher = await this.#dispatcher?.catch(() => undefined);
    await dispatcher?.destroy();
  }
}

/** A user or password as it was meant: a stray `%` in it stands for itself. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
