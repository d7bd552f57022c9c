import { type ManifestFile, stemOf } from '../manifest/manifest.ts';
import type { PageLink } from './page-address.ts';
import type { PageMatter, PageRow } from './page-rows.ts';
import { type PageElement, between, countBelow } from './page-tree.ts';

export interface Assignment {
  /** By file name. */
  readonly links: ReadonlyMap<string, PageLink>;
  /** Names of files whose MD5 is there, but stands for several files, and nothing tells which. */
  readonly ambiguous: ReadonlySet<string>;
}

/**
 * Which link is which file's: by the MD5 of its row; where several files share an MD5, by what
 * else the row says; where no row has the file's MD5, by the file's very name in a link.
 */
export function assignLinks(
  files: readonly ManifestFile[],
  rows: readonly PageRow[],
  page: PageMatter,
): Assignment {
  const links = new Map<string, PageLink>();
  const ambiguous = new Set<string>();
  for (const file of files) {
    const group = files.filter(({ md5 }) => md5 === file.md5);
    const own = rows.filter(({ md5 }) => md5.md5 === file.md5);
    const owners = own.map((row) => ownerOf(row, group, page));
    const row = byWeight(
      own.filter((_, i) => owners[i] === file),
      (each) => weighRow(each, file, page),
    );
    const link =
      row === undefined ? page.links.find((each) => isNamed(each, file.name)) : bestLink(row, file);
    if (link !== undefined) links.set(file.name, link);
    else if (owners.includes(undefined)) ambiguous.add(file.name);
  }
  return { links, ambiguous };
}

/** undefined: the row says as much for one file as for another. */
function ownerOf(
  row: PageRow,
  group: readonly ManifestFile[],
  page: PageMatter,
): ManifestFile | undefined {
  if (group.length === 1) return group[0];
  const weights = group.map((file) => weighRow(row, file, page));
  const most = Math.max(...weights);
  const candidates = group.filter((_, i) => weights[i] === most);
  return most > 0 && candidates.length === 1 ? candidates[0] : undefined;
}

function bestLink(row: PageRow, file: ManifestFile): PageLink | undefined {
  return byWeight(row.links, (link) => weighLink(link, file) + nearness(link, row));
}

/** How much a link looks like one to the file itself, and not to a page about it. */
export function weighLink(link: PageLink, file: ManifestFile): number {
  const { pathname } = new URL(link.url);
  let weight = 0;
  if (isNamedLike(link, file)) weight += 8;
  if (/download|下载/i.test(link.text)) weight += 4;
  if (file.kind === 'archive' ? /\.zip$/i.test(pathname) : /\.csv$/i.test(pathname)) weight += 2;
  if (link.hasSaveAs) weight += 1;
  return weight;
}

/** Less than any weight: behind the MD5 rather than before it, and near rather than far. */
function nearness(link: PageLink, { md5, from, to }: PageRow): number {
  const distance = Math.abs(link.position - md5.position) / (to - from + 1);
  return link.position >= md5.position ? 0.9 - distance * 0.4 : 0.4 - distance * 0.4;
}

/** The item of the greatest weight; of equal ones the first. */
function byWeight<Item>(items: readonly Item[], weigh: (item: Item) => number): Item | undefined {
  let best: Item | undefined;
  let most = -Infinity;
  for (const item of items) {
    const weight = weigh(item);
    if (weight > most) [best, most] = [item, weight];
  }
  return best;
}

/** Whether a link leads to something of this very name. */
function isNamed(link: PageLink, name: string): boolean {
  return link.names.includes(name.toLowerCase());
}

/** As `isNamed`, also without `.zip`. */
function isNamedLike(link: PageLink, file: ManifestFile): boolean {
  return isNamed(link, file.name) || isNamed(link, stemOf(file.name));
}

/** How surely a row is a file's, beside its MD5; 0: nothing speaks for it. */
function weighRow(row: PageRow, file: ManifestFile, page: PageMatter): number {
  const texts = textsOf(row, page);
  const names = [file.name, stemOf(file.name)].map((name) => name.toLowerCase());
  let weight = 0;
  if (row.links.some((link) => isNamedLike(link, file))) weight += 16;
  if (texts.some((text) => names.includes(text.toLowerCase()))) weight += 8;
  const category = categoryOf(row, page);
  // Its own cell says more than its size, and that more than what is said further up.
  if (category?.name === foldWords(file.category)) weight += category.isOwn ? 4 : 2;
  if (texts.some((text) => sizesIn(text).includes(file.size))) weight += 3;
  return weight;
}

/** More than any row has. */
const MAX_TEXTS = 500;

function textsOf({ from, to }: PageRow, page: PageMatter): readonly string[] {
  const units = between(page.units, from, to)
    .slice(0, MAX_TEXTS)
    .filter(({ element }) => element.start >= from && element.end <= to);
  const texts = between(page.texts, from, to).slice(0, MAX_TEXTS);
  return [...units.map(({ text }) => text), ...texts.map(({ value }) => value.trim())];
}

/** Letters and digits alone, lower case: `ChestDx_PE` and `ChestDx-PE` are the same. */
export function foldWords(text: string): string {
  return text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
}

/** Tables of a thousand categories are none. */
const MAX_LOOK_BACK = 1000;

/**
 * The category under which a row stands: in the row itself, or the last one before it. That covers
 * a cell that spans rows, one that is left out or empty in the later rows, and a heading.
 */
function categoryOf(
  { from, to, md5 }: PageRow,
  { categories }: PageMatter,
): { readonly name: string; readonly isOwn: boolean } | undefined {
  const own = between(categories, from, to)[0];
  if (own !== undefined) return { name: foldWords(own.text), isOwn: true };
  const before = countBelow(categories, ({ position }) => position, from);
  const earlier = categories.slice(Math.max(0, before - MAX_LOOK_BACK), before);
  // What is said in a table ends with it.
  const carried = earlier.findLast(({ element }) => {
    const table = tableOf(element);
    return table === undefined || table.end >= md5.position;
  });
  return carried === undefined ? undefined : { name: foldWords(carried.text), isOwn: false };
}

function tableOf(element: PageElement): PageElement | undefined {
  let at: PageElement | undefined = element;
  while (at !== undefined && at.tag !== 'table') at = at.parent;
  return at;
}

const UNITS: Readonly<Record<string, string>> = { k: 'K', m: 'MB', g: 'GB' };
/** Longer texts are prose. */
const MAX_SIZE_TEXT = 200;

/** `157 MB`, `157M`, `157MiB` in the manifest's form. */
function sizesIn(text: string): readonly string[] {
  if (text.length > MAX_SIZE_TEXT) return [];
  const sizes = text.matchAll(/(?<![\d.])(\d+)(?:\.0+)?\s*([kmg])(?:i?b)?(?![a-z0-9])/gi);
  return [...sizes].map(([, n, unit]) => `${n ?? ''}${UNITS[unit?.toLowerCase() ?? ''] ?? ''}`);
}
