import type { DefaultTreeAdapterMap, DefaultTreeAdapterTypes, TreeAdapter } from 'parse5';
import { CcxriError } from '../errors.ts';

/** An element, by where it starts and ends in the page: what is inside has a position in between. */
export interface PageElement {
  readonly tag: string;
  readonly parent: PageElement | undefined;
  readonly start: number;
  end: number;
}

/** A piece of text; `<br>` is a piece of its own. */
interface PageText {
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
}

/** A page, flattened: lists sorted by position. */
export interface PageTree {
  readonly texts: readonly PageText[];
  readonly units: readonly PageUnit[];
  readonly anchors: readonly PageAnchor[];
  readonly title: string;
  /** `<base href>` as written. */
  readonly baseHref: string | undefined;
  /** The address that the browser that saved the page wrote into it. */
  readonly savedFrom: string | undefined;
}

/** Blink's own limit; the work for one tag grows with its depth. */
const MAX_DEPTH = 512;
/** Many times an honest page; a small page can be written that expands to millions of elements. */
const MAX_ELEMENTS = 300_000;

/**
 * Reads HTML as a browser would.
 * @throws CcxriError `source-unusable` if the page is nested too deep or too long
 */
export async function readTree(html: string): Promise<PageTree> {
  // Loaded here, so that only runs that read a page wait for it.
  const { parse, defaultTreeAdapter } = await import('parse5');
  const treeAdapter = withLimits(defaultTreeAdapter);
  const document = parse(html, { treeAdapter, scriptingEnabled: false });
  return new Walk().through(document);
}

function withLimits(
  adapter: TreeAdapter<DefaultTreeAdapterMap>,
): TreeAdapter<DefaultTreeAdapterMap> {
  let depth = 0;
  let elements = 0;
  return {
    ...adapter,
    onItemPush: () => {
      depth += 1;
      elements += 1;
      if (depth <= MAX_DEPTH && elements <= MAX_ELEMENTS) return;
      throw new CcxriError('source-unusable', 'its HTML is nested too deep or too long to be read');
    },
    onItemPop: () => {
      depth -= 1;
    },
  };
}

/** Elements whose content a reader of the page does not see. */
const UNSEEN_ELEMENTS = new Set(['script', 'style', 'template', 'noembed', 'iframe', 'svg']);

const SAVED_FROM = /^\s*saved from url=\(\d+\)(\S+)/;

/** Walks a parsed page without recursion: a page may be nested deeper than the stack. */
class Walk {
  readonly #texts: PageText[] = [];
  readonly #anchors: PageAnchor[] = [];
  #position = 0;
  #title: string | undefined;
  #baseHref: string | undefined;
  #savedFrom: string | undefined;

  through(document: DefaultTreeAdapterTypes.Document): PageTree {
    const root: PageElement = { tag: '#document', parent: undefined, start: 0, end: 0 };
    const open = [{ element: root, children: document.childNodes.values() }];
    for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
      const next = top.children.next();
      if (next.done === true) {
        top.element.end = this.#position;
        open.pop();
        continue;
      }
      const element = this.#visit(next.value, top.element);
      if (element === undefined || !('childNodes' in next.value)) continue;
      open.push({ element, children: next.value.childNodes.values() });
    }
    return {
      texts: this.#texts,
      units: toUnits(this.#texts),
      anchors: this.#anchors,
      title: collapse(this.#title ?? ''),
      baseHref: this.#baseHref,
      savedFrom: this.#savedFrom,
    };
  }

  /** @returns the element, if its children are to be visited */
  #visit(node: DefaultTreeAdapterTypes.Node, parent: PageElement): PageElement | undefined {
    this.#position += 1;
    if ('tagName' in node) return this.#visitElement(node, parent);
    if ('value' in node) this.#addText(node.value, parent);
    // A comment: Internet Explorer, Chrome and Edge write the address into one.
    if ('data' in node) this.#savedFrom ??= SAVED_FROM.exec(node.data)?.[1];
    return undefined;
  }

  #addText(value: string, element: PageElement): void {
    if (element.tag === 'title') this.#title ??= value;
    else this.#texts.push({ position: this.#position, element, value });
  }

  #visitElement(
    { tagName: tag, attrs }: DefaultTreeAdapterTypes.Element,
    parent: PageElement,
  ): PageElement | undefined {
    const position = this.#position;
    const element: PageElement = { tag, parent, start: position, end: position };
    const valueOf = (name: string) => attrs.find((attribute) => attribute.name === name)?.value;
    const href = valueOf('href');
    if (tag === 'br') this.#addText('\n', parent);
    if (tag === 'base') this.#baseHref ??= href;
    if ((tag === 'a' || tag === 'area') && href !== undefined) {
      this.#anchors.push({ position, element, href, saveAs: valueOf('download') });
    }
    return UNSEEN_ELEMENTS.has(tag) ? undefined : element;
  }
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
function toUnits(texts: readonly PageText[]): readonly PageUnit[] {
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
