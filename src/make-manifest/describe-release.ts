import type { Manifest, ManifestFile } from '../manifest/schema.ts';
import { toPrintable } from '../text.ts';

interface Found {
  /** Name of the directory. */
  readonly directory: string;
  readonly date: Date;
}

/**
 * What a manifest says of its release. The name and version of `like` only for what is a part of it,
 * or the whole, by names and MD5s; other bytes under its names are a version of their own, by their
 * date; files of which it knows not one name are another dataset, named for its directory. The
 * homepage is that of `like` in any case: the form wants one.
 */
export function describeRelease(
  files: readonly ManifestFile[],
  like: Manifest,
  { directory, date }: Found,
): Omit<Manifest, 'files'> {
  const { files: published, ...release } = like;
  const known = new Map(published.map((file) => [file.name, file]));
  const models = files.map((file) => ({ file, model: known.get(file.name) }));
  const isSame = models.some(({ file, model }) => model?.md5 === file.md5);
  if (isSame && models.every(({ file, model }) => isPossible(file, model))) return release;
  const released = date.toISOString().slice(0, 10);
  const own = { ...release, version: `described on ${released}`, released };
  if (files.some(({ name }) => known.has(name))) return own;
  return { ...own, dataset: toPrintable(directory, 90) || 'files', citation: '' };
}

/** A disputed MD5 speaks neither for a file nor against it. */
function isPossible(file: ManifestFile, published: ManifestFile | undefined): boolean {
  if (published === undefined) return false;
  return published.md5Disputed !== undefined || published.md5 === file.md5;
}
