import { count, toPrintable } from '../text.ts';
import { CcxriError } from '../errors.ts';
import type { Manifest, ManifestFile } from '../manifest/schema.ts';
import type { PageReading } from './page-read.ts';
import type { Location } from './source.ts';
import { unusable } from './hints.ts';

/**
 * Where a page has a file.
 * @throws CcxriError `source-unusable` where its MD5 is there and it can't be told for which file
 */
export function locateOnPage(
  { urls, ambiguous }: PageReading,
  { name, md5 }: ManifestFile,
  { source, homepage }: { readonly source: string; readonly homepage: string },
): Location | undefined {
  const url = urls.get(name);
  if (url !== undefined) return { kind: 'url', url };
  if (!ambiguous.has(name)) return undefined;
  throw unusable(
    `${source} has the MD5 of ${name} (${md5}), but it stands for several files, and neither category, size nor name tells which link is whose`,
    homepage,
    { file: name, source },
  );
}

/**
 * Why nothing can be had through a page without one link to a file: what it is like, in plain words.
 * @param hint a nearer way on than the two there are always
 */
export function explainEmpty(
  reading: PageReading,
  { dataset, version, homepage }: Manifest,
  { source, hint }: { readonly source: string; readonly hint?: string | undefined },
): CcxriError {
  const title = reading.title === '' ? '' : ` (its title: "${toPrintable(reading.title, 80)}")`;
  return unusable(
    `${source} is a web page${title} ${lackOf(reading, `${dataset} ${version}`)}`,
    homepage,
    { source, ...(hint === undefined ? {} : { hint }) },
  );
}

function lackOf(reading: PageReading, release: string): string {
  const { anchors, links, knownMd5s, otherMd5s } = reading;
  if (knownMd5s > 0) {
    const what = anchors === 0 ? 'no link at all' : 'no link with them that can be followed';
    return `that lists ${count(knownMd5s, 'file')} of ${release} by MD5, but has ${what}: in a browser, its links may be made by scripts`;
  }
  if (otherMd5s > 0) {
    return `with ${count(otherMd5s, 'MD5')}, but none of ${release}: it may be of another release`;
  }
  if (anchors === 0) {
    return 'without any link: it may be made by scripts, or be a login or busy page';
  }
  const which = links === anchors ? '' : ` (${links} can be followed)`;
  return `with ${count(anchors, 'link')}${which}, but without any MD5 of ${release}: its list may be made by scripts, or it is a login or busy page, or another page than the one with the table of files`;
}
