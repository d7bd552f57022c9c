import type { Dispatcher, EnvHttpProxyAgent } from 'undici';
import type { Clock } from '../clock.ts';
import { CcxriError } from '../errors.ts';
import { decodeOrKeep, toPrintableUrl } from '../text.ts';
import { type HttpAnswer, RequestDeadline } from './deadline.ts';
import { isBrokenSocket } from './errors.ts';
import { BufferPool, HttpExchange } from './exchange.ts';
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
}

export interface HttpRequest {
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** GET over HTTP, with redirects, proxies and stall detection. */
export class HttpClient {
  readonly #agent: EnvHttpProxyAgent.Options;
  /** Opened by the first request: a run that fetches from a directory needs none. */
  #dispatcher: Promise<Dispatcher> | undefined;
  readonly #options: HttpClientOptions;
  /** Origins that have responded: a connection to them may be a kept-alive one. */
  readonly #knownOrigins = new Set<string>();
  readonly #buffers = new BufferPool();

  /** @throws CcxriError `usage`: a proxy variable is not an address */
  constructor(options: HttpClientOptions) {
    this.#options = options;
    this.#agent = {
      ...toProxyOptions(options.env ?? {}),
      // Squid and others refuse CONNECT for plain http.
      proxyTunnel: false,
      pipelining: 1,
      connect: { timeout: options.timeoutMs },
    };
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
    const dispatcher = await this.#open();
    const exchange = await HttpExchange.send(dispatcher, options, signal, this.#buffers);
    this.#knownOrigins.add(target.origin);
    return exchange;
  }

  #open(): Promise<Dispatcher> {
    return (this.#dispatcher ??= openDispatcher(this.#agent));
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
    const dispatcher = await this.#dispatcher?.catch(() => undefined);
    await dispatcher?.destroy();
  }
}

/**
 * Loads undici, whose HTTP parser needs WebAssembly.
 * @throws CcxriError `usage`: this Node has no WebAssembly
 */
async function openDispatcher(options: EnvHttpProxyAgent.Options): Promise<Dispatcher> {
  if (!('WebAssembly' in globalThis)) {
    throw new CcxriError('usage', 'this Node.js can not speak HTTP: it has no WebAssembly', {
      next: [
        {
          kind: 'advice',
          text: 'run ccxri with a Node.js that has WebAssembly (without --jitless)',
          or: { kind: 'option', option: 'source', purpose: 'that is a directory with the files' },
        },
      ],
    });
  }
  const { EnvHttpProxyAgent } = await import('./undici.ts');
  return new EnvHttpProxyAgent(options);
}

/** HTTP_PROXY, HTTPS_PROXY, NO_PROXY, in either case. */
export type ProxyEnvironment = Readonly<Record<string, string | undefined>>;

const SCHEMES = new Set(['http:', 'https:', 'socks5:', 'socks:']);

/**
 * The proxies of an environment, as options of undici. Every field is set, if only to an empty text:
 * undici would read the real environment for an absent one.
 * @throws CcxriError `usage`: a proxy variable is not an address
 */
export function toProxyOptions(env: ProxyEnvironment): {
  readonly httpProxy: string;
  readonly httpsProxy: string;
  readonly noProxy: string;
} {
  return {
    httpProxy: proxyIn(env, 'HTTP_PROXY'),
    httpsProxy: proxyIn(env, 'HTTPS_PROXY'),
    noProxy: valueIn(env, 'NO_PROXY'),
  };
}

/** The lower-case name first, as curl and wget do. */
function valueIn(env: ProxyEnvironment, name: string): string {
  return (env[name.toLowerCase()] ?? env[name] ?? '').trim();
}

function proxyIn(env: ProxyEnvironment, name: string): string {
  const value = valueIn(env, name);
  if (value === '') return '';
  // curl accepts `proxy.example:3128`, so we do.
  const address = value.includes('://') ? value : `http://${value}`;
  if (URL.canParse(address) && SCHEMES.has(new URL(address).protocol)) return address;
  throw new CcxriError('usage', `${name} is no address of a proxy: ${toPrintableUrl(address)}`, {
    found: toPrintableUrl(address),
    expected: 'an address as http://proxy.example:3128',
    next: [{ kind: 'advice', text: `fix ${name} in the environment, or unset it` }],
  });
}
