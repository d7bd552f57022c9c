import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { CcxriError, type NextStep, isCcxriError } from '../errors.ts';
import { decodeHtml } from '../http/page.ts';
import type { Manifest, ManifestFile } from '../manifest/manifest.ts';
import { count, toPrintable, toPrintableUrl } from '../text.ts';
import { hasPageName } from './address.ts';
import { type PageOrigin, resolveAnchors } from './page-address.ts';
import { type Pairing, pairLinks } from './page-pairs.ts';
import { readTree } from './page-tree.ts';
import {
  type Location,
  type Source,
  type SourceContext,
  noLink,
  sourceUnusable,
} from './source.ts';

/** What a page has of a manifest's files, and what kind of page it is. */
export interface PageReading {
  /** Addresses by file name. */
  readonly urls: ReadonlyMap<string, string>;
  readonly ambiguous: Pairing['ambiguous'];
  readonly knownMd5s: number;
  readonly otherMd5s: number;
  /** How many links can be followed, and how many there are. */
  readonly links: number;
  readonly anchors: number;
  readonly title: string;
  /** Some address depends on where the saved page was, and nothing in it says so. */
  readonly isBaseGuessed: boolean;
  /** What relative links refer to. */
  readonly base: string;
  /** It calls itself the listing of a directory, or links to the folders of a dataset. */
  readonly looksLikeListing: boolean;
  /** Of a listing: addresses of `archives/` and `labels/`, if it links to them. */
  readonly folders: Readonly<Partial<Record<'archives' | 'labels', string>>>;
}

/**
 * Pairs the links of a page with the files of a manifest.
 * @throws CcxriError `source-unusable` if the HTML can't be read at all
 */
export async function readPage(
  html: string,
  { files }: Manifest,
  origin: PageOrigin,
): Promise<PageReading> {
  const tree = await readTree(html);
  const { links, base, isBaseGuessed } = resolveAnchors(tree, origin);
  const { links: found, ...pairing } = pairLinks(tree, links, files);
  const folders = foldersAmong(links.map(({ url }) => url));
  const headings = tree.units.filter(({ element }) => element.tag === 'h1').map(({ text }) => text);
  return {
    ...pairing,
    urls: new Map(Array.from(found, ([name, { url }]) => [name, url])),
    links: links.length,
    anchors: tree.anchors.length,
    title: tree.title,
    isBaseGuessed: isBaseGuessed && [...found.values()].some(({ isRelative }) => isRelative),
    base,
    looksLikeListing:
      [tree.title, ...headings].some((text) => LISTING.test(text)) ||
      Object.keys(folders).length > 0,
    folders,
  };
}

/** nginx and Apache, Python's http.server, Caddy and others. */
const LISTING = /^\s*(?:index of|directory listing|listing of|directory:)/i;

function foldersAmong(urls: readonly string[]): PageReading['folders'] {
  const folder = (name: string) => urls.find((url) => new URL(url).pathname.endsWith(`/${name}/`));
  const [archives, labels] = [folder('archives'), folder('labels')];
  return { ...(archives && { archives }), ...(labels && { labels }) };
}

/** The limit of pages from the web, too. */
const MAX_PAGE_BYTES = 16 * 1024 * 1024;

/**
 * A page that was saved by a browser. It is read at once: a wrong file is reported before anything is
 * downloaded.
 * @throws CcxriError `source-unusable`, saying what the file is instead; `no-link`
 */
export async function openSavedPage(path: string, context: SourceContext): Promise<Source> {
  const { manifest, onEvent } = context;
  const { homepage } = manifest;
  const name = toPrintable(path);
  const reading = await readSavedPage(path, manifest);
  if (reading.urls.size + reading.ambiguous.size === 0) {
    throw explainEmpty(reading, manifest, { source: name });
  }
  if (reading.isBaseGuessed) {
    const base = toPrintableUrl(reading.base);
    const message = `${name} does not say where it was saved from: its links are taken to be relative to ${base}`;
    onEvent({ event: 'warning', code: 'source', message });
  }
  const place = { source: name, homepage };
  return {
    kind: 'page',
    name,
    // In a promise, so that what it throws rejects.
    locate: (file) => Promise.resolve().then(() => locateOnPage(reading, file, place)),
  };
}

