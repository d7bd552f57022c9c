import type { Dispatcher, EnvHttpProxyAgent, buildConnector } from 'undici';
import type { Clock } from '../clock.ts';
import { CcxriError } from '../errors.ts';
import { toPrintableUrl } from '../text.ts';
import { Attempt, type HttpAnswer } from './deadline.ts';
import { isBrokenSocket } from './errors.ts';
import { Exchange, Slabs } from './exchange.ts';
import { ReadBuffers } from './read-buffers.ts';
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

/**
 * Loads undici, and makes what sends requests. Its parser of HTTP is WebAssembly: to load it is a
 * failure where there is none.
 * @throws CcxriError `usage`: this Node has no WebAssembly
 */
async function openDispatcher(
  options: EnvHttpProxyAgent.Options,
  connect: buildConnector.BuildOptions,
  reads: ReadBuffers,
): Promise<Dispatcher> {
  if (!('WebAssembly' in globalThis)) {
    throw new CcxriError('usage', 'this Node.js can not speak HTTP: it has no WebAssembly', {
      hint: 'run ccxri with a Node.js that has WebAssembly (without --jitless), or give it a directory that holds the files: --source DIR',
    });
  }
  const undici = await import('./undici.ts');
  const connector = reads.connector(undici.buildConnector, connect);
  return new undici.EnvHttpProxyAgent({ ...options, connect: connector });
}

/** HTTP_PROXY, HTTPS_PROXY, NO_PROXY, in either case. */
export type ProxyEnvironment = Readonly<Record<string, string | undefined>>;

const SCHEMES = new Set(['http:', 'https:', 'socks5:', 'socks:']);

/**
 * The proxies that an environment names, as undici takes them. Every field is there, if empty:
 * undici asks the real environment where one is absent.
 * @throws CcxriError `usage`: a proxy that is no address
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
  // `proxy.example:3128`, as curl takes it.
  const address = value.includes('://') ? value : `http://${value}`;
  if (URL.canParse(address) && SCHEMES.has(new URL(address).protocol)) return address;
  throw new CcxriError('usage', `${name} is no address of a proxy: ${toPrintableUrl(address)}`, {
    found: toPrintableUrl(address),
    expected: 'an address as http://proxy.example:3128',
    hint: `mend ${name} in the environment, or unset it`,
  });
}
