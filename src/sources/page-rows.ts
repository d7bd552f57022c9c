import type { PageLink } from './page-address.ts';
import { type PageElement, type PageText, between, countBelow, countBetween } from './page-tree.ts';

/** What of a page belongs to one MD5: a row of a table, or what stands in its place. */
export interface PageRow {
  readonly md5: PageMd5;
  /** Positions, both included. */
  readonly from: number;
  readonly to: number;
  /** At least one. */
  readonly links: readonly PageLink[];
}

/** A page as it is paired: its lists, each by position. */
export interface PageMatter {
  readonly texts: readonly PageText[];
  readonly units: readonly PageUnit[];
  /** Units that are the name of a category, and nothing else. */
  readonly categories: readonly PageUnit[];
  readonly md5s: readonly PageMd5[];
  readonly links: readonly PageLink[];
}

/** Whether a link looks like one to a file with this MD5, by its name or its words. */
export type LooksRight = (link: PageLink, md5: string) => boolean;

/** What is inside no row: a link here may belong to anything. */
const BROAD = new Set(['table', 'tbody', 'thead', 'tfoot', 'main', 'body', 'html', '#document']);
/** More links and MD5s than this side by side are no list of pairs. */
const MAX_ITEMS = 5000;

/** The rows of all known MD5s of a page that have a link. */
export function readRows(page: PageMatter, looksRight: LooksRight): readonly PageRow[] {
  const rows = page.md5s
    .filter(({ isKnown }) => isKnown)
    .map((md5) => rowOf(md5, page, looksRight));
  return rows.filter((row) => row !== undefined);
}

/**
 * The nearest element around an MD5 that has a link, and no other MD5: where there is a table, its
 * row. Where that has several MD5s, the links stand between them.
 */
function rowOf(md5: PageMd5, page: PageMatter, looksRight: LooksRight): PageRow | undefined {
  const start = tableRowOf(md5.element, page) ?? md5.element;
  for (let at: PageElement | undefined = start; at !== undefined; at = at.parent) {
    const { start: from, end: to, tag } = at;
    if (countBetween(page.md5s, from, to) > 1) return rowInSequence(md5, at, page);
    const links = between(page.links, from, to);
    const fitting = BROAD.has(tag) ? links.filter((link) => looksRight(link, md5.md5)) : links;
    if (fitting.length > 0) return { md5, from, to, links: fitting };
  }
  return undefined;
}

/** The link may stand in another cell than the MD5, and the MD5 may be a link to something else. */
function tableRowOf(element: PageElement, page: PageMatter): PageElement | undefined {
  let at: PageElement | undefined = element;
  while (at !== undefined && at.tag !== 'tr') at = at.parent;
  return at !== undefined && countBetween(page.md5s, at.start, at.end) === 1 ? at : undefined;
}

/**
 * Several MD5s and links without an element around each pair (lines of a `<pre>`, cells side by
 * side): read as pairs only where each MD5 has its links behind it, or each has them before it.
 */
function rowInSequence(
  md5: PageMd5,
  { start, end }: PageElement,
  page: PageMatter,
): PageRow | undefined {
  const md5s = between(page.md5s, start, end);
  const links = between(page.links, start, end);
  if (links.length > MAX_ITEMS || md5s.length > MAX_ITEMS) return undefined;
  const hasBefore = countBetween(links, start, md5s[0]?.position ?? start) > 0;
  const hasBehind = countBetween(links, md5s.at(-1)?.position ?? end, end) > 0;
  // Both, or neither: which link is whose can't be told.
  if (hasBefore === hasBehind) return undefined;
  const rows = md5s.map((each, i): PageRow => {
    const own = hasBefore
      ? between(links, (md5s[i - 1]?.position ?? start - 1) + 1, each.position)
      : between(links, each.position, (md5s[i + 1]?.position ?? end + 1) - 1);
    const linkBefore = between(links, start, each.position).at(-1)?.position ?? start - 1;
    const from = hasBefore ? (own[0]?.position ?? start) : linkBefore + 1;
    const to = hasBefore ? each.position : (own.at(-1)?.position ?? end);
    return { md5: each, from, to, links: own };
  });
  if (rows.some((row) => row.links.length === 0)) return undefined;
  return rows.find((row) => row.md5 === md5);
}

/** A cell of a table, or another stretch of a page that is read as one: its text, and where it begins. */
interface PageUnit {
  readonly position: number;
  readonly element: PageElement;
  /** White space is one space each. */
  readonly text: string;
}