async function readSavedPage(path: string, manifest: Manifest): Promise<PageReading> {
  const { homepage } = manifest;
  const notAPage = (why: string, next: readonly NextStep[] = []) =>
    sourceUnusable(`${toPrintable(path)} is no saved page: ${why}`, homepage, { path, next });
  const { size } = await stat(path);
  if (size > MAX_PAGE_BYTES) throw notAPage(`it has ${count(size, 'byte')}`);
  const html = decodeHtml(await readFile(path));
  if (/^(?:From: <Saved by |MIME-Version:)/im.test(html.slice(0, 1000))) {
    const why = 'it is a page saved as a single file (MHTML), which ccxri does not read';
    throw notAPage(why, [{ kind: 'advice', text: 'save it as "HTML only" or "complete" instead' }]);
  }
  if (!hasPageName(path) && !looksLikeHtml(html)) {
    throw notAPage(size === 0 ? 'it is empty' : 'it does not read as HTML');
  }
  try {
    return await readPage(html, manifest, { kind: 'saved', fileName: basename(path), homepage });
  } catch (error) {
    throw isCcxriError(error) ? notAPage(error.message) : error;
  }
}

/**
 * Where a page has a file.
 * @throws CcxriError `no-link` if its MD5 is there, and that of several files
 */
export function locateOnPage(
  { urls, ambiguous }: PageReading,
  { name, md5 }: ManifestFile,
  { source, homepage }: { readonly source: string; readonly homepage: string },
): Location | undefined {
  const url = urls.get(name);
  if (url !== undefined) return { kind: 'url', url };
  if (!ambiguous.has(name)) return undefined;
  throw noLink(
    `${source} has the MD5 of ${name} (${md5}), but several files share it, and neither category, size nor name says which link belongs to which file`,
    homepage,
    { file: name, source },
  );
}

/**
 * Why a page without a link to any file is of no use, by what it looks like.
 * @param place.next steps to try before a saved page or a mirror
 */
export function explainEmpty(
  reading: PageReading,
  { dataset, version, homepage }: Manifest,
  { source, next = [] }: { readonly source: string; readonly next?: readonly NextStep[] },
): CcxriError {
  const title = reading.title === '' ? '' : ` (its title: "${toPrintable(reading.title, 80)}")`;
  return noLink(
    `${source} is a web page${title} ${lackOf(reading, `${dataset} ${version}`)}`,
    homepage,
    { source, next },
  );
}

function lackOf(reading: PageReading, release: string): string {
  const { anchors, links, knownMd5s, otherMd5s } = reading;
  if (knownMd5s > 0) {
    const what = anchors === 0 ? 'no link at all' : 'no link with them that can be followed';
    return `that lists ${count(knownMd5s, 'file')} of ${release} by MD5, but has ${what}: in a browser, its links may be made by scripts`;
  }
  if (otherMd5s > 0) {
    return `with ${count(otherMd5s, 'MD5')}, but none of ${release}: it may be of another release`;
  }
  if (anchors === 0) {
    return 'without any link: it may be made by scripts, or be a login or busy page';
  }
  const which = links === anchors ? '' : ` (${links} can be followed)`;
  return `with ${count(anchors, 'link')}${which}, but without any MD5 of ${release}: its list may be made by scripts, or it is a login or busy page, or another page than the one with the table of files`;
}

/** Whether a text is HTML, by its beginning, as browsers do (WHATWG MIME Sniffing, 7.1). */
export function looksLikeHtml(text: string): boolean {
  let rest = text
    .slice(0, 4000)
    .replace(/^\ufeff/, '')
    .trimStart();
  // In a loop: a regular expression for "any number of comments" can be made to take forever.
  for (let end = endOfLead(rest); end > 0; end = endOfLead(rest))
    rest = rest.slice(end).trimStart();
  return /^<(?:!doctype\s+html|html|head|title|meta|body|script|style|table|div|h1|p|a|br|font|b)\b/i.test(
    rest,
  );
}

/** The length of a comment or XML declaration at the beginning, or 0. */
function endOfLead(text: string): number {
  const close = text.startsWith('<!--') ? '-->' : text.startsWith('<?xml') ? '?>' : undefined;
  const at = close === undefined ? -1 : text.indexOf(close);
  return at < 0 ? 0 : at + (close ?? '').length;
}
