import { realpath } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { isDataset } from './dataset/find-dataset.ts';
import { isSameManifest, readKept, releaseOf, resolveManifest } from './dataset/kept-manifest.ts';
import { layoutOf } from './dataset/layout.ts';
import type { RunOptions } from './dataset/session.ts';
import { CcxriError, toDiskError } from './errors.ts';
import { ignoreEvents } from './events.ts';
import { assertOutputFile, pathKind } from './fs/paths.ts';
import { isBelow } from './fs/within.ts';
import { JoinAudit } from './labels/audit.ts';
import { type IndexResult, type JoinedDirectory, warningOf } from './labels/build-index.ts';
import {
  type DirectoryRows,
  type IndexDirectories,
  type IndexDirectory,
  readLabelsOf,
  rowsOfDirectories,
  scanDirectories,
} from './labels/index-directories.ts';
import { archiveFacts, hasImages } from './labels/scan.ts';
import { writeIndex } from './labels/write.ts';
import { type Manifest, isEmptySelection, selectFiles, stemOf } from './manifest/manifest.ts';
import { toPrintable } from './text.ts';

export interface JoinDirectoriesOptions extends Omit<RunOptions, 'dest'> {
  /**
   * Dataset directories, at least one, none of them twice. Of an image or a label file that several of them
   * have, that of the first counts.
   */
  readonly directories: readonly string[];
  /**
   * Where to write the index. The paths in it are relative to the directory of this file: as typed where a
   * dataset directory lies below it, else between the two as they are once links are followed. On another
   * drive of Windows they are absolute.
   */
  readonly output: string;
  /** Join and audit, but write nothing. Default false. */
  readonly dryRun?: boolean | undefined;
}

/**
 * Writes one index of the images in several dataset directories, as of runs of `fetch --shard` into one
 * directory each. The directories are only read. No network.
 * @throws CcxriError `usage`: one of them is no dataset directory, or named twice, or they keep different
 *   manifests and none is given, or an output that is no file; `missing`: no images in any of them;
 *   `unknown-subset`, `unknown-file`; `labels-invalid`: also a label file that differs between two of
 *   them; of the disk; `aborted`
 */
export async function joinDirectories(options: JoinDirectoriesOptions): Promise<IndexResult> {
  const { output, selection = {}, dryRun = false, signal, onEvent = ignoreEvents } = options;
  const manifest = await manifestOf(options);
  const files = selectFiles(manifest, selection);
  await assertOutputFile(output);
  const directories = await openDirectories(options, manifest);
  for (const each of options.directories) await assertOutside(output, each);
  const archives = archiveFacts(manifest);
  const asked = isEmptySelection(selection)
    ? undefined
    : new Set(files.map(({ name }) => stemOf(name)));
  const here = await scanDirectories({ directories, archives, asked }, signal);
  if (here.every((each) => each.archives.length === 0)) throw noImages(options);
  const labels = await readLabelsOf(directories, manifest, signal);
  const source: IndexDirectories = { directories, archives, here, labels, asked };
  const audit = new JoinAudit(source);
  const joined = new Counter(options.directories, source);
  async function* audited() {
    for await (const each of rowsOfDirectories(source, signal)) {
      audit.add(each.archive, each.rows, each.record);
      for (const { paths, areSame } of each.doubles) {
        audit.note(areSame ? 'image-in-two-directories' : 'directories-differ', paths);
      }
      joined.add(each);
      yield each.placed;
    }
  }
  const batches = audited();
  if (dryRun) while ((await batches.next()).done !== true);
  else await writeIndex(output, batches, { followsLink: true, signal });
  for (const each of here) audit.noteBeside(each);
  const result = { path: output, ...audit.finish(), directories: joined.finish() };
  for (const remark of result.remarks) onEvent(warningOf(remark));
  if (!dryRun) onEvent({ event: 'index-written', path: output, rows: result.rows });
  return result;
}

/** @throws CcxriError `usage`: the output is a file of the dataset directory, whose own index or data it would replace */
async function assertOutside(output: string, directory: string): Promise<void> {
  const follow = (path: string) => realpath(path).catch(() => resolve(path));
  const path = await realpath(output).catch(async () =>
    join(await follow(dirname(output)), basename(output)),
  );
  const { index, archives, labels, images, state } = layoutOf(await follow(directory));
  const isOurs =
    path === index || [archives, labels, images, state].some((each) => isBelow(each, path));
  if (!isOurs) return;
  throw new CcxriError(
    'usage',
    `${toPrintable(output, 4096)} is of the dataset directory ${toPrintable(directory, 4096)}, which is only read`,
    { path: output, next: [{ kind: 'option', option: 'output', purpose: 'to write elsewhere' }] },
  );
}

/** Counts the rows by directory. */
class Counter {
  readonly #paths: readonly string[];
  readonly #source: IndexDirectories;
  readonly #rows: number[];

  constructor(paths: readonly string[], source: IndexDirectories) {
    this.#paths = paths;
    this.#source = source;
    this.#rows = paths.map(() => 0);
  }

  add({ owners }: Pick<DirectoryRows, 'owners'>): void {
    for (const at of owners) this.#rows[at] = (this.#rows[at] ?? 0) + 1;
  }

