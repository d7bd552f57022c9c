/** An element, by where it starts and ends in the page: what is inside has a position in between. */
export interface PageElement {
  readonly tag: string;
  readonly parent: PageElement | undefined;
  readonly start: number;
  end: number;
}

/** A piece of text; `<br>` is a piece of its own. */
export interface PageText {
  readonly position: number;
  readonly element: PageElement;
  readonly value: string;
}

/** A table cell, or another block whose text reads as one. */
export interface PageUnit {
  readonly position: number;
  readonly element: PageElement;
  /** Without invisible characters. */
  readonly parts: readonly PageText[];
  /** White space collapsed. */
  readonly text: string;
}

/** A link as written. */
export interface PageAnchor {
  readonly position: number;
  readonly element: PageElement;
  readonly href: string;
  /** The name under which a browser would save its target. */
  readonly saveAs: string | undefined;
  /** A bare name in a script or attribute: what the script does with it is not known. */
  readonly isGuess: boolean;
}

/** What a page says of where it is. */
export interface PageHead {
  /** `<base href>` as written. */
  readonly base: string | undefined;
  /** The address that the program that saved the page wrote into it. */
  readonly savedFrom: string | undefined;
  /** `<link rel=canonical>`, and `og:url` after it. */
  readonly canonical: string | undefined;
}

/** A page, flattened: lists sorted by position. */
export interface PageTree {
  readonly texts: readonly PageText[];
  readonly units: readonly PageUnit[];
  readonly anchors: readonly PageAnchor[];
  readonly title: string;
  readonly head: PageHead;
  /** Documents that a browser would show in this page, or instead of it: frames, a refresh. As written. */
  readonly frames: readonly string[];
}

/** Elements that only style their text: it belongs to the text around them. */
const INLINE = new Set(
  'a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark nobr q s samp small span strike strong sub sup time tt u var'.split(
    ' ',
  ),
);

/** Invisible characters: pages break long words with them (`<wbr>` is not text at all). */
const UNSEEN = /[\u00ad\u200b-\u200f\u2060\ufeff]/g;

/**
 * Joins texts to units. The text of a table row must never be read as one: `556MB` before an MD5
 * would lend it a digit, for B is one.
 */
export function toUnits(texts: readonly PageText[]): readonly PageUnit[] {
  const units = new Map<PageElement, PageText[]>();
  for (const text of texts) {
    let { element } = text;
    while (INLINE.has(element.tag) && element.parent !== undefined) element = element.parent;
    const parts = units.get(element) ?? [];
    units.set(element, parts);
    parts.push({ ...text, value: text.value.replace(UNSEEN, '') });
  }
  return Array.from(units, ([element, parts]) => ({
    position: parts[0]?.position ?? element.start,
    element,
    parts,
    text: collapse(parts.map(({ value }) => value).join('')),
  }));
}

/** Makes each run of white space one space, with none at either end. */
export function collapse(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

/** The element itself or the nearest one around it with this tag. */
export function closest(element: PageElement, tag: string): PageElement | undefined {
  let at: PageElement | undefined = element;
  while (at !== undefined && at.tag !== tag) at = at.parent;
  return at;
}

interface Placed {
  readonly position: number;
}

/** The items between two positions, both included. */
export function between<Item extends Placed>(
  items: readonly Item[],
  from: number,
  to: number,
): readonly Item[] {
  return items.slice(countBelow(items, from), countBelow(items, to + 1));
}

/** The length of `between`, without making the list. */
export function countBetween(items: readonly Placed[], from: number, to: number): number {
  return countBelow(items, to + 1) - countBelow(items, from);
}

/** How many items are before a position. A binary search: pages may be long. */
export function countBelow(items: readonly Placed[], limit: number): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((items[middle]?.position ?? Infinity) < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
