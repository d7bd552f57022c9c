import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import type { ManifestFile } from '../manifest/manifest.ts';
import { decodeOrKeep } from '../text.ts';

/** What a request is, by its head alone. */
export type Route =
  | { readonly kind: 'page' }
  | { readonly kind: 'file'; readonly file: ManifestFile }
  | { readonly kind: 'refused'; readonly status: 400 | 404 | 405 | 421; readonly why: string };

/** The head of a request. */
export interface RequestHead {
  readonly method?: string | undefined;
  /** The target of the request line. */
  readonly url?: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly httpVersion: string;
}

interface Served {
  /** By path, with its first `/`. */
  readonly files: ReadonlyMap<string, ManifestFile>;
  /** Nobody but this machine can connect. */
  readonly isLoopback: boolean;
}

/**
 * What a request asks for. Paths are looked up and never joined to a directory, so that none leads anywhere
 * else. On loopback, a page of the web must not read the dataset by a name that it points to this machine
 * (DNS rebinding): the host has to be an address, or localhost.
 */
export function routeOf(head: RequestHead, { files, isLoopback }: Served): Route {
  const { method, headers, url = '', httpVersion } = head;
  if (method !== 'GET' && method !== 'HEAD') return refused(405, 'only GET and HEAD are answered');
  const target = /^(?:https?:\/\/([^/?#]*))?(\/[^?#]*)?(?:\?[^#]*)?$/i.exec(url);
  if (target === null) return refused(400, 'this is no path');
  const host = target[1] ?? headers.host;
  if (host === undefined && httpVersion !== '1.0')
    return refused(400, 'the header Host is missing');
  if (isLoopback && host !== undefined && !isOfThisMachine(host)) {
    return refused(421, 'only requests to localhost or an address are answered');
  }
  const path = decodeOrKeep(target[2] ?? '/');
  if (path === '/' || path === '/index.html') return { kind: 'page' };
  const file = files.get(path);
  return file === undefined ? refused(404, 'there is no such file') : { kind: 'file', file };
}

function refused(status: Extract<Route, { kind: 'refused' }>['status'], why: string): Route {
  return { kind: 'refused', status, why };
}

function isOfThisMachine(host: string): boolean {
  const name = host.replace(/:\d*$/, '').toLowerCase();
  const address = /^\[(.*)\]$/.exec(name)?.[1] ?? name;
  return isIP(address) !== 0 || /^(?:.+\.)?localhost\.?$/.test(name);
}

/** Each file at the root, and below the folder that it lies in. */
export function pathsOf(files: readonly ManifestFile[]): ReadonlyMap<string, ManifestFile> {
  return new Map(
    files.flatMap((file) => {
      const folder = file.kind === 'archive' ? 'archives' : 'labels';
      return [`/${file.name}`, `/${folder}/${file.name}`].map((path) => [path, file] as const);
    }),
  );
}