  finish(): readonly JoinedDirectory[] {
    const { directories, here } = this.#source;
    return this.#paths.map((path, at) => ({
      path,
      prefix: directories[at]?.prefix ?? '',
      archives: here[at]?.archives.length ?? 0,
      rows: this.#rows[at] ?? 0,
    }));
  }
}

/**
 * The manifest that was given, else the one that the directories keep, else the bundled one.
 * @throws CcxriError `usage`: they keep different ones; of the disk
 */
async function manifestOf(options: JoinDirectoriesOptions): Promise<Manifest> {
  const { directories, onEvent } = options;
  if (options.manifest !== undefined) return options.manifest;
  let found: { readonly manifest: Manifest; readonly path: string } | undefined;
  for (const path of directories) {
    if ((await readKept(layoutOf(path))).kind === 'none') continue;
    // With a warning where the copy can't be used.
    const { manifest } = await resolveManifest({ dest: path, onEvent });
    if (found !== undefined && !isSameManifest(found.manifest, manifest)) {
      throw manifestsDiffer(found, { manifest, path });
    }
    found ??= { manifest, path };
  }
  return found?.manifest ?? (await resolveManifest({ onEvent })).manifest;
}

interface Keeping {
  readonly manifest: Manifest;
  readonly path: string;
}

function manifestsDiffer(one: Keeping, other: Keeping): CcxriError {
  const [a, b] = [one, other].map(
    ({ manifest, path }) => `${toPrintable(path, 4096)} (${releaseOf(manifest)})`,
  );
  return new CcxriError('usage', `${a ?? ''} and ${b ?? ''} keep different manifests`, {
    path: other.path,
    kept: 'nothing was changed',
    next: [{ kind: 'option', option: 'manifest', purpose: 'to say which one counts' }],
  });
}

async function openDirectories(
  { directories, output }: JoinDirectoriesOptions,
  manifest: Manifest,
): Promise<readonly [IndexDirectory, ...IndexDirectory[]]> {
  const opened: IndexDirectory[] = [];
  const before = new Map<string, string>();
  for (const path of directories) {
    await assertDataset(path, manifest);
    const real = await realOf(path);
    const same = before.get(real);
    if (same !== undefined) throw namedTwice(same, path);
    before.set(real, path);
    opened.push({ layout: layoutOf(path), prefix: await prefixOf(path, output) });
  }
  const [first, ...others] = opened;
  if (first !== undefined) return [first, ...others];
  throw new CcxriError('usage', 'no dataset directory is named', { next: [NAME_ANOTHER] });
}

const NAME_ANOTHER = {
  kind: 'advice',
  text: 'name the dataset directories with --from DIR, each once',
} as const;

/** One without a state directory counts too, as long as it has images: nothing of it is needed to use them. */
async function assertDataset(path: string, manifest: Manifest): Promise<void> {
  const kind = await pathKind(path);
  const layout = layoutOf(path);
  if (kind === 'directory' && ((await isDataset(path)) || (await hasImages(layout, manifest)))) {
    return;
  }
  const shown = toPrintable(path, 4096);
  const what = {
    nothing: `there is no directory ${shown}`,
    directory: `${shown} is no dataset directory`,
    file: `${shown} is a file, not a directory`,
    other: `${shown} is not a directory`,
  }[kind];
  throw new CcxriError('usage', what, {
    path,
    expected: 'a directory that `ccxri fetch` has made, or one with images/ChestDx-1 and others',
    kept: 'nothing was changed',
    next: [NAME_ANOTHER],
  });
}

function namedTwice(one: string, other: string): CcxriError {
  const [a, b] = [one, other].map((path) => toPrintable(path, 4096));
  return new CcxriError('usage', `${a ?? ''} and ${b ?? ''} are the same directory`, {
    path: other,
    next: [NAME_ANOTHER],
  });
}

/**
 * What leads from the directory of the index to a dataset directory. A path without `..` means the same with
 * and without links; one with `..` does so only between the real directories.
 */
async function prefixOf(directory: string, output: string): Promise<string> {
  const base = dirname(resolve(output));
  const typed = relative(base, resolve(directory));
  const isInside = typed === '' || isBelow(base, resolve(directory));
  const path = isInside ? typed : relative(await realOf(base), await realOf(directory));
  const slashed = sep === '/' ? path : path.replaceAll(sep, '/');
  return slashed === '' ? '' : `${slashed}/`;
}

async function realOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    throw toDiskError(error, 'look at', { path });
  }
}

function noImages({ directories, selection = {} }: JoinDirectoriesOptions): CcxriError {
  const ofWhat = isEmptySelection(selection) ? '' : ' of the selection';
  const shown = directories.map((path) => toPrintable(path, 4096)).join(', ');
  return new CcxriError('missing', `there are no images${ofWhat} to index in ${shown}`, {
    expected: 'a folder of images for each archive, as images/ChestDx-1',
    kept: 'nothing was changed',
    next: [{ kind: 'run', command: 'fetch', subsets: ['NAME'], purpose: 'to get some' }],
  });
}
