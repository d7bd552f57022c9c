import { stemOf } from '../dataset/layout.ts';
import type { ManifestFile } from '../manifest/schema.ts';
import type { PageLink } from './page-address.ts';
import { between, countBelow } from './page-order.ts';
import type { PageMatter, PageRow } from './page-rows.ts';
import type { PageElement } from './page-tree.ts';

/** Whether a link leads to something of this very name. */
export function isNamed(link: PageLink, name: string): boolean {
  return link.names.includes(name.toLowerCase());
}

/** As `isNamed`, also without `.zip`. */
export function isNamedLike(link: PageLink, file: ManifestFile): boolean {
  return isNamed(link, file.name) || isNamed(link, stemOf(file.name));
}

/** How surely a row is a file's, beside its MD5; 0: nothing speaks for it. */
export function weighRow(row: PageRow, file: ManifestFile, page: PageMatter): number {
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
