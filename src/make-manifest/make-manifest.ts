import { basename, resolve } from 'node:path';
import pLimit from 'p-limit';
import { runSignal, throwIfAborted } from '../abort.ts';
import { type Clock, systemClock } from '../clock.ts';
import type { NamedFile } from '../dataset/layout.ts';
import { CcxriError } from '../errors.ts';
import { type EventListener, ignoreEvents } from '../events.ts';
import type { HashedFile } from '../hash/hash-file.ts';
import { HashPool } from '../hash/hash-pool.ts';
import { type HashContext, hashWithProgress } from '../hash/hash-with-progress.ts';
import { type Manifest, type ManifestFile, stemOf } from '../manifest/manifest.ts';
import { toPublishedSize } from '../manifest/size.ts';
import { manifestSchema } from '../manifest/schema.ts';
import { toPrintable } from '../text.ts';
import { type ReleaseFile, scanRelease, unreadable } from './scan-release.ts';

/**
 * Describes the archives and label files of a directory, each by its exact size and MD5. Names are
 * checked before anything is hashed.
 * @throws CcxriError `usage`: no such directory, nothing in it, or a name that no manifest can have;
 * `missing`, `changed`: a file did while it was hashed; of the disk; `aborted`
 */
export async function makeManifest(options: MakeManifestOptions): Promise<MakeManifestResult> {
  const { directory, like, signal } = options;
  const { files, leftOut } = await scanRelease(directory);
  throwIfAborted(signal);
  const descriptions = describeFiles(files, like);
  assertDescribable(descriptions, like, directory);
  const hashes = await hashAll(files, options);
  const entries = descriptions.map((description) => {
    const hashed = hashes.get(description.name) ?? NOTHING;
    return { ...toEntry(description, hashed), ...urlOf(description.name, hashed, like) };
  });
  const date = (options.clock ?? systemClock).date();
  const release = describeRelease(entries, like, basename(resolve(directory)), date);
  return { manifest: manifestSchema.parse({ ...release, files: entries }), leftOut };
}

const NOTHING: HashedFile = { path: '', md5: '0'.repeat(32), bytes: 0 };

/** The MD5 is that of the very bytes: nothing of it is disputed. */
function toEntry(description: Description, { md5, bytes }: HashedFile) {
  return { ...description, size: toPublishedSize(bytes), md5, bytes };
}

/** The same bytes may be had where `like` has them. */
function urlOf(name: string, { md5 }: HashedFile, like: Manifest) {
  const model = like.files.find((file) => file.name === name);
  return model?.url === undefined || model.md5 !== md5 ? {} : { url: model.url };
}

function assertDescribable(
  descriptions: readonly Description[],
  like: Manifest,
  path: string,
): void {
  const entries = descriptions.map((description) => toEntry(description, NOTHING));
  const parsed = manifestSchema.safeParse({ ...like, files: entries });
  if (parsed.success) return;
  const reasons = parsed.error.issues.map(({ path: [, index], message }) => {
    const name = typeof index === 'number' ? (descriptions[index]?.name ?? '') : '';
    return `${toPrintable(name)}: ${message}`;
  });
  throw new CcxriError('usage', `no manifest can have these names: ${reasons.join('; ')}`, {
    path,
    next: [
      { kind: 'advice', text: 'rename the files (letters, digits, "-", "_", "." and spaces)' },
      { kind: 'again' },
    ],
  });
}

async function hashAll(
  files: readonly ReleaseFile[],
  options: MakeManifestOptions,
): Promise<ReadonlyMap<string, HashedFile>> {
  const { signal, onEvent = ignoreEvents } = options;
  const stop = new AbortController();
  const hashPool = new HashPool();
  const { clock = systemClock } = options;
  const context = { clock, onEvent, signal: runSignal(signal, stop), hashPool };
  const limit = pLimit(options.concurrency ?? hashPool.lanes);
  let failure: { readonly error: unknown } | undefined;
  const hashes = new Map<string, HashedFile>();
  // Waits for all of them, even after a failure: no handle outlives the call.
  await limit.map(files, async (file) => {
    try {
      hashes.set(file.name, await hashOne(file, context));
    } catch (error) {
      failure ??= { error };
      stop.abort();
    }
  });
  await hashPool.close();
  throwIfAborted(signal);
  if (failure !== undefined) throw failure.error;
  return hashes;
}

async function hashOne(
  { name: file, path, bytes: totalBytes }: ReleaseFile,
  context: HashContext,
): Promise<HashedFile> {
  throwIfAborted(context.signal);
  try {
    const hashed = await hashWithProgress(file, path, totalBytes, context);
    context.onEvent({ event: 'file-done', file, status: 'present', did: 'described' });
    return hashed;
  } catch (error) {
    throw unreadable(error, path);
  }
}

