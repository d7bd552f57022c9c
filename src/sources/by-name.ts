import { isCcxriError } from '../errors.ts';
import { parseAddress, toBareUrl, toFileUrl } from './address.ts';
import type { ManifestFile } from '../manifest/manifest.ts';
import type { SourceContext } from './source.ts';

/**
 * Base URLs under which files may lie by name, where the page at a URL has no links to them: its
 * directory, and the page itself as one.
 * @param urls of the page: as typed, after redirects, what its links refer to
 */
export function basesNear(urls: readonly string[]): readonly string[] {
  const bases = urls.flatMap((text) => {
    const { origin, pathname } = toBareUrl(text);
    const directory = pathname.replace(/[^/]*$/, '');
    return (
      parseAddress(text).isPage ? [directory] : [`${pathname.replace(/\/$/, '')}/`, directory]
    ).map((path) => origin + path);
  });
  return [...new Set(bases)].slice(0, MAX_BASES);
}

const MAX_BASES = 4;

/** The first of several base URLs that `serves` the file. @throws CcxriError `aborted` */
export async function findByName(
  bases: readonly string[],
  file: ManifestFile,
  context: SourceContext,
): Promise<string | undefined> {
  for (const base of bases) {
    if (await serves(toFileUrl(base, file.name), file, context)) return base;
  }
  return undefined;
}

/**
 * Whether a URL serves what begins as the file does. A login page, which a server sends for any URL, does
 * not.
 * @throws CcxriError `aborted`
 */
export async function serves(
  url: string,
  file: ManifestFile,
  { loadStart, signal }: SourceContext,
): Promise<boolean> {
  try {
    const start = await loadStart?.(url, signal);
    return start !== undefined && looksLike(file, start);
  } catch (error) {
    if (!isCcxriError(error) || error.code === 'aborted') throw error;
    return false;
  }
}

/** A zip's first record, also behind the marker of a split archive; the header of a table. */
function looksLike({ kind }: ManifestFile, start: Buffer): boolean {
  const text = start.toString('latin1');
  if (kind === 'archive') return /^(?:PK\x07\x08|PK00)?PK\x03\x04|^PK\x05\x06/.test(text);
  return /^(?:\xef\xbb\xbf)?[\w "-]+(?:[,;\t][\w "-]+)+(?:[\r\n]|$)/.test(text);
}