/** An MD5 that stands on a page. */
interface PageMd5 {
  readonly position: number;
  readonly element: PageElement;
  /** Lower case. */
  readonly md5: string;
  /** It is one of those looked for. */
  readonly isKnown: boolean;
}

/** Elements that only dress their text: what they hold belongs to the text around them. */
const INLINE = new Set(
  'a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark nobr q s samp small span strike strong sub sup time tt u var'.split(
    ' ',
  ),
);

/** Characters that are not seen: pages break long words with them (`<wbr>` is no text at all). */
const UNSEEN = /[\u00ad\u200b-\u200f\u2060\ufeff]/g;

/** One MD5 more often than this is no list of files. */
const MAX_TIMES = 16;

interface Part {
  readonly position: number;
  readonly value: string;
  /** Where it begins in the text of its unit without white space. */
  readonly offset: number;
}

class Unit {
  readonly element: PageElement;
  readonly parts: Part[] = [];
  /** Lower case, without white space. */
  compact = '';

  constructor(element: PageElement) {
    this.element = element;
  }

  add(text: PageText): void {
    const value = text.value.replace(UNSEEN, '');
    this.parts.push({ position: text.position, value, offset: this.compact.length });
    this.compact += value.replace(/\s+/g, '').toLowerCase();
  }

  toPageUnit(): PageUnit {
    const text = this.parts.map(({ value }) => value).join('');
    return {
      position: this.parts[0]?.position ?? this.element.start,
      element: this.element,
      text: text.replace(/\s+/g, ' ').trim(),
    };
  }

  /** The position of the text in which the character at an offset of `compact` stands. */
  positionAt(offset: number): number {
    const upTo = countBelow(this.parts, (part) => part.offset, offset + 1);
    return this.parts[upTo - 1]?.position ?? this.element.start;
  }
}

export interface PageUnits {
  /** By position. */
  readonly units: readonly PageUnit[];
  /** By position. */
  readonly md5s: readonly PageMd5[];
}

/**
 * Reads the texts of a page in units, and the MD5s in each. A row's text must never be read as one:
 * `556MB` before an MD5 would lend it a digit, for B is one.
 * @param known MD5s looked for, lower case: found whatever stands around them
 */
export function readUnits(texts: readonly PageText[], known: ReadonlySet<string>): PageUnits {
  const units = new Map<PageElement, Unit>();
  for (const text of texts) {
    const element = unitElementOf(text.element);
    const unit = units.get(element) ?? new Unit(element);
    units.set(element, unit);
    unit.add(text);
  }
  const times = new Map<string, number>();
  const md5s = [...units.values()].flatMap((unit) =>
    md5sIn(unit, known).filter(({ md5 }) => {
      const seen = (times.get(md5) ?? 0) + 1;
      times.set(md5, seen);
      return seen <= MAX_TIMES;
    }),
  );
  return {
    units: [...units.values()].map((unit) => unit.toPageUnit()),
    // An element's own text may go on behind what is inside it.
    md5s: md5s.sort((a, b) => a.position - b.position),
  };
}

function unitElementOf(element: PageElement): PageElement {
  let at = element;
  while (INLINE.has(at.tag) && at.parent !== undefined) at = at.parent;
  return at;
}

function md5sIn(unit: Unit, known: ReadonlySet<string>): readonly PageMd5[] {
  const { element, parts, compact } = unit;
  const found = knownIn(compact, known).map(({ md5, offset }) => {
    return { position: unit.positionAt(offset), element, md5, isKnown: true };
  });
  // Of others only the count matters: a row with two MD5s is no row.
  const others = parts.flatMap(({ position, value }) =>
    Array.from(value.toLowerCase().matchAll(ANY_MD5), ([md5]) => {
      return { position, element, md5, isKnown: false };
    }),
  );
  return [...found, ...others.filter(({ md5 }) => !known.has(md5))];
}

const ANY_MD5 = /(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])/g;

/** Longer runs of digits are no MD5 with something glued to it. */
const MAX_RUN = 1024;

function knownIn(
  compact: string,
  known: ReadonlySet<string>,
): readonly { readonly md5: string; readonly offset: number }[] {
  const found: { md5: string; offset: number }[] = [];
  for (const run of compact.matchAll(/[0-9a-f]{32,}/g)) {
    const [digits] = run;
    if (digits.length > MAX_RUN) continue;
    for (let i = 0; i + 32 <= digits.length; i += 1) {
      const md5 = digits.slice(i, i + 32);
      if (known.has(md5)) found.push({ md5, offset: run.index + i });
    }
  }
  return found;
}
