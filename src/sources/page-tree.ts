import type { DefaultTreeAdapterMap, DefaultTreeAdapterTypes, TreeAdapter } from 'parse5';
import { CcxriError } from '../errors.ts';

/** An element by where it begins and ends in the order of the page: what lies in it lies between. */
export interface PageElement {
  readonly tag: string;
  readonly parent: PageElement | undefined;
  readonly start: number;
  end: number;
}

/** A stretch of text; `<br>` is one of its own. */
export interface PageText {
  readonly position: number;
  readonly element: PageElement;
  readonly value: string;
}

/** A link as it is written. */
export interface PageAnchor {
  readonly position: number;
  readonly element: PageElement;
  readonly href: string;
  /** The name under which a browser would save it. */
  readonly saveAs: string | undefined;
}

/** A page, flat and in its order: what is looked for lies in lists, sorted by position. */
export interface PageTree {
  readonly texts: readonly PageText[];
  readonly anchors: readonly PageAnchor[];
  readonly title: string;
  /** `<base href>`, as it is written. */
  readonly baseHref: string | undefined;
  /** Where a browser that saved the page says it had it from. */
  readonly savedFrom: string | undefined;
}

/** Blink nests no deeper either; the work for one tag grows with its depth. */
const MAX_DEPTH = 512;
/** Many times an honest page; a small page can be written that means millions of elements. */
const MAX_ELEMENTS = 300_000;

/**
 * Reads HTML as a browser would.
 * @throws CcxriError `source-unusable` of a page made to be slow: nested too deep, or endless
 */
export async function readTree(html: string): Promise<PageTree> {
  // Loaded here alone: no other way through ccxri has to wait for it.
  const { parse, defaultTreeAdapter } = await import('parse5');
  const document = parse(html, {
    treeAdapter: withLimits(defaultTreeAdapter),
    scriptingEnabled: false,
  });
  return new Walk(defaultTreeAdapter).through(document);
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

type Parsed = DefaultTreeAdapterTypes.Node;
type ParsedElement = DefaultTreeAdapterTypes.Element;

/** What a reader of the page does not see. */
const UNSEEN = new Set(['script', 'style', 'template', 'noembed', 'iframe', 'svg']);

/** Goes through a parsed page without recursion: a page may be nested deeper than the stack. */
class Walk {
  readonly #adapter: TreeAdapter<DefaultTreeAdapterMap>;
  readonly #texts: PageText[] = [];
  readonly #anchors: PageAnchor[] = [];
  #position = 0;
  #title: string | undefined;
  #baseHref: string | undefined;
  #savedFrom: string | undefined;

  constructor(adapter: TreeAdapter<DefaultTreeAdapterMap>) {
    this.#adapter = adapter;
  }

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
      anchors: this.#anchors,
      title: (this.#title ?? '').replace(/\s+/g, ' ').trim(),
      baseHref: this.#baseHref,
      savedFrom: this.#savedFrom,
    };
  }

  /** @returns the element, where its children are of interest */
  #visit(node: Parsed, parent: PageElement): PageElement | undefined {
    this.#position += 1;
    if (this.#adapter.isTextNode(node)) {
      this.#addText(node.value, parent);
    } else if (this.#adapter.isCommentNode(node)) {
      // The form that Internet Explorer, Chrome and Edge write.
      this.#savedFrom ??= /^\s*saved from url=\(\d+\)(\S+)/.exec(node.data)?.[1];
    } else if (this.#adapter.isElementNode(node)) {
      return this.#visitElement(node, parent);
    }
    return undefined;
  }

  #addText(value: string, element: PageElement): void {
    if (element.tag === 'title') this.#title ??= value;
    else this.#texts.push({ position: this.#position, element, value });
  }

  #visitElement(node: ParsedElement, parent: PageElement): PageElement | undefined {
    const { tagName: tag } = node;
    const element: PageElement = { tag, parent, start: this.#position, end: this.#position };
    const href = attributeOf(node, 'href');
    if (tag === 'br') this.#addText('\n', parent);
    if (tag === 'base') this.#baseHref ??= href;
    if ((tag === 'a' || tag === 'area') && href !== undefined) {
      const saveAs = attributeOf(node, 'download');
      this.#anchors.push({ position: this.#position, element, href, saveAs });
    }
    return UNSEEN.has(tag) ? undefined : element;
  }
}

function attributeOf(node: ParsedElement, name: string): string | undefined {
  return node.attrs.find((attribute) => attribute.name === name)?.value;
}

/** Something with its place in the order of a page. */
export interface Placed {
  readonly position: number;
}

/** The items of a list sorted by position that lie between two positions, both included. */
export function between<Item extends Placed>(
  items: readonly Item[],
  from: number,
  to: number,
): readonly Item[] {
  return items.slice(...boundsOf(items, from, to));
}

/** As `between`, without making the list. */
export function countBetween(items: readonly Placed[], from: number, to: number): number {
  const [first, end] = boundsOf(items, from, to);
  return end - first;
}

function boundsOf(items: readonly Placed[], from: number, to: number): [number, number] {
  const positionOf = (item: Placed) => item.position;
  return [countBelow(items, positionOf, from), countBelow(items, positionOf, to + 1)];
}

/** How many items of a list sorted by a key have a lesser one: by halves, for pages may be long. */
export function countBelow<Item>(
  items: readonly Item[],
  keyOf: (item: Item) => number,
  limit: number,
): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const item = items[middle];
    if (item !== undefined && keyOf(item) < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
