import { sha256Of } from '../dataset/kept-manifest.ts';
import type { ImageChoice } from '../labels/image-choice.ts';
import type { TypedChoice } from '../labels/make-choice.ts';
import { compareArchives } from '../labels/join.ts';
import { type Manifest, type ManifestFile, stemOf } from '../manifest/manifest.ts';
import type { LockedChoice } from './types.ts';

/**
 * Version of what a fetch makes of its files: the folders of a dataset directory, and the columns of
 * index.csv. Raise it when either changes: cache keys and lockfiles of before are no longer good then.
 */
export const LAYOUT_VERSION = 1;

/** JSON with its keys sorted: the same text for the same data, on every machine. */
export function canonicalJson(data: unknown): string {
  return JSON.stringify(data, (_, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}

/** Archives as index.csv has them, then label files. */
export function sortFiles(files: readonly ManifestFile[]): readonly ManifestFile[] {
  const place = ({ kind }: ManifestFile) => (kind === 'archive' ? 0 : 1);
  return [...files].sort(
    (a, b) => place(a) - place(b) || compareArchives(stemOf(a.name), stemOf(b.name)),
  );
}

/** What of a file decides what is accepted as it, and what its images are in index.csv. */
function contentOf({ name, kind, category, subsets, md5, md5Disputed }: ManifestFile) {
  return { name, kind, category, subsets, md5, isDisputed: md5Disputed !== undefined };
}

export function manifestSha256({ dataset, version, files }: Manifest): string {
  const all = sortFiles(files).map((file) => ({
    ...contentOf(file),
    size: file.size,
    bytes: file.bytes ?? null,
  }));
  return sha256Of(canonicalJson({ dataset, version, files: all }));
}

/** @param files sorted */
export function md5ListSha256(files: readonly ManifestFile[]): string {
  return sha256Of(files.map(({ md5, name }) => `${md5}  ${name}\n`).join(''));
}

export function toLockedChoice(choice: ImageChoice): LockedChoice {
  const { labels, allLabels = false, withoutLabels, seed } = choice;
  const { patients, images, limit = null, perLabel = null, normals = null } = choice;
  const listOf = (names: ReadonlySet<string> | undefined) =>
    names === undefined ? null : sha256Of([...names].sort().join('\n'));
  return {
    labels: [...labels].sort(),
    // One label alone is the same either way.
    allLabels: allLabels && labels.length > 1,
    withoutLabels: [...withoutLabels].sort(),
    patients: listOf(patients),
    images: listOf(images),
    ...{ limit, perLabel, normals, seed },
  };
}

/** As it was typed, but for lists, of which a lockfile has no more than the hash. */
export function choiceOfLocked(locked: LockedChoice): TypedChoice {
  const { labels, allLabels, withoutLabels, limit, perLabel, normals, seed } = locked;
  return {
    ...{ labels, allLabels, withoutLabels, seed },
    limit: limit ?? undefined,
    perLabel: perLabel ?? undefined,
    normals: normals ?? undefined,
  };
}

/** What of a fetch decides what is in the dataset directory in the end. */
export interface CacheKeyOptions {
  readonly manifest: Manifest;
  /** What is selected, with the label files that come with it. */
  readonly files: readonly ManifestFile[];
  /** Which images of these. Default: all. */
  readonly images?: ImageChoice | undefined;
  /** Default true. */
  readonly extract?: boolean | undefined;
  /** Default false. */
  readonly deleteArchives?: boolean | undefined;
}

/**
 * A key for the cache of a CI system: the same for the same content of a dataset directory, on every machine.
 * Of letters, digits and dashes, as every such system takes it.
 */
export function cacheKeyOf(options: CacheKeyOptions): string {
  const { manifest, files, images, extract = true, deleteArchives = false } = options;
  const { dataset, version } = manifest;
  const hash = sha256Of(
    canonicalJson({
      layoutVersion: LAYOUT_VERSION,
      ...{ dataset, version, extract, deleteArchives },
      files: sortFiles(files).map(contentOf),
      images: images === undefined ? null : toLockedChoice(images),
    }),
  );
  const name = `${dataset}-${version}`.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  return `ccxri-${name.slice(0, 60)}-${hash.slice(0, 32)}`;
}
