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
  /** Taken from a bare name in a script or attribute. */
  readonly isGuess: boolean;
}

/** Where a page comes from. */
export type PageOrigin =
  | { readonly kind: 'live'; readonly url: string }
  | {
      readonly kind: 'saved';
      /** Browsers put what belongs to `page.html` into `page_files/` beside it. */
      readonly fileName: string;
      readonly homepage: string;
      /** Where it was, by the user's word: it counts more than what the page says. */
      readonly pageUrl?: string | undefined;
      /** Where it was, by the file that it is a part of. */
      readonly location?: string | undefined;
    };

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
  const frames = tree.frames.map((written) => {
    const url = toWebUrl(written, base);
    const isOpen = url !== undefined && url.href !== document && !leadsInside(url, origin);
    return { written, url: isOpen ? url.href : undefined };
  });
  return { links, frames, base, isBaseGuessed };
}

function toLink(anchor: PageAnchor, url: URL, tree: PageTree): PageLink {
  const { position, element, href, saveAs, isGuess } = anchor;
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
    isGuess,
  };
}

function baseOf({ head }: PageTree, origin: PageOrigin) {
  if (origin.kind === 'live') {
    const document = toWebUrl(origin.url)?.href ?? origin.url;
    return {
      document,
      base: toWebUrl(head.base ?? '', document)?.href ?? document,
      isBaseGuessed: false,
    };
  }
  const typed = toWebUrl(origin.pageUrl ?? '')?.href;
  if (typed !== undefined) return { document: typed, base: typed, isBaseGuessed: false };
  const { savedFrom = '', base = '', canonical = '' } = head;
  const known = [savedFrom, origin.location ?? '', base, canonical].flatMap((text) => {
    return toWebUrl(text)?.href ?? [];
  })[0];
  const document = known ?? toWebUrl(origin.homepage)?.href ?? origin.homepage;
  return {
    document,
    base: toWebUrl(base, document)?.href ?? document,
    isBaseGuessed: known === undefined,
  };
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
  return pathInSave(href, origin.fileName) !== undefined;
}

/** The path below the folder that a browser makes beside a page that it saves; undefined: another. */
export function pathInSave(href: string, fileName: string): string | undefined {
  const stem = withoutPageEnding(fileName);
  const path = decodeOrKeep(
    href
      .trim()
      .replace(/^\.\//, '')
      .replace(/[?#].*$/s, ''),
  );
  const folder = [`${stem}_files/`, `${stem}.files/`].find((name) => path.startsWith(name));
  return folder === undefined || path.split(/[/\\]/).includes('..') ? undefined : path;
}

/** A public page must not send requests into this machine's network; a local or saved page may. */
function leadsInside({ hostname }: URL, origin: PageOrigin): boolean {
  return origin.kind === 'live' && isInside(hostname) && !isInside(new URL(origin.url).hostname);
}
