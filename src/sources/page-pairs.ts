import { type ManifestFile, stemOf } from '../manifest/manifest.ts';
import type { PageLink } from './page-address.ts';
import {
  type PageElement,
  type PageTree,
  type PageUnit,
  between,
  closest,
  countBelow,
  countBetween,
} from './page-tree.ts';

/** Which of a page's links leads to which file. */
export interface Pairing {
  /** By file name. */
  readonly links: ReadonlyMap<string, PageLink>;
  /** Of other files, by name: links that may lead to them. */
  readonly guesses: ReadonlyMap<string, PageLink>;
  /** Files whose MD5 is on the page, but is shared with other files, and nothing says which is meant. */
  readonly ambiguous: ReadonlySet<string>;
  /** How many files' MD5s are on the page, with a link or without. */
  readonly knownMd5s: number;
  readonly otherMd5s: number;
}

/** A page while it is paired. All lists are sorted by position. */
interface Page {
  readonly tree: PageTree;
  readonly links: readonly PageLink[];
  readonly md5s: readonly PageMd5[];
  /** Units that hold the name of a category and nothing else. */
  readonly categories: readonly PageUnit[];
}

/** What belongs to one MD5: the row of a table, or what takes its place. */
interface Row {
  readonly md5: PageMd5;
  /** At least one. */
  readonly links: readonly PageLink[];
  readonly texts: readonly string[];
  readonly category: string | undefined;
  /** The category is in the row itself, not above it. */
  readonly isOwnCategory: boolean;
}

/**
 * Pairs links with files: by the MD5 in the link's row; where several files share that MD5, by what
 * else the row says; and where no row has the file's MD5, by the exact name of the file in a link. A
 * link with the name but its ending, or with a bare name from a script, is a guess.
 */
export function pairLinks(
  tree: PageTree,
  pageLinks: readonly PageLink[],
  files: readonly ManifestFile[],
): Pairing {
  const md5s = readMd5s(tree.units, new Set(files.map(({ md5 }) => md5)));
  const names = new Set(files.map(({ category }) => foldWords(category)));
  const categories = tree.units.filter(({ text }) => names.has(foldWords(text)));
  const page: Page = { tree, links: pageLinks, md5s, categories };
  const known = md5s.filter(({ isKnown }) => isKnown);
  const rows = known.flatMap((md5) => rowOf(md5, page, files) ?? []);
  const links = new Map<string, PageLink>();
  const guesses = new Map<string, PageLink>();
  const ambiguous = new Set<string>();
  for (const file of files) {
    const group = files.filter(({ md5 }) => md5 === file.md5);
    const candidates = rows.filter(({ md5 }) => md5.md5 === file.md5);
    const owners = candidates.map((row) => ownerOf(row, group));
    const own = candidates.filter((_, i) => owners[i] === file);
    const [row] = preferred(own, ROW_SIGNS, (sign, each) => sign(each, file));
    const link =
      row === undefined
        ? pageLinks.find(({ names }) => names.includes(file.name.toLowerCase()))
        : bestLink(row, file);
    const guess = link ?? pageLinks.find((each) => isNamedLike(each, file));
    if (link?.isGuess === false) links.set(file.name, link);
    else if (guess !== undefined) guesses.set(file.name, guess);
    if (link === undefined && owners.includes(undefined)) ambiguous.add(file.name);
  }
  const knownMd5s = new Set(known.map(({ md5 }) => md5)).size;
  return { links, guesses, ambiguous, knownMd5s, otherMd5s: md5s.length - known.length };
}

/** What says that a row, or a link, is that of a file. */
type Sign<Item> = (item: Item, file: ManifestFile) => boolean;

/** What says, beside the MD5, that a row is that of a file; the strongest sign first. */
const ROW_SIGNS: readonly Sign<Row>[] = [
  ({ links }, file) => links.some((link) => isNamedLike(link, file)),
  ({ texts }, file) => texts.some((text) => namesOf(file).includes(text.toLowerCase())),
  (row, file) => isOfCategory(row, file) && hasSize(row, file),
  (row, file) => isOfCategory(row, file) && row.isOwnCategory,
  hasSize,
  isOfCategory,
];

/** What says that a link leads to the file itself and not to a page about it; the strongest first. */
const LINK_SIGNS: readonly Sign<PageLink>[] = [
  isNamedLike,
  ({ text }) => /download|下载/i.test(text),
  ({ url }, { kind }) => (kind === 'archive' ? /\.zip$/i : /\.csv$/i).test(new URL(url).pathname),
  ({ hasSaveAs }) => hasSaveAs,
];

