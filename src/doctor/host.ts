import { lookup } from 'node:dns/promises';
import { type Socket, connect, isIP } from 'node:net';
import { type TLSSocket, connect as connectTls } from 'node:tls';
import { CcxriError, errnoOf } from '../errors.ts';
import { toNetworkError } from '../http/errors.ts';
import type { Proxy } from '../http/proxy.ts';
import { tunnelByConnect, tunnelBySocks } from '../http/tunnel.ts';
import { toPrintable } from '../text.ts';
import type { Address, Certificate } from './judge-host.ts';

/** A host with more addresses is one of a CDN: the first of them say enough. */
const MOST_ADDRESSES = 8;
/** Longer than a handshake takes from anywhere. */
const CONNECT_MS = 10_000;

/** Where connections go: the server of a URL, or the proxy in front of it. */
export interface Endpoint {
  /** Without the brackets of an IPv6 address. */
  readonly host: string;
  readonly port: number;
}

/** The host and port that a URL leads to. */
export function endpointOf(url: string): Endpoint {
  const { hostname, port, protocol } = new URL(url);
  const byDefault = protocol === 'https:' ? 443 : protocol === 'http:' ? 80 : 1080;
  return {
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: port === '' ? byDefault : Number(port),
  };
}

/** What a name resolves to, as every request of this process has it: /etc/hosts counts. */
export async function resolveName(host: string): Promise<readonly string[]> {
  try {
    const found = await lookup(host, { all: true, verbatim: true });
    return [...new Set(found.map(({ address }) => address))];
  } catch (error) {
    const code = errnoOf(error);
    if (code === undefined) throw error;
    const { message } = asNetworkError(error, host);
    throw new CcxriError('network', message.replace(/^\S+: /, `${toPrintable(host, 100)}: `), {
      next: [
        {
          kind: 'advice',
          text: 'check the name, the network and its name server',
          or: { kind: 'option', option: 'source' },
        },
      ],
      cause: error,
    });
  }
}

function asNetworkError(error: unknown, host: string): CcxriError {
  const known = toNetworkError(error, `http://${isIP(host) === 6 ? `[${host}]` : host}`);
  if (known instanceof CcxriError) return known;
  return new CcxriError('network', `${host}: no address (${errnoOf(error) ?? 'unknown error'})`);
}

/** Connects to each address, side by side, and says nothing to it. */
export function tryAddresses(
  addresses: readonly string[],
  port: number,
  { nowMs, signal }: { readonly nowMs: () => number; readonly signal: AbortSignal },
): Promise<readonly Address[]> {
  return Promise.all(
    addresses.slice(0, MOST_ADDRESSES).map(async (address) => {
      const startMs = nowMs();
      const family = isIP(address) === 6 ? 6 : 4;
      try {
        const socket = await opened(connect({ host: address, port }), 'connect', signal);
        socket.destroy();
        return { address, family, tookMs: nowMs() - startMs } as const;
      } catch (error) {
        return { address, family, failed: errnoOf(error) ?? 'no answer' } as const;
      }
    }),
  );
}

/** A proxy, and an address of it that takes connections. */
export interface ProxyWay {
  readonly proxy: Proxy;
  readonly address: string;
}

/**
 * The certificate that a server shows, trusted or not.
 * @param way undefined: directly
 */
export async function readCertificate(
  server: Endpoint,
  way: ProxyWay | undefined,
  signal: AbortSignal,
): Promise<Certificate> {
  const { host, port } = server;
  let socket: TLSSocket | undefined;
  try {
    const tunnel = way === undefined ? {} : { socket: await openTunnel(way, server, signal) };
    socket = connectTls({
      host,
      port,
      ...tunnel,
      // What is wrong with it is to be said: no request goes over this connection.
      rejectUnauthorized: false,
      ...(isIP(host) === 0 ? { servername: host } : {}),
    });
    await opened(socket, 'secureConnect', signal);
    return toCertificate(socket);
  } catch (error) {
    throw toNetworkError(error, `https://${isIP(host) === 6 ? `[${host}]` : host}:${port}/`);
  } finally {
    socket?.destroy();
  }
}

function toCertificate(socket: TLSSocket): Certificate {
  const { valid_from: validFrom, valid_to: validTo, issuer } = socket.getPeerCertificate();
  // A code as text, whatever its type says.
  const why: unknown = socket.authorizationError;
  return {
    validFromMs: Date.parse(validFrom),
    validToMs: Date.parse(validTo),
    issuer: toPrintable([issuer.O, issuer.CN].flat().filter(Boolean).join(', '), 80),
    distrust: socket.authorized ? undefined : toPrintable(errnoOf(why) ?? String(why), 60),
  };
}

async function openTunnel(
  { proxy, address }: ProxyWay,
  server: Endpoint,
  signal: AbortSignal,
): Promise<Socket> {
  const socket = connect({ host: address, port: proxy.port });
  await opened(socket, 'connect', signal);
  return proxy.kind === 'socks'
    ? tunnelBySocks(socket, proxy, server)
    : tunnelByConnect(socket, proxy, server);
}

/** Waits for a socket's event, for as long as a connection may take. */
function opened<S extends Socket>(socket: S, event: string, signal: AbortSignal): Promise<S> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => {
      socket.destroy();
      reject(error);
    };
    const late = Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' });
    socket.setTimeout(CONNECT_MS, () => fail(late));
    socket.once('error', fail);
    socket.once(event, () => resolve(socket));
    const onAbort = () => fail(late);
    signal.addEventListener('abort', onAbort, { once: true });
    socket.once('close', () => signal.removeEventListener('abort', onAbort));
    if (signal.aborted) onAbort();
  });
}