export interface MakeManifestOptions {
  /** Where the archives and label files are (also in archives/ and labels/ below it). */
  readonly directory: string;
  /**
   * Lends subsets and categories to files of the names it knows, its homepage always, and its name
   * and version where names and MD5s show that the files are of this very release.
   */
  readonly like: Manifest;
  /** Files hashed at once. Default: 8 for each processor, 24 at most. */
  readonly concurrency?: number | undefined;
  /** Dates a release that is not a known one. Default: the system's. */
  readonly clock?: Clock | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: EventListener | undefined;
}

export interface MakeManifestResult {
  /** The manifest: docs/manifest.md explains it. */
  readonly manifest: Manifest;
  /** Names of files that are neither archives nor label files: left out. */
  readonly leftOut: readonly string[];
}

/** What a manifest says of a file beside its content. */
type Description = Pick<ManifestFile, 'name' | 'kind' | 'category' | 'subsets'>;

/**
 * Category and subsets of files: of a name that `like` knows, as there; of one more of a series
 * that it knows (`Viral-3`), as of the series; of any other, by the name itself. In the order of
 * `like`, then archives and label files by name, numbers as numbers.
 */
function describeFiles(files: readonly NamedFile[], like: Manifest): readonly Description[] {
  const known = like.files.flatMap((model) => {
    const { name, kind, category, subsets } = model;
    return files.some((file) => file.name === name) ? [{ name, kind, category, subsets }] : [];
  });
  const others = files
    .filter(({ name }) => known.every((each) => each.name !== name))
    .sort((a, b) => byNumber.compare(a.name, b.name));
  const archives = others
    .filter(({ kind }) => kind === 'archive')
    .map(({ name }) => describeArchive(name, like));
  const ofArchives = [...known, ...archives].filter(({ kind }) => kind === 'archive');
  const everySubset = [...new Set(ofArchives.flatMap(({ subsets }) => subsets))];
  const labels = others
    .filter(({ kind }) => kind === 'labels')
    .map(({ name, kind }) => ({
      name,
      kind,
      category: 'labels',
      // Nothing says whose labels these are: they come with everything.
      subsets: everySubset.length > 0 ? everySubset : ['labels'],
    }));
  return [...known, ...archives, ...labels];
}

const byNumber = new Intl.Collator('en', { numeric: true });

function describeArchive(name: string, like: Manifest): Description {
  const series = seriesOf(name);
  const sibling = like.files.find(
    (file) => file.kind === 'archive' && seriesOf(file.name) === series,
  );
  const { category, subsets } = sibling ?? {
    category: series.slice(0, 100),
    subsets: [toSlug(series)],
  };
  return { name, kind: 'archive', category, subsets };
}

/** `ChestDx` of `ChestDx-22.zip`. */
function seriesOf(name: string): string {
  const stem = stemOf(name);
  return /^(.*[^-_ .0-9])[-_ .]*[0-9]+$/.exec(stem)?.[1] ?? stem;
}

function toSlug(text: string): string {
  const words = text.toLowerCase().split(/[^a-z0-9]+/);
  const slug = words.filter((word) => word !== '').join('-');
  // `all` always means every file.
  return slug === '' || slug === 'all' ? 'archives' : slug;
}

/**
 * What a manifest says about its release. It has the name and version of `like` only where its files
 * are all of that release, by name and MD5. Other bytes under those names are a version of their own,
 * named by date; files whose names are all unknown are another dataset, named for its directory. The
 * homepage is always that of `like`: a manifest needs one.
 */
function describeRelease(
  files: readonly ManifestFile[],
  like: Manifest,
  directory: string,
  date: Date,
): Omit<Manifest, 'files'> {
  const { files: published, bibtex, manifestVersion, dataset, version, homepage, citation } = like;
  // Without what was counted: that need not hold for these files.
  const about = { manifestVersion, dataset, version, released: like.released, homepage };
  const cited = { citation, ...(bibtex === undefined ? {} : { bibtex }) };
  const release = { ...about, ...cited };
  const known = new Map(published.map((file) => [file.name, file]));
  const models = files.map((file) => ({ file, model: known.get(file.name) }));
  const isSame = models.some(({ file, model }) => model?.md5 === file.md5);
  if (isSame && models.every(({ file, model }) => isPossible(file, model))) return release;
  const released = date.toISOString().slice(0, 10);
  const own = { ...release, version: `described on ${released}`, released };
  if (files.some(({ name }) => known.has(name))) return own;
  const others = { dataset: toPrintable(directory, 90) || 'files', citation: '' };
  return { ...about, version: own.version, released, ...others };
}

/** A disputed MD5 proves nothing either way. */
function isPossible(file: ManifestFile, published: ManifestFile | undefined): boolean {
  if (published === undefined) return false;
  return published.md5Disputed !== undefined || published.md5 === file.md5;
}