/**
 * The items that the signs prefer: each sign in turn drops the items without it, unless that would
 * drop all.
 */
function preferred<Item, One>(
  items: readonly Item[],
  signs: readonly One[],
  hasSign: (sign: One, item: Item) => boolean,
): readonly Item[] {
  let left = items;
  for (const sign of signs) {
    const having = left.filter((item) => hasSign(sign, item));
    if (having.length > 0) left = having;
  }
  return left;
}

/** undefined: the row fits several of the files equally well. */
function ownerOf(row: Row, group: readonly ManifestFile[]): ManifestFile | undefined {
  const owners = preferred(group, ROW_SIGNS, (sign, file) => sign(row, file));
  return owners.length === 1 ? owners[0] : undefined;
}

/** Of links with the same signs: the nearest behind the MD5; without one, the nearest before it. */
function bestLink({ links, md5 }: Row, file: ManifestFile): PageLink | undefined {
  const signs = [...LINK_SIGNS, ({ isGuess }: PageLink) => !isGuess];
  const left = preferred(links, signs, (sign, link) => sign(link, file));
  return left.find(({ position }) => position >= md5.position) ?? left.at(-1);
}

function namesOf({ name }: ManifestFile): readonly string[] {
  return [name.toLowerCase(), stemOf(name).toLowerCase()];
}

function isNamedLike(link: PageLink, file: ManifestFile): boolean {
  return namesOf(file).some((name) => link.names.includes(name));
}

function isOfCategory({ category }: Row, file: ManifestFile): boolean {
  return category === foldWords(file.category);
}

