import { isInside } from '../http/redirect.ts';
import { decodeOrKeep } from '../text.ts';
import { type PageAnchor, type PageElement, type PageTree, between } from './page-tree.ts';

/** A link that can be followed. */
export interface PageLink {
  readonly position: number;
  readonly element: PageElement;
  /** Absolute, http or https, without user, password and fragment. */
  readonly url: string;
  /** What a reader sees of it. */
  readonly text: string;
  /** It says under which name to save what it leads to. */
  readonly hasSaveAs: boolean;
  /** What it may be called after: the end of its path, of a value of its query, or its words. */
  readonly names: readonly string[];
  /** It depends on where the page lies. */
  readonly isRelative: boolean;
}

/** Where a page comes from. */
export type PageOrigin =
  | { readonly kind: 'live'; readonly url: string }
  /** `fileName`: browsers put what belongs to `page.html` into `page_files/` beside it. */
  | { readonly kind: 'saved'; readonly fileName: string; readonly homepage: string };

export interface PageLinks {
  readonly links: readonly PageLink[];
  /** What relative links refer to. */
  readonly base: string;
  /** Nothing in a saved page says where it was: `base` is the homepage of the manifest. */
  readonly isBaseGuessed: boolean;
}

/** The links of a page that lead to another place of the web; scripts, mail, local files are none. */
export function resolveAnchors(tree: PageTree, origin: PageOrigin): PageLinks {
  const { document, base, isBaseGuessed } = baseOf(tree, origin);
  const links = tree.anchors.flatMap((anchor): readonly PageLink[] => {
    const url = isSavedPart(anchor.href, origin) ? undefined : toWebUrl(anchor.href, base);
    if (url === undefined || url.href === document || leadsInside(url, origin)) return [];
    return [toLink(anchor, url, tree)];
  });
  return { links, base, isBaseGuessed };
}

function toLink(anchor: PageAnchor, url: URL, tree: PageTree): PageLink {
  const { position, element, href, saveAs } = anchor;
  const words = between(tree.texts, element.start, element.end).map(({ value }) => value);
  const text = words.join('').replace(/\s+/g, ' ').trim();
  const ends = [url.pathname, ...url.searchParams.values()].map((it) => it.split('/').at(-1) ?? '');
  return {
    position,
    element,
    url: url.href,
    text,
    hasSaveAs: saveAs !== undefined,
    // Lower case: servers on Windows do not mind it either.
    names: [...ends.map(decodeOrKeep), text, saveAs ?? ''].map((name) => name.toLowerCase()),
    isRelative: !URL.canParse(href),
  };
}

function baseOf(tree: PageTree, origin: PageOrigin) {
  const { baseHref = '', savedFrom = '' } = tree;
  const saved = toWebUrl(savedFrom, undefined);
  const home = origin.kind === 'saved' ? saved?.href : origin.url;
  const fallback = origin.kind === 'saved' ? origin.homepage : origin.url;
  const document = toWebUrl(home ?? fallback, undefined)?.href ?? fallback;
  const base = toWebUrl(baseHref, document)?.href ?? document;
  const isBaseGuessed = home === undefined && toWebUrl(baseHref, undefined) === undefined;
  return { document, base, isBaseGuessed };
}

/** Without userinfo: what is secret goes to the origins of the sources alone, by another way. */
function toWebUrl(text: string, base: string | undefined): URL | undefined {
  const trimmed = text.trim();
  if (trimmed === '' || trimmed.startsWith('#') || !URL.canParse(trimmed, base)) return undefined;
  const url = new URL(trimmed, base);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return undefined;
  url.username = '';
  url.password = '';
  url.hash = '';
  return url;
}

function isSavedPart(href: string, origin: PageOrigin): boolean {
  if (origin.kind !== 'saved') return false;
  const folder = `${origin.fileName.replace(/\.x?html?$/i, '')}_files/`;
  const path = href.trim().replace(/^\.\//, '');
  return path.startsWith(folder) || path.startsWith(encodeURI(folder));
}

/** A page of the web has no business on this machine; a page on this machine, or saved here, may. */
function leadsInside(url: URL, origin: PageOrigin): boolean {
  return (
    origin.kind === 'live' && isInside(url.hostname) && !isInside(new URL(origin.url).hostname)
  );
}
