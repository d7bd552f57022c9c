import { isInside } from '../http/redirect.ts';
import { decodeOrKeep } from '../text.ts';
import { toBareUrl, withoutPageEnding } from './address.ts';
import { type PageAnchor, type PageTree, between, collapse } from './page-tree.ts';

/** A link that can be followed. */
export interface PageLink {
  readonly position: number;
  /** Absolute, http or https, without user, password and fragment. */
  readonly url: string;
  /** What a reader sees of it. */
  readonly text: string;
  /** It has a `download` attribute. */
  readonly hasSaveAs: boolean;
  /**
   * Names that its target may have, in lower case (servers on Windows ignore case): the last segment
   * of its path and of each value in its query, its text, its `download` attribute.
   */
  readonly names: readonly string[];
  /** It depends on where the page is. */
  readonly isRelative: boolean;
}

/** Where a page comes from. */
export type PageOrigin =
  | { readonly kind: 'live'; readonly url: string }
  /** `fileName`: browsers put what belongs to `page.html` into `page_files/` beside it. */
  | { readonly kind: 'saved'; readonly fileName: string; readonly homepage: string };

/**
 * The links that lead elsewhere on the web: not scripts, mail, local files or the page itself.
 * `base`: what relative links refer to; `isBaseGuessed`: a saved page does not say where it was.
 */
export function resolveAnchors(tree: PageTree, origin: PageOrigin) {
  const { document, base, isBaseGuessed } = baseOf(tree, origin);
  const links = tree.anchors.flatMap((anchor): readonly PageLink[] => {
    const url = isSavedPart(anchor.href, origin) ? undefined : toWebUrl(anchor.href, base);
    if (url === undefined || url.href === document || leadsInside(url, origin)) return [];
    return [toLink(anchor, url, tree)];
  });
  return { links, base, isBaseGuessed };
}

function toLink({ position, element, href, saveAs }: PageAnchor, url: URL, tree: PageTree) {
  const words = between(tree.texts, element.start, element.end).map(({ value }) => value);
  const text = collapse(words.join(''));
  const ends = [url.pathname, ...url.searchParams.values()].map((it) => it.split('/').at(-1) ?? '');
  return {
    position,
    url: url.href,
    text,
    hasSaveAs: saveAs !== undefined,
    names: [...ends.map(decodeOrKeep), text, saveAs ?? ''].map((name) => name.toLowerCase()),
    isRelative: !URL.canParse(href),
  };
}

function baseOf({ baseHref = '', savedFrom = '' }: PageTree, origin: PageOrigin) {
  const isSaved = origin.kind === 'saved';
  const home = isSaved ? toWebUrl(savedFrom)?.href : origin.url;
  const fallback = isSaved ? origin.homepage : origin.url;
  const document = toWebUrl(home ?? fallback)?.href ?? fallback;
  const base = toWebUrl(baseHref, document)?.href ?? document;
  return { document, base, isBaseGuessed: home === undefined && toWebUrl(baseHref) === undefined };
}

/** Without userinfo: credentials are sent separately, to the origins of the sources alone. */
function toWebUrl(text: string, base?: string): URL | undefined {
  const trimmed = text.trim();
  if (trimmed === '' || trimmed.startsWith('#') || !URL.canParse(trimmed, base)) return undefined;
  const url = toBareUrl(trimmed, base);
  return url.protocol === 'http:' || url.protocol === 'https:' ? url : undefined;
}

function isSavedPart(href: string, origin: PageOrigin): boolean {
  if (origin.kind !== 'saved') return false;
  const folder = `${withoutPageEnding(origin.fileName)}_files/`;
  const path = href.trim().replace(/^\.\//, '');
  return path.startsWith(folder) || path.startsWith(encodeURI(folder));
}

/** A public page must not send requests into this machine's network; a local or saved page may. */
function leadsInside({ hostname }: URL, origin: PageOrigin): boolean {
  return origin.kind === 'live' && isInside(hostname) && !isInside(new URL(origin.url).hostname);
}
