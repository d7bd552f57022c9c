import type { Manifest } from '../manifest/schema.ts';
import { resolveAnchors, type PageOrigin } from './page-address.ts';
import { assignLinks, weighLink } from './page-assign.ts';
import { foldWords } from './page-evidence.ts';
import { readUnits } from './page-md5.ts';
import { readRows, type PageMatter } from './page-rows.ts';
import { readTree } from './page-tree.ts';

/** What a page has of a manifest's files, and what it is like. */
export interface PageReading {
  /** Addresses by file name. */
  readonly urls: ReadonlyMap<string, string>;
  /** Files whose MD5 is there, but stands for several files, and nothing tells which is whose. */
  readonly ambiguous: ReadonlySet<string>;
  /** How many files' MD5s stand on it, with a link or without. */
  readonly knownMd5s: number;
  readonly otherMd5s: number;
  /** Links that can be followed, and all. */
  readonly links: number;
  readonly anchors: number;
  readonly title: string;
  /** Some address depends on where the saved page was, and nothing in it says so. */
  readonly isBaseGuessed: boolean;
  /** What relative links refer to. */
  readonly base: string;
  /** It calls itself the listing of a directory, or has links to the folders of a dataset. */
  readonly looksLikeListing: boolean;
  /** Of a listing: addresses of `archives/` and `labels/`, where they are. */
  readonly folders: Readonly<Partial<Record<'archives' | 'labels', string>>>;
}

/**
 * Pairs the links of a page with the files of a manifest.
 * @throws CcxriError `source-unusable` of HTML that can't be read at all
 */
export async function readPage(
  html: string,
  manifest: Manifest,
  origin: PageOrigin,
): Promise<PageReading> {
  const tree = await readTree(html);
  const { links, base, isBaseGuessed } = resolveAnchors(tree, origin);
  const known = new Set(manifest.files.map(({ md5 }) => md5));
  const { units, md5s } = readUnits(tree.texts, known);
  const categoryNames = new Set(manifest.files.map(({ category }) => foldWords(category)));
  const categories = units.filter(({ text }) => categoryNames.has(foldWords(text)));
  const page: PageMatter = { texts: tree.texts, units, categories, md5s, links };
  const rows = readRows(page, (link, md5) =>
    manifest.files.some((file) => file.md5 === md5 && weighLink(link, file) > 0),
  );
  const assigned = assignLinks(manifest.files, rows, page);
  const found = [...assigned.links];
  const folders = foldersAmong(links.map(({ url }) => url));
  const headings = units.filter(({ element }) => element.tag === 'h1').map(({ text }) => text);
  return {
    urls: new Map(found.map(([name, { url }]) => [name, url])),
    ambiguous: assigned.ambiguous,
    knownMd5s: new Set(md5s.filter(({ isKnown }) => isKnown).map(({ md5 }) => md5)).size,
    otherMd5s: md5s.filter(({ isKnown }) => !isKnown).length,
    links: links.length,
    anchors: tree.anchors.length,
    title: tree.title,
    isBaseGuessed: isBaseGuessed && found.some(([, { isRelative }]) => isRelative),
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
  return {
    ...(archives === undefined ? {} : { archives }),
    ...(labels === undefined ? {} : { labels }),
  };
}
