import type { DefaultTreeAdapterMap, DefaultTreeAdapterTypes, TreeAdapter } from 'parse5';
import { CcxriError } from '../errors.ts';
import { addressIn, isAddress } from './page-attributes.ts';
import { FormReader } from './page-forms.ts';
import { MAX_TOKENS, readScript } from './page-script.ts';
import {
  type PageAnchor,
  type PageElement,
  type PageHead,
  type PageText,
  type PageTree,
  collapse,
  toUnits,
} from './page-tree.ts';

/** Blink's own limit; the work for one tag grows with its depth. */
const MAX_DEPTH = 512;
/** Many times an honest page; a small page can be written that expands to millions of elements. */
const MAX_ELEMENTS = 300_000;

/** How much of a page is read: what a reader sees; also MD5s in attributes, and data in scripts. */
export type PageDepth = 'seen' | 'hidden';

/**
 * Parses HTML as a browser would, once for all depths that it is read to; no script is run.
 * @throws CcxriError `source-unusable` if the page is nested too deep or too long
 */
export async function parsePage(html: string): Promise<(depth: PageDepth) => PageTree> {
  // Loaded here, so that only runs that read a page wait for it.
  const { parse, defaultTreeAdapter } = await import('parse5');
  const treeAdapter = withLimits(defaultTreeAdapter);
  const document = parse(html, { treeAdapter, scriptingEnabled: false });
  return (depth) => new Walk(depth).through(document);
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

/** Where programs write the address of a page that they save: Chrome, Edge and IE; SingleFile. */
const SAVED_FROM = [
  /^\s*saved from url=\(\d+\)(\S+)/,
  /^\s*Page saved with SingleFile\s+url:\s*(\S+)/,
];

/** What XHTML has for text, and HTML reads as a comment. */
const CDATA = /^\[CDATA\[(.*?)(?:\]\]?)?$/s;

type Attributes = ReadonlyMap<string, string>;

/** Walks a parsed page without recursion: a page may be nested deeper than the stack. */
class Walk {
  readonly #isHidden: boolean;
  readonly #texts: PageText[] = [];
  readonly #anchors: PageAnchor[] = [];
  readonly #forms = new FormReader();
  readonly #frames: string[] = [];
  readonly #head: { -readonly [Key in keyof PageHead]: PageHead[Key] } = {
    base: undefined,
    savedFrom: undefined,
    canonical: undefined,
  };
  #position = 0;
  #title: string | undefined;
  /** Of an attribute, with the number of links before it. */
  #lastMd5: string | undefined;
  #tokensLeft = MAX_TOKENS;

  constructor(depth: PageDepth) {
    this.#isHidden = depth === 'hidden';
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
    const anchors = [...this.#anchors, ...this.#forms.anchors()];
    return {
      texts: this.#texts,
      units: toUnits(this.#texts),
      anchors: anchors.sort((a, b) => a.position - b.position),
      title: collapse(this.#title ?? ''),
      head: this.#head,
      frames: this.#frames,
    };
  }

  /** @returns the element, if its children are to be visited */
  #visit(node: DefaultTreeAdapterTypes.Node, parent: PageElement): PageElement | undefined {
    this.#position += 1;
    if ('tagName' in node) return this.#visitElement(node, parent);
    if ('value' in node) this.#addText(node.value, parent);
    if ('data' in node) this.#visitComment(node.data, parent);
    return undefined;
  }

  #visitComment(text: string, parent: PageElement): void {
    const content = CDATA.exec(text)?.[1];
    if (content !== undefined) this.#addText(content, parent);
    const saved = SAVED_FROM.map((form) => form.exec(text)?.[1]);
    this.#head.savedFrom ??= saved.find((url) => url !== undefined);
  }

  #addText(value: string, element: PageElement): void {
    if (element.tag === 'title') this.#title ??= value;
    else this.#texts.push({ position: this.#position, element, value });
  }

  #visitElement(
    node: DefaultTreeAdapterTypes.Element,
    parent: PageElement,
  ): PageElement | undefined {
    const { tagName: tag } = node;
    const position = this.#position;
    const element: PageElement = { tag, parent, start: position, end: position };
    const attributes = new Map(node.attrs.map(({ name, value }) => [name, value]));
    if (tag === 'br') this.#addText('\n', parent);
    this.#readHead(tag, attributes);
    const src = attributes.get('src');
    if ((tag === 'frame' || tag === 'iframe') && src !== undefined) this.#frames.push(src);
    const anchor = toAnchor(tag, attributes);
    if (anchor !== undefined) this.#anchors.push({ position, element, ...anchor });
    this.#forms.visit(element, attributes);
    if (this.#isHidden) this.#readHidden(node, element, attributes);
    return UNSEEN_ELEMENTS.has(tag) ? undefined : element;
  }

  #readHead(tag: string, attributes: Attributes): void {
    const valueOf = (name: string) => attributes.get(name);
    if (tag === 'base') this.#head.base ??= valueOf('href');
    if (tag === 'link' && valueOf('rel') === 'canonical') this.#head.canonical ??= valueOf('href');
    if (tag !== 'meta') return;
    const content = valueOf('content');
    if (valueOf('property') === 'og:url') this.#head.canonical ??= content;
    if (valueOf('name') === 'savepage-url') this.#head.savedFrom ??= content;
    if (valueOf('http-equiv')?.toLowerCase() !== 'refresh') return;
    const target = /^[\s\d.]*[;,\s]\s*(?:url\s*=\s*)?["']?([^"']+)/i.exec(content ?? '')?.[1];
    if (target !== undefined) this.#frames.push(target);
  }

  /** What a reader does not see: MD5s in attributes, and the data that scripts make a page of. */
  #readHidden(
    node: DefaultTreeAdapterTypes.Element,
    element: PageElement,
    attributes: Attributes,
  ): void {
    for (const value of attributes.values()) {
      const md5 = value.length > MAX_ATTRIBUTE ? undefined : MD5.exec(value)?.[0].toLowerCase();
      // Beside the field that shows it, there often is a button to copy it.
      const mark = md5 && `${md5} ${this.#anchors.length}`;
      if (mark === undefined || mark === this.#lastMd5) continue;
      this.#lastMd5 = mark;
      this.#texts.push({
        position: element.start,
        element: { tag: '#attribute', parent: element, start: element.start, end: element.start },
        value,
      });
    }
    if (node.tagName !== 'script') return;
    const text = node.childNodes.map((child) => ('value' in child ? child.value : '')).join('');
    const script = readScript(text, element, this.#position, this.#tokensLeft);
    this.#tokensLeft -= script.end - this.#position;
    for (const each of script.texts) this.#texts.push(each);
    for (const each of script.anchors) this.#anchors.push(each);
    element.end = this.#position = script.end;
  }
}

const MD5 = /[0-9a-f]{32}/i;
const MAX_ATTRIBUTE = 4000;

/** Links that lead nowhere by themselves: a script does what they are for. */
const NO_LINK = /^\s*(?:$|#|javascript:)/i;

/** Where an element leads that a reader clicks on: by its link, an attribute for scripts, or a handler. */
function toAnchor(
  tag: string,
  attributes: Attributes,
): Pick<PageAnchor, 'href' | 'saveAs' | 'isGuess'> | undefined {
  const href = tag === 'a' || tag === 'area' ? attributes.get('href') : undefined;
  const saveAs = attributes.get('download');
  if (href !== undefined && !NO_LINK.test(href)) return { href, saveAs, isGuess: false };
  const scripted = addressIn(attributes);
  if (scripted !== undefined) {
    return { href: scripted, saveAs, isGuess: isAddress(scripted) === 'name' };
  }
  return href === undefined ? undefined : { href, saveAs, isGuess: false };
}
