import type { ManifestFile } from '../manifest/manifest.ts';
import { isPlausibleSize } from '../manifest/size.ts';
import { archiveKey } from './match-image.ts';
import type { HashedSeen } from './take-file.ts';

/** A file of the manifest, and what was found that may be it. */
export interface FileMatch {
  readonly file: ManifestFile;
  /** The first that passes is taken. */
  readonly found: readonly HashedSeen[];
}

/**
 * Which of the hashed files are which of the manifest: by the MD5. Where that is disputed, another MD5 may be
 * the right one: then the file's name has to be that of a copy of the archive, and acceptance looks at its content. Pure.
 */
export function matchFiles(
  hashed: readonly HashedSeen[],
  files: readonly ManifestFile[],
): { readonly matches: readonly FileMatch[]; readonly others: readonly HashedSeen[] } {
  const byMd5 = new Map<string, HashedSeen[]>();
  for (const each of hashed) byMd5.set(each.md5, [...(byMd5.get(each.md5) ?? []), each]);
  const used = new Set<HashedSeen>();
  const matches = files.flatMap((file) => {
    const published = byMd5.get(file.md5) ?? [];
    const found = [
      ...published,
      ...(file.md5Disputed === undefined ? [] : byName(hashed, file)),
    ].filter(({ bytes }) => isPlausibleSize(file, bytes));
    for (const each of found) used.add(each);
    return found.length === 0 ? [] : [{ file, found: [...new Set(found)] }];
  });
  // The published MD5 with another size: acceptance would not have it, either.
  return { matches, others: hashed.filter((each) => !used.has(each)) };
}

function byName(hashed: readonly HashedSeen[], { name }: ManifestFile): readonly HashedSeen[] {
  const key = archiveKey(name).replace(/[^a-z0-9]/g, '\\$&');
  // `Viral-1 - Copy (2).zip`, `Viral-1.zip.1`: as browsers, file managers and wget name a copy. Not what only
  // mentions it, as `project-viral-1.zip` or `Viral-1_denoised.zip`.
  const copy = `(?:copy of )?${key}(?: - copy)?(?: ?\\(\\d+\\))?(?:\\.zip(?:\\.\\d+)?)?`;
  // The end of an address, or a value of its query: `get?f=Viral-1.zip&x=1`, `Viral-1.zip?dl=1`.
  const address = `(?:.*(?:=|/|%2f))?${key}\\.zip(?:\\.\\d+|[?@&].*)?`;
  const pattern = new RegExp(`^(?:${copy}|${address})$`);
  return hashed.filter(({ name: found }) =>
    pattern.test(found.trim().toLowerCase().replaceAll('_', '-')),
  );
}