function hasSize({ texts }: Row, { size }: ManifestFile): boolean {
  return texts.some((text) => sizesIn(text).includes(size));
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

/** Letters and digits only, in lower case: `ChestDx_PE` and `ChestDx-PE` are the same. */
function foldWords(text: string): string {
  return text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
}

/** Not rows: a link in here may belong to anything. */
const BROAD = new Set(['table', 'tbody', 'thead', 'tfoot', 'main', 'body', 'html', '#document']);

/**
 * The nearest element around an MD5 that has a link and no other MD5: in a table, its row. Where that
 * element has several MD5s, the links between them are shared out.
 */
function rowOf(md5: PageMd5, page: Page, files: readonly ManifestFile[]): Row | undefined {
  const tableRow = closest(md5.element, 'tr');
  // The link may be in another cell than the MD5, and the MD5 may be a link to something else.
  const isAlone = tableRow !== undefined && countMd5s(page, tableRow) === 1;
  for (let at = isAlone ? tableRow : md5.element; ; at = at.parent) {
    if (countMd5s(page, at) > 1) return rowInSequence(md5, at, page);
    const inside = between(page.links, at.start, at.end);
    const links = BROAD.has(at.tag) ? inside.filter((link) => leadsTo(link, md5, files)) : inside;
    if (links.length > 0) return toRow({ md5, from: at.start, to: at.end, links }, page);
    if (at.parent === undefined) return undefined;
  }
}

function countMd5s({ md5s }: Page, { start, end }: PageElement): number {
  return countBetween(md5s, start, end);
}

function leadsTo(link: PageLink, { md5 }: PageMd5, files: readonly ManifestFile[]): boolean {
  return files.some((file) => file.md5 === md5 && LINK_SIGNS.some((sign) => sign(link, file)));
}

/** More links or MD5s side by side than this are not a list of pairs. */
const MAX_ITEMS = 5000;

/**
 * Several MD5s and links without an element around each pair (lines of a `<pre>`, cells side by
 * side): pairs only if each MD5 has its links behind it, or each has them before it.
 */
function rowInSequence(md5: PageMd5, { start, end }: PageElement, page: Page): Row | undefined {
  const md5s = between(page.md5s, start, end);
  const links = between(page.links, start, end);
  if (links.length > MAX_ITEMS || md5s.length > MAX_ITEMS) return undefined;
  const isFirst = countBetween(links, start, md5s[0]?.position ?? start) > 0;
  const isLast = countBetween(links, md5s.at(-1)?.position ?? end, end) > 0;
  // Both, or neither: the links could be those of the MD5 before or behind.
  if (isFirst === isLast) return undefined;
  const rows = md5s.map((each, i) => {
    const own = isFirst
      ? between(links, (md5s[i - 1]?.position ?? start - 1) + 1, each.position)
      : between(links, each.position, (md5s[i + 1]?.position ?? end + 1) - 1);
    const linkBefore = between(links, start, each.position).at(-1)?.position ?? start - 1;
    const from = isFirst ? (own[0]?.position ?? start) : linkBefore + 1;
    const to = isFirst ? each.position : (own.at(-1)?.position ?? end);
    return { md5: each, from, to, links: own };
  });
  const row = rows.find((each) => each.md5 === md5);
  if (row === undefined || rows.some((each) => each.links.length === 0)) return undefined;
  return toRow(row, page);
}

/** More than any row has. */
const MAX_TEXTS = 500;

function toRow(
  { md5, from, to, links }: Pick<Row, 'md5' | 'links'> & { from: number; to: number },
  { tree, categories }: Page,
): Row {
  const units = between(tree.units, from, to)
    .slice(0, MAX_TEXTS)
    .filter(({ element }) => element.start >= from && element.end <= to);
  const texts = between(tree.texts, from, to).slice(0, MAX_TEXTS);
  const own = between(categories, from, to)[0];
  const category = own ?? categoryAbove(from, md5, categories);
  return {
    md5,
    links,
    texts: [...units.map(({ text }) => text), ...texts.map(({ value }) => value.trim())],
    category: category && foldWords(category.text),
    isOwnCategory: own !== undefined,
  };
}

/** Tables of a thousand categories are none. */
const MAX_LOOK_BACK = 1000;

/**
 * The last category before a row: of a cell that spans rows, one that is left empty in later rows, or
 * a heading. A category in a table ends with that table.
 */
function categoryAbove(from: number, md5: PageMd5, categories: Page['categories']) {
  const before = countBelow(categories, from);
  return categories.slice(Math.max(0, before - MAX_LOOK_BACK), before).findLast(({ element }) => {
    const table = closest(element, 'table');
    return table === undefined || table.end >= md5.position;
  });
}

/** An MD5 on a page. */
interface PageMd5 {
  readonly position: number;
  readonly element: PageElement;
  /** Lower case. */
  readonly md5: string;
  /** It is that of a file of the manifest. */
  readonly isKnown: boolean;
}

/** A list of files does not repeat an MD5 more often. */
const MAX_TIMES = 16;

/** The MD5s of a page, each at most `MAX_TIMES`. @param known in lower case */
function readMd5s(units: readonly PageUnit[], known: ReadonlySet<string>): readonly PageMd5[] {
  const times = new Map<string, number>();
  const md5s = units.flatMap((unit) =>
    [...knownIn(unit, known), ...othersIn(unit, known)].filter(({ md5 }) => {
      const seen = (times.get(md5) ?? 0) + 1;
      times.set(md5, seen);
      return seen <= MAX_TIMES;
    }),
  );
  // An element's own text may continue behind a nested element.
  return md5s.sort((a, b) => a.position - b.position);
}

/** Longer runs of digits are not an MD5 with something glued to it. */
const MAX_RUN = 1024;

/** Known MD5s, whatever is glued to them, and whatever white space, colons or elements are inside. */
function knownIn({ element, parts }: PageUnit, known: ReadonlySet<string>): readonly PageMd5[] {
  let compact = '';
  const origins = parts.map(({ position, value }) => {
    const origin = { position: compact.length, onPage: position };
    compact += value.replace(/[\s:-]+/g, '').toLowerCase();
    return origin;
  });
  const found: PageMd5[] = [];
  for (const { 0: digits, index } of compact.matchAll(/[0-9a-f]{32,}/g)) {
    if (digits.length > MAX_RUN) continue;
    for (let at = 0; at + 32 <= digits.length; at += 1) {
      const md5 = digits.slice(at, at + 32);
      if (!known.has(md5)) continue;
      const origin = origins[countBelow(origins, index + at + 1) - 1];
      found.push({ position: origin?.onPage ?? element.start, element, md5, isKnown: true });
    }
  }
  return found;
}

/** Only their number matters: a row with two MD5s is not a row. */
function othersIn({ element, parts }: PageUnit, known: ReadonlySet<string>): readonly PageMd5[] {
  return parts.flatMap(({ position, value }) =>
    Array.from(value.toLowerCase().matchAll(/(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])/g), ([md5]) => {
      return { position, element, md5, isKnown: false };
    }).filter(({ md5 }) => !known.has(md5)),
  );
}
