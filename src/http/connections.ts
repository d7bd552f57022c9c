import { MAX_HEAD_BYTES } from './repair-head.ts';
import { type Socket, isIP, isIPv6 } from 'node:net';
import type { Dispatcher, buildConnector } from 'undici';
import type { Clock } from '../clock.ts';
import { CcxriError, toLimitError, withDetails } from '../errors.ts';
import { type Attempt, Dialer, type Lookup, untilAborted } from './connect.ts';
import { toNetworkError } from './errors.ts';
import { PausedRequests } from './paused.ts';
import { type Proxy, type ProxySettings, proxyFor } from './proxy.ts';
import { proxyAuthorization, proxyStatus, tunnelByConnect, tunnelBySocks } from './tunnel.ts';

export interface ConnectionsOptions {
  readonly proxies: ProxySettings;
  /** For a connection as a whole: lookup, all addresses, proxy, TLS. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Default: the system's. */
  readonly lookup?: Lookup | undefined;
}

interface Target {
  readonly host: string;
  readonly port: number;
}

/** All connections of a client: direct ones and those over proxies, with undici's pools over them. */
export class Connections {
  readonly dispatcher: Dispatcher;
  readonly #options: ConnectionsOptions;
  readonly #secure: buildConnector.connector;
  readonly #paused = new PausedRequests();
  readonly #dialer: Dialer;
  /** For names that are looked up here, and connected by a SOCKS proxy. */
  readonly #overSocks: Dialer;
  /** Those that are not made yet. */
  readonly #attempts = new Set<AbortController>();
  #openSockets = 0;

  private constructor(options: ConnectionsOptions, undici: typeof import('./undici.ts')) {
    this.#options = options;
    this.#dialer = new Dialer(options);
    this.#overSocks = new Dialer(options);
    this.#secure = undici.buildConnector({ timeout: options.timeoutMs });
    const agent = new undici.Agent({
      pipelining: 1,
      maxHeaderSize: MAX_HEAD_BYTES,
      connect: (to, callback) => {
        this.connect(to).then(
          (socket) => {
            this.#paused.watch(socket);
            callback(null, socket);
          },
          (error: unknown) =>
            callback(error instanceof Error ? error : new Error(String(error)), null),
        );
      },
    });
    this.dispatcher = agent.compose((dispatch) => (request, handler) => {
      const forwarded = this.#forward(request, handler);
      return dispatch(forwarded.request, this.#paused.follow(forwarded.handler));
    });
  }

  /**
   * Loads undici, whose HTTP parser needs WebAssembly.
   * @throws CcxriError `usage`: this Node has no WebAssembly
   */
  static async open(options: ConnectionsOptions): Promise<Connections> {
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
    return new Connections(options, await import('./undici.ts'));
  }

  /** Closes every connection, and ends those that are being made. */
  async close(): Promise<void> {
    for (const attempt of this.#attempts) attempt.abort(new Error('the client was closed'));
    await this.dispatcher.destroy();
  }

  /** @throws errors of undici and the system; CcxriError `network`: of a proxy */
  async connect(to: buildConnector.Options): Promise<Socket> {
    const attempt = new AbortController();
    this.#attempts.add(attempt);
    const timer = setTimeout(() => {
      attempt.abort(Object.assign(new Error('connecting timed out'), { code: 'ETIMEDOUT' }));
    }, this.#options.timeoutMs);
    try {
      const socket = await this.#open(to, attempt.signal);
      this.#openSockets += 1;
      return socket.once('close', () => (this.#openSockets -= 1));
    } catch (error) {
      // With fewer connections it can go on, with none it can't.
      throw this.#openSockets === 0 ? toLimitError(error, 'could not connect: ') : error;
    } finally {
      clearTimeout(timer);
      this.#attempts.delete(attempt);
    }
  }

  async #open(to: buildConnector.Options, signal: AbortSignal): Promise<Socket> {
    const { protocol, hostname } = to;
    const isSecure = protocol === 'https:';
    const target = { host: hostname, port: Number(to.port) || (isSecure ? 443 : 80) };
    const url = new URL(`${protocol}//${authorityOf(target)}`);
    const proxy = proxyFor(url, this.#options.proxies);
    if (proxy === undefined) {
      const socket = await this.#dialer.connect(target, signal);
      return isSecure ? await this.#overTls(socket, to, signal) : socket;
    }
    if (proxy.kind !== 'socks' && url.origin === new URL(originOf(proxy)).origin) {
      return await this.#toProxy(proxy, signal);
    }
    const socket = await this.#tunnel(proxy, target, signal);
    return isSecure ? await this.#overTls(socket, to, signal) : socket;
  }

  async #tunnel(proxy: Proxy, target: Target, signal: AbortSignal): Promise<Socket> {
    const through: Attempt = async (host, attemptSignal) => {
      const socket = await this.#toProxy(proxy, attemptSignal);
      const tunnel = proxy.kind === 'socks' ? tunnelBySocks : tunnelByConnect;
      const connected = tunnel(socket, proxy, { ...target, host });
      return await bound(socket, attemptSignal, connected).catch((error: unknown) => {
        throw attemptSignal.aborted ? error : toProxyError(proxy, error);
      });
    };
    if (proxy.resolvesNames) return await through(target.host, signal);
    return await this.#overSocks.connect(target, signal, through);
  }

  async #toProxy(proxy: Proxy, signal: AbortSignal): Promise<Socket> {
    const { host, port } = proxy;
    try {
      const socket = await this.#dialer.connect({ host, port }, signal);
      if (proxy.kind !== 'https') return socket;
      const to = { protocol: 'https:', hostname: host, host, port: String(port) };
      const named = isIP(host) === 0 ? { ...to, servername: host } : to;
      return await this.#overTls(socket, named, signal);
    } catch (error) {
      signal.throwIfAborted();
      throw toProxyError(proxy, error);
    }
  }

  #overTls(socket: Socket, to: buildConnector.Options, signal: AbortSignal): Promise<Socket> {
    const secured = new Promise<Socket>((resolve, reject) => {
      this.#secure({ ...to, httpSocket: socket }, (error, secure) => {
        if (error !== null) reject(error);
        else resolve(secure);
      });
    });
    return bound(socket, signal, secured);
  }

