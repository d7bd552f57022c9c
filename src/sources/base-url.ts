import type { ManifestFile } from '../manifest/manifest.ts';
import { toPrintableUrl } from '../text.ts';
import type { Location, OpenedSource } from './source.ts';

const PLACE = '{name}';

/** Whether a URL says itself where the name goes: `https://lab/get?file={name}`. */
export function isTemplate(typed: string): boolean {
  return typed.includes(PLACE);
}

/**
 * Where a file lies under a base URL: its name behind the path, or in the place of `{name}`. A
 * query is kept, for it may be the key to the whole folder (a signed link of cloud storage).
 */
export function toFileUrl(base: string, name: string): string {
  const encoded = encodeURIComponent(name);
  if (isTemplate(base)) return toBareUrl(base.replaceAll(PLACE, encoded)).href;
  const url = toBareUrl(base);
  url.pathname = `${url.pathname.replace(/\/$/, '')}/${encoded}`;
  return url.href;
}

/** Without userinfo, which goes to the sources' own origins by another way, and without fragment. */
export function toBareUrl(text: string, base?: string): URL {
  const url = new URL(text, base);
  url.username = '';
  url.password = '';
  url.hash = '';
  return url;
}

/** Whether two URLs are of one place on one server; a signed link's query changes from time to time. */
export function isSameAddress(one: string, other: string): boolean {
  if (!URL.canParse(one) || !URL.canParse(other)) return false;
  const [a, b] = [new URL(one), new URL(other)];
  return a.host === b.host && a.pathname === b.pathname;
}

/** A URL with `{name}`: there is nothing to find out about it. */
export function openTemplate(template: string): OpenedSource {
  return {
    kind: 'base-url',
    name: toPrintableUrl(template).replaceAll('%7Bname%7D', PLACE),
    locate: ({ name }) => located(toFileUrl(template, name)),
  };
}

/** The URL of one file of the manifest, which ends in the file's name. */
export function openFileUrl(typed: string, { name }: ManifestFile): OpenedSource {
  const url = toBareUrl(typed).href;
  return {
    kind: 'file',
    name: toPrintableUrl(typed),
    locate: (file) => located(file.name === name ? url : undefined),
  };
}

/** The addresses that the manifest itself has for files. */
export function openManifestUrls(): OpenedSource {
  return {
    kind: 'manifest',
    name: "the manifest's url",
    locate: ({ url }) => located(url),
  };
}

function located(url: string | undefined): Promise<Location | undefined> {
  return Promise.resolve(url === undefined ? undefined : { kind: 'url', url });
}
