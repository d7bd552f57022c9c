import { CcxriError, type NextStep } from '../errors.ts';
import type { Manifest, ManifestFile } from '../manifest/manifest.ts';
import { count, toPrintable, toPrintableUrl } from '../text.ts';
import { type PageOrigin, resolveAnchors } from './page-address.ts';
import { type Pairing, pairLinks } from './page-pairs.ts';
import { readScript } from './page-script.ts';
import { type PageTree, toUnits } from './page-tree.ts';
import { parsePage } from './page-walk.ts';
import { type Location, noLink } from './source.ts';

/** What a page has of a manifest's files, and what kind of page it is. */
export interface PageReading {
  /** Addresses by file name. */
  readonly urls: ReadonlyMap<string, string>;
  /** Addresses of other files that may be the right ones. */
  readonly guesses: ReadonlyMap<string, string>;
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
  /** Documents shown in this page or instead of it; `url`: where one is that can be loaded. */
  readonly frames: readonly { readonly written: string; readonly url: string | undefined }[];
  /** It calls itself the listing of a directory, or links to the folders of a dataset. */
  readonly looksLikeListing: boolean;
  /** Of a listing: addresses of `archives/` and `labels/`, if it links to them. */
  readonly folders: Readonly<Partial<Record<'archives' | 'labels', string>>>;
}

/**
 * Pairs the links of a page with the files of a manifest. Where a reader of the page sees none, the
 * attributes and the data of its scripts are read; and where what he sees is the source of a page, that.
 * @throws CcxriError `source-unusable` if the HTML can't be read at all
 */
export async function readPage(
  html: string,
  manifest: Manifest,
  origin: PageOrigin,
): Promise<PageReading> {
  if (looksLikeData(html)) return readAs(treeOfJson(html), manifest, origin);
  const readTree = await parsePage(html);
  const tree = readTree('seen');
  const seen = readAs(tree, manifest, origin);
  if (hasFiles(seen)) return seen;
  const hidden = readAs(readTree('hidden'), manifest, origin);
  if (hasFiles(hidden)) return hidden;
  const source = sourceShownIn(tree);
  const readSource = source === undefined ? undefined : await parsePage(source);
  const inside = readSource === undefined ? seen : readAs(readSource('seen'), manifest, origin);
  return hasFiles(inside) ? inside : { ...seen, guesses: hidden.guesses };
}

export function hasFiles({ urls, ambiguous }: PageReading): boolean {
  return urls.size + ambiguous.size > 0;
}

function readAs(tree: PageTree, { files }: Manifest, origin: PageOrigin): PageReading {
  const { links, frames, base, isBaseGuessed } = resolveAnchors(tree, origin);
  const { links: found, guesses, ...pairing } = pairLinks(tree, links, files);
  const folders = foldersAmong(links.map(({ url }) => url));
  const headings = tree.units.filter(({ element }) => element.tag === 'h1').map(({ text }) => text);
  return {
    ...pairing,
    urls: new Map(Array.from(found, ([name, { url }]) => [name, url])),
    guesses: new Map(Array.from(guesses, ([name, { url }]) => [name, url])),
    links: links.length,
    anchors: tree.anchors.length,
    title: tree.title,
    isBaseGuessed:
      isBaseGuessed && [...found.values(), ...guesses.values()].some((link) => link.isRelative),
    base,
    frames,
    looksLikeListing:
      [tree.title, ...headings].some((text) => LISTING.test(text)) ||
      Object.keys(folders).length > 0,
    folders,
  };
}

/** A list of files as data: what a page of scripts loads. */
function treeOfJson(json: string): PageTree {
  const root = { tag: '#document', parent: undefined, start: 0, end: 0 };
  const { texts, anchors, end } = readScript(json, root);
  root.end = end;
  const head = { base: undefined, savedFrom: undefined, canonical: undefined };
  return { texts, units: toUnits(texts), anchors, title: '', head, frames: [] };
}

/** HTML that a page shows as its text: a page's source, saved as a browser displays it. */
function sourceShownIn({ units }: PageTree): string | undefined {
  const first = units[0]?.text ?? '';
  if (!first.startsWith('<')) return undefined;
  const shown = units.map(({ text }) => text).join('\n');
  return looksLikeHtml(shown) ? shown : undefined;
}