  /** Plain http goes to an HTTP proxy as it is: Squid and others refuse CONNECT for it. */
  #forward(
    request: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler,
  ): {
    readonly request: Dispatcher.DispatchOptions;
    readonly handler: Dispatcher.DispatchHandler;
  } {
    const url = new URL(request.path, request.origin);
    const proxy = proxyFor(url, this.#options.proxies);
    if (proxy === undefined || url.protocol !== 'http:' || proxy.kind === 'socks') {
      return { request, handler };
    }
    const authorization = proxyAuthorization(proxy);
    const headers = {
      host: url.host,
      ...(authorization === undefined ? {} : { 'proxy-authorization': authorization }),
      ...Object.fromEntries(Object.entries(request.headers ?? {})),
    };
    const path = `${url.origin}${request.path}`;
    return {
      request: { ...request, origin: originOf(proxy), path, headers },
      handler: refusing407(handler, proxy),
    };
  }
}

/** 407 is the proxy's own, and no answer of the server. */
function refusing407(
  handler: Dispatcher.DispatchHandler,
  proxy: Proxy,
): Dispatcher.DispatchHandler {
  return {
    ...handler,
    onResponseStart: (controller, status, ...more) => {
      if (status === 407) controller.abort(proxyStatus(proxy, status));
      else handler.onResponseStart?.(controller, status, ...more);
    },
  };
}

function authorityOf({ host, port }: Target): string {
  return `${isIPv6(host) ? `[${host}]` : host}:${port}`;
}

function originOf(proxy: Proxy): string {
  return `${proxy.kind}://${authorityOf(proxy)}`;
}

/** Waits for work on a socket, which ends with the signal. */
async function bound(socket: Socket, signal: AbortSignal, work: Promise<Socket>): Promise<Socket> {
  try {
    return await untilAborted(work, signal);
  } catch (error) {
    socket.on('error', () => undefined).destroy();
    throw error;
  }
}

function toProxyError(proxy: Proxy, error: unknown): unknown {
  const { shown, variable } = proxy;
  const failure = toNetworkError(error, shown);
  // What the proxy itself has said names it already.
  if (!(failure instanceof CcxriError) || failure === error) return failure;
  return withDetails(failure, {
    message: `failed at the proxy: ${failure.message}`,
    next: [
      ...failure.next,
      { kind: 'advice', text: `check ${variable}, or name the host in NO_PROXY` },
    ],
  });
}
