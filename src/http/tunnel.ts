import { request } from 'node:http';
import { type Socket, isIP, isIPv6 } from 'node:net';
import { CcxriError, type ErrorFacts } from '../errors.ts';
import { toPrintable } from '../text.ts';
import type { Proxy } from './proxy.ts';

export interface TunnelEnd {
  readonly host: string;
  readonly port: number;
}

/** The `Proxy-Authorization` of a proxy; undefined: it needs none. */
export function proxyAuthorization({ user, password }: Proxy): string | undefined {
  if (user === '' && password === '') return undefined;
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

/** The proxy has responded, but does not make the connection. */
function proxyRefused(
  { shown, variable }: Proxy,
  reason: string,
  facts: Pick<ErrorFacts, 'status' | 'permanent'> = {},
): CcxriError {
  return new CcxriError('network', `the proxy ${shown} refused the connection: ${reason}`, {
    url: shown,
    ...facts,
    next: [
      {
        kind: 'advice',
        text: `check ${variable} (and the user and password in it), or name the host in NO_PROXY`,
      },
    ],
  });
}

/** @param said by an HTTP proxy, or on its behalf */
export function proxyStatus(proxy: Proxy, status: number, said = ''): CcxriError {
  return proxyRefused(proxy, toPrintable(`status ${status} ${said}`, 80).trim(), {
    status,
    // A proxy that can't reach the server just now (5xx) may be able to later.
    ...(status < 500 ? { permanent: true } : {}),
  });
}

/**
 * Has an HTTP proxy connect a socket with a host.
 * @param socket connected to the proxy; destroyed on failure
 * @throws CcxriError `network`; the error of the socket
 */
export function tunnelByConnect(socket: Socket, proxy: Proxy, to: TunnelEnd): Promise<Socket> {
  const target = `${isIPv6(to.host) ? `[${to.host}]` : to.host}:${to.port}`;
  const authorization = proxyAuthorization(proxy);
  return new Promise((resolve, reject) => {
    const asked = request({
      createConnection: () => socket,
      method: 'CONNECT',
      path: target,
      headers: {
        host: target,
        'proxy-connection': 'keep-alive',
        ...(authorization === undefined ? {} : { 'proxy-authorization': authorization }),
      },
    });
    asked.once('error', (error) => {
      socket.destroy();
      reject(error);
    });
    asked.once('connect', ({ statusCode = 0, statusMessage = '' }, _, early: Buffer) => {
      if (statusCode === 200) {
        if (early.length > 0) socket.unshift(early);
        resolve(socket);
        return;
      }
      socket.destroy();
      reject(proxyStatus(proxy, statusCode, statusMessage));
    });
    asked.end();
  });
}

/** RFC 1928 */
const VERSION = 5;
const NO_AUTHENTICATION = 0;
const USER_AND_PASSWORD = 2;
const REPLIES: Readonly<Record<number, string>> = {
  1: 'general failure',
  2: 'not allowed by its rules',
  3: 'network unreachable',
  4: 'host unreachable',
  5: 'the connection was refused',
  6: 'TTL expired',
  7: 'command not supported',
  8: 'this kind of address is not supported',
};
/** These do not change by waiting. */
const PERMANENT = { permanent: true };
const PERMANENT_REPLIES = new Set([2, 7, 8]);

/**
 * Has a SOCKS5 proxy connect a socket with a host, by its name or address.
 * @param socket connected to the proxy; destroyed on failure
 * @throws CcxriError `network`; the error of the socket
 */
export async function tunnelBySocks(socket: Socket, proxy: Proxy, to: TunnelEnd): Promise<Socket> {
  const reader = new ProxyReader(socket, proxy);
  try {
    await authenticate(socket, proxy, reader);
    const port = Buffer.from([to.port >> 8, to.port & 0xff]);
    socket.write(Buffer.concat([Buffer.from([VERSION, 1, 0]), socksAddress(to.host), port]));
    const [version = 0, reply = 0, , kind = 0] = await reader.take(4);
    if (version !== VERSION) throw notSocks(proxy);
    if (reply !== 0) {
      const reason = `${REPLIES[reply] ?? 'unknown reason'} (SOCKS reply ${reply})`;
      throw proxyRefused(proxy, reason, PERMANENT_REPLIES.has(reply) ? PERMANENT : {});
    }
    // The proxy's own address, which nobody needs.
    const [nameLength = 0] = kind === 3 ? await reader.take(1) : [kind === 4 ? 16 : 4];
    await reader.take(nameLength + 2);
    reader.giveBack();
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

async function authenticate(socket: Socket, proxy: Proxy, reader: ProxyReader): Promise<void> {
  const [user, password] = [Buffer.from(proxy.user), Buffer.from(proxy.password)];
  const hasUser = user.length > 0 && user.length < 256 && password.length < 256;
  const methods = hasUser ? [NO_AUTHENTICATION, USER_AND_PASSWORD] : [NO_AUTHENTICATION];
  socket.write(Buffer.from([VERSION, methods.length, ...methods]));
  const [version = 0, method = 0] = await reader.take(2);
  if (version !== VERSION) throw notSocks(proxy);
  if (method === NO_AUTHENTICATION) return;
  if (method !== USER_AND_PASSWORD || !hasUser) {
    throw proxyRefused(proxy, 'it wants a user and password', PERMANENT);
  }
  // RFC 1929
  socket.write(Buffer.from([1, user.length, ...user, password.length, ...password]));
  const [, status = 1] = await reader.take(2);
  if (status !== 0)
    throw proxyRefused(proxy, 'it does not accept the user and password', PERMANENT);
}

function socksAddress(host: string): Buffer {
  const family = isIP(host);
  if (family === 4) return Buffer.from([1, ...host.split('.').map(Number)]);
  if (family === 6) return Buffer.from([4, ...bytesOfIPv6(host)]);
  const name = Buffer.from(host);
  return Buffer.from([3, name.length, ...name]);
}

/** @param address without a zone */
function bytesOfIPv6(address: string): readonly number[] {
  // A URL has the tail of `::ffff:10.0.0.1` in hexadecimal.
  const { hostname } = new URL(`http://[${address}]/`);
  const [before = '', after] = hostname.slice(1, -1).split('::');
  const wordsOf = (text: string) =>
    text === '' ? [] : text.split(':').map((word) => parseInt(word, 16));
  const [head, tail] = [wordsOf(before), wordsOf(after ?? '')];
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => 0);
  return [...head, ...zeros, ...tail].flatMap((word) => [word >> 8, word & 0xff]);
}

function notSocks(proxy: Proxy): CcxriError {
  return proxyRefused(proxy, 'it does not speak SOCKS5', PERMANENT);
}

/** What a proxy says before the tunnel is made. */
class ProxyReader {
  readonly #socket: Socket;
  readonly #proxy: Proxy;
  #bytes = Buffer.alloc(0);

  constructor(socket: Socket, proxy: Proxy) {
    this.#socket = socket;
    this.#proxy = proxy;
  }

  /** @throws CcxriError `network`: it ends before that; the error of the socket */
  async take(bytes: number): Promise<Buffer> {
    while (this.#bytes.length < bytes) {
      // All that is there: Node would repeat `readable` at once for what is left in it.
      const chunk: unknown = this.#socket.read();
      if (Buffer.isBuffer(chunk)) this.#bytes = Buffer.concat([this.#bytes, chunk]);
      else await this.#change();
    }
    const taken = this.#bytes.subarray(0, bytes);
    this.#bytes = this.#bytes.subarray(bytes);
    return taken;
  }

  /** What came after that belongs to the next reader. */
  giveBack(): void {
    if (this.#bytes.length > 0) this.#socket.unshift(this.#bytes);
  }

  async #change(): Promise<void> {
    const socket = this.#socket;
    if (!socket.readableEnded && !socket.destroyed) {
      await new Promise<void>((resolve) => {
        const events = ['readable', 'end', 'close'] as const;
        const settle = () => {
          for (const event of events) socket.off(event, settle);
          resolve();
        };
        for (const event of events) socket.on(event, settle);
      });
    }
    if (socket.errored !== null) throw socket.errored;
    if (socket.readableEnded || socket.destroyed) {
      throw proxyRefused(this.#proxy, 'it closed the connection');
    }
  }
}
