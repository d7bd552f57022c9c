import { networkInterfaces } from 'node:os';
import type { Listening } from '../http-server/listen.ts';

type Bound = Pick<Listening, 'address' | 'port'>;

const ANY = new Set(['0.0.0.0', '::']);

/** Whether this machine alone reaches what listens there. */
export function isLoopbackAddress(address: string): boolean {
  return address === '::1' || /^(?:::ffff:)?127\./i.test(address);
}

/** As this machine reaches it. */
export function urlOf({ address, port }: Bound): string {
  const host = ANY.has(address) ? '127.0.0.1' : address;
  return toUrl(host, port);
}

function toUrl(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}/`;
}

/** By its addresses in the networks that it is in, where it listens on all of them. */
export function urlsForOthers({ address, port }: Bound): readonly string[] {
  if (isLoopbackAddress(address)) return [];
  if (!ANY.has(address)) return [toUrl(address, port)];
  const all = Object.values(networkInterfaces()).flatMap((of) => of ?? []);
  return all
    .filter(({ internal, family }) => !internal && family === 'IPv4')
    .map((each) => toUrl(each.address, port));
}
