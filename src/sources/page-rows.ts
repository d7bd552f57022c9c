import type { PageLink } from './page-address.ts';
import type { PageMd5, PageUnit } from './page-md5.ts';
import { between, countBetween } from './page-order.ts';
import type { PageElement, PageText } from './page-tree.ts';

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
