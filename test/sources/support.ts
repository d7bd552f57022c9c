import { type IncomingHttpHeaders, createServer } from 'node:http';
import { afterEach } from 'vitest';
import type { RunEvent } from '../../src/events.ts';
import { createPageLoader } from '../support/page-loaders.ts';
import { parseManifest } from '../../src/manifest/load.ts';
import type { Manifest, ManifestFile } from '../../src/manifest/manifest.ts';
import { openSources } from '../../src/sources/open-source.ts';
import type { SourceContext } from '../../src/sources/source.ts';
import { fastClock } from '../support/clock.ts';

interface Page {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

export interface WebServer {
  /** `http://127.0.0.1:PORT/` */
  readonly url: string;
  /** Paths asked for, with query. */
  readonly asked: string[];
  readonly headers: IncomingHttpHeaders[];
  /** By path, with query; a path that is not here is 404. */
  pages: Record<string, string | Page>;
}

/** Servers of a test file; all are closed after each test. */
export function useWebServers(): (pages?: WebServer['pages']) => Promise<WebServer> {
  const closers: (() => Promise<void>)[] = [];
  afterEach(async () => {
    await Promise.all(closers.splice(0).map((close) => close()));
  });
  return async (pages = {}) => {
    const asked: string[] = [];
    const headers: IncomingHttpHeaders[] = [];
    const web = { url: '', asked, headers, pages };
    const server = createServer((request, response) => {
      asked.push(request.url ?? '');
      headers.push(request.headers);
      const page = web.pages[request.url ?? ''] ?? { status: 404, body: 'no such page' };
      const answer = typeof page === 'string' ? { body: page } : page;
      response.writeHead(answer.status ?? 200, { 'content-type': 'text/html', ...answer.headers });
      response.end(answer.body ?? '');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closers.push(async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    });
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    web.url = `http://127.0.0.1:${address.port}/`;
    return web;
  };
}

/** A URL of a port where nobody listens. */
export async function closedUrl(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `http://127.0.0.1:${address.port}/`;
}

/** Thirty-two hex digits that begin with a letter, so that what is glued before them tells. */
export const md5Of = (n: number) => `d${n.toString(16).padStart(31, '0')}`;
/** Stands for the first Viral and the first Other archive, as on the real page. */
export const SHARED_MD5 = 'a6060d8bb142f835437c749831be9b10';

/** A small release with what makes the real one hard: an MD5 that stands twice. */
export const release = manifestOf([
  archive('ChestDx-1.zip', 'ChestDx', '573MB', md5Of(1)),
  archive('ChestDx-2.zip', 'ChestDx', '556MB', md5Of(2)),
  archive('ChestDx_PE-1.zip', 'ChestDx_PE', '576MB', md5Of(3)),
  labels('chest_dx.csv', '11MB', md5Of(4)),
  archive('Viral-1.zip', 'Viral pneumonia', '157MB', SHARED_MD5),
  archive('Viral-2.zip', 'Viral pneumonia', '166MB', md5Of(5)),
  labels('viral_pneumonia_COVID-19.csv', '59K', md5Of(6)),
  archive('Other-1.zip', 'Other pneumonia', '184MB', SHARED_MD5),
  archive('Other-2.zip', 'Other pneumonia', '95MB', md5Of(7)),
]);

export function archive(name: string, category: string, size: string, md5: string): ManifestFile {
  const subset = category.toLowerCase().replace(/[^a-z]+/g, '-');
  return { name, kind: 'archive', category, subsets: [subset], size, md5 };
}

function labels(name: string, size: string, md5: string): ManifestFile {
  return { name, kind: 'labels', category: 'labels', subsets: ['chestdx'], size, md5 };
}

export function manifestOf(
  files: readonly ManifestFile[],
  homepage = 'https://x.test/cxr/',
): Manifest {
  return parseManifest(
    JSON.stringify({
      manifestVersion: 1,
      dataset: 'Test-CXR',
      version: '2.0',
      released: '2021-03-21',
      homepage,
      citation: '',
      files,
    }),
  );
}

export function fileOf(name: string, manifest: Manifest = release): ManifestFile {
  const file = manifest.files.find((each) => each.name === name);
  if (file === undefined) throw new Error(`no file ${name}`);
  return file;
}

/** Options with a real loader, no wait between attempts, and what was warned of. */
export function sourceOptions(more: Partial<SourceContext> & { sources?: readonly string[] } = {}) {
  const { sources = [], ...rest } = more;
  const events: RunEvent[] = [];
  const options: SourceContext = {
    manifest: release,
    loadPage: createPageLoader({ headerOrigins: sources, timeoutMs: 5000 }),
    onEvent: (event) => events.push(event),
    clock: fastClock(),
    ...rest,
  };
  const warnings = () => events.flatMap((it) => (it.event === 'warning' ? [it.message] : []));
  return { options, warnings };
}

export const rowOf = ({ category, size, md5 }: ManifestFile, i: number) =>
  `<tr><td>${category}<td>${size}<td>${md5}<td><a href="d?id=${i}">download</a>`;
/** Every file of the release; its link is `d?id=` and its place in the release. */
export const PAGE = `<!doctype html><title>Test</title><table>${release.files.map(rowOf).join('\n')}</table>`;

/** One source, and what is warned of. */
export async function openOne(source: string, more: Partial<SourceContext> = {}) {
  const { options, warnings } = sourceOptions({ sources: [source], ...more });
  const [opened] = await openSources([source], options);
  if (opened === undefined) throw new Error('no source');
  return { opened, warnings };
}
