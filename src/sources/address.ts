import { sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { errnoOf } from '../errors.ts';
import { toPrintable } from '../text.ts';

const PLACEHOLDER = '{name}';

/**
 * A source as typed. `isPage`: its name says that it can only be a page. The kind of a path is known
 * once it is looked at, and that of a URL once it has answered.
 */
export type Address = { readonly isPage: boolean } & (
  | { readonly kind: 'path'; readonly path: string }
  /** `url`: without userinfo and fragment. */
  | { readonly kind: 'web'; readonly url: string }
  /** `url`: as typed, with `{name}` where the name of a file goes. */
  | { readonly kind: 'template'; readonly url: string }
  | { readonly kind: 'invalid'; readonly why: string }
);

/** Whether paths are those of Windows here: `C:\data`, `\\server\share`. */
const ON_WINDOWS = sep === '\\';

/**
 * What kind of source a text is: a path, a URL (file, http or https), or a URL with `{name}`.
 * @param windows whether `file://server/share` names a path
 */
export function parseAddress(typed: string, windows = ON_WINDOWS): Address {
  const isPage = hasPageName(typed);
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(typed)?.[1]?.toLowerCase();
  // `D:\mirror`, a path on Windows, has no `://`.
  if (scheme === undefined) return { kind: 'path', path: typed, isPage };
  if (!['http', 'https', 'file'].includes(scheme)) {
    const what = `a ${toPrintable(scheme, 20)}:// address`;
    return { kind: 'invalid', why: `${what} can't be a source: http, https and file can`, isPage };
  }
  if (!URL.canParse(typed)) return { kind: 'invalid', why: 'it is no valid URL', isPage };
  if (scheme === 'file') return parseFileUrl(typed, windows);
  if (typed.includes(PLACEHOLDER)) return { kind: 'template', url: typed, isPage: false };
  const { href, pathname } = toBareUrl(typed);
  const isScript = /\.(?:php|aspx?|jsp)$/i.test(pathname);
  return { kind: 'web', url: href, isPage: isScript || hasPageName(pathname) };
}

function parseFileUrl(url: string, windows: boolean): Address {
  const isPage = hasPageName(url);
  try {
    return { kind: 'path', path: fileURLToPath(url, { windows }), isPage };
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    const why = 'it names no file of this machine (file:///path does)';
    return { kind: 'invalid', why, isPage };
  }
}

const PAGE_ENDING = /\.x?html?$/i;

export function hasPageName(path: string): boolean {
  return PAGE_ENDING.test(path);
}

/** `page.html` as `page`. */
export function withoutPageEnding(name: string): string {
  return name.replace(PAGE_ENDING, '');
}

/**
 * The URL of a file under a base URL: its name after the path, or in place of `{name}`. A query is
 * kept, as it may be the key to the whole folder (a signed link of cloud storage).
 */
export function toFileUrl(base: string, name: string): string {
  const encoded = encodeURIComponent(name);
  if (base.includes(PLACEHOLDER)) return toBareUrl(base.replaceAll(PLACEHOLDER, encoded)).href;
  const url = toBareUrl(base);
  url.pathname = `${url.pathname.replace(/\/$/, '')}/${encoded}`;
  return url.href;
}

/** Without fragment and userinfo: credentials are sent separately, to the sources' origins alone. */
export function toBareUrl(text: string, base?: string): URL {
  const url = new URL(text, base);
  url.username = '';
  url.password = '';
  url.hash = '';
  return url;
}

/** Whether two URLs are of one place on one server: the query of a signed link changes. */
export function isSameAddress(one: string, other: string): boolean {
  if (!URL.canParse(one) || !URL.canParse(other)) return false;
  const [a, b] = [new URL(one), new URL(other)];
  return a.host === b.host && a.pathname === b.pathname;
}