/** What several documents of one page have together. @param readings at least the page's own, first */
export function mergeReadings(page: PageReading, others: readonly PageReading[]): PageReading {
  const all = [page, ...others];
  const urls = new Map(all.toReversed().flatMap((each) => [...each.urls]));
  const guesses = new Map(all.toReversed().flatMap((each) => [...each.guesses]));
  const ambiguous = all.flatMap((each) => [...each.ambiguous]).filter((name) => !urls.has(name));
  return {
    ...page,
    urls,
    guesses,
    ambiguous: new Set(ambiguous),
    knownMd5s: Math.max(...all.map(({ knownMd5s }) => knownMd5s)),
    isBaseGuessed: all.some(({ isBaseGuessed }) => isBaseGuessed),
  };
}

/** nginx and Apache, Python's http.server, Caddy and others. */
const LISTING = /^\s*(?:index of|directory listing|listing of|directory:)/i;

function foldersAmong(urls: readonly string[]): PageReading['folders'] {
  const folder = (name: string) => urls.find((url) => new URL(url).pathname.endsWith(`/${name}/`));
  const [archives, labels] = [folder('archives'), folder('labels')];
  return { ...(archives && { archives }), ...(labels && { labels }) };
}

/**
 * Where a page has a file.
 * @throws CcxriError `no-link` if its MD5 is there, and that of several files
 */
export function locateOnPage(
  { urls, guesses, ambiguous }: PageReading,
  { name, md5 }: ManifestFile,
  { source, homepage }: { readonly source: string; readonly homepage: string },
): Location | undefined {
  const url = urls.get(name) ?? guesses.get(name);
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

/** Fewer MD5s than this, of no named file, are not plainly a table of files. */
const LEAST_OF_TABLE = 3;

/**
 * What to say of a page whose MD5s all are others than the manifest's: downloads would only show, file after
 * file, that it is of another release. A page with some of the manifest's MD5s is left as it is, and so is a
 * listing, where 32 digits may be anything.
 * @returns undefined: it is not such a page
 */
export function explainOtherRelease(
  reading: PageReading,
  manifest: Manifest,
  source: string,
): CcxriError | undefined {
  const { urls, guesses, knownMd5s, otherMd5s, looksLikeListing } = reading;
  if (knownMd5s > 0 || otherMd5s === 0 || looksLikeListing) return undefined;
  const named = new Set([...urls.keys(), ...guesses.keys()]).size;
  const isTable =
    named > 0
      ? otherMd5s >= named
      : otherMd5s >= LEAST_OF_TABLE && 2 * otherMd5s >= manifest.files.length;
  if (!isTable) return undefined;
  const release = toPrintable(`${manifest.dataset} ${manifest.version}`, 160);
  const names = named === 0 ? '' : `, though it names ${count(named, 'file')} of it`;
  return new CcxriError(
    'other-release',
    `${source} is of another release than the manifest: of its ${count(otherMd5s, 'MD5')} none is of ${release}${names}`,
    {
      source,
      wholeSource: true,
      permanent: true,
      expected: `MD5s of ${release} (${manifest.released})`,
      found: count(otherMd5s, 'other MD5'),
      kept: 'everything: nothing was downloaded from there',
      next: [
        {
          kind: 'advice',
          text: 'get a newer version of ccxri',
          or: { kind: 'option', option: 'manifest', purpose: 'of that release' },
        },
      ],
    },
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
  const frame = reading.frames.find(({ url }) => url !== undefined)?.url;
  if (anchors === 0 && frame !== undefined) {
    return `without any link, but with a frame that shows ${toPrintableUrl(frame)}`;
  }
  if (anchors === 0) {
    return 'without any link: it may be made by scripts, or be a login or busy page';
  }
  const which = links === anchors ? '' : ` (${links} can be followed)`;
  return `with ${count(anchors, 'link')}${which}, but without any MD5 of ${release}: its list may be made by scripts, or it is a login or busy page, or another page than the one with the table of files`;
}

/** Whether a text is JSON, by its beginning. */
export function looksLikeData(text: string): boolean {
  return /^\ufeff?\s*[{[]/.test(text.slice(0, 1000));
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
