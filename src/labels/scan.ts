import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { whenFilesAreFree } from '../concurrency.ts';
import { throwIfAborted } from '../abort.ts';
import { type DatasetLayout, finalPathOf } from '../dataset/layout.ts';
import { CcxriError, errnoOf, toDiskError } from '../errors.ts';
import { pathKind, walkFolder } from '../fs/paths.ts';
import { type Manifest, stemOf } from '../manifest/manifest.ts';
import {
  type ArchiveFacts,
  type ArchiveFolder,
  type ChestLabels,
  type CovidLabels,
  type LabelFacts,
  type LabelsHere,
  NOT_OURS,
  compareArchives,
  isImageName,
} from './join.ts';
import { type LabelSource, readLabelFile } from './read.ts';

/** What is under images/. */
export interface ImagesHere {
  /** Archives whose folder is here, in the order of index.csv. */
  readonly archives: readonly ArchiveFolder[];
  /** Folders that no archive of the manifest has. */
  readonly unknownFolders: readonly string[];
  /** Files beside the folders. */
  readonly strays: readonly string[];
}

/** Folders read at once: node's own pool has four threads. */
const CONCURRENCY = 4;

/** @throws CcxriError of the disk; `aborted` */
export async function scanImages(
  layout: DatasetLayout,
  archives: readonly ArchiveFacts[],
  signal?: AbortSignal,
): Promise<ImagesHere> {
  const known = new Map(archives.map((archive) => [archive.stem, archive]));
  const here: ArchiveFacts[] = [];
  const unknownFolders: string[] = [];
  const strays: string[] = [];
  throwIfAborted(signal);
  for (const entry of await listImages(layout)) {
    const archive = known.get(entry.name);
    const kind = await kindOf(join(layout.images, entry.name), entry);
    if (kind !== 'directory') strays.push(entry.name);
    else if (archive === undefined) unknownFolders.push(entry.name);
    else here.push(archive);
  }
  const limit = pLimit(CONCURRENCY);
  const scanned = await limit.map(here, async (archive) => {
    throwIfAborted(signal);
    return { ...archive, ...(await imagesIn(join(layout.images, archive.stem))) };
  });
  return {
    archives: scanned.sort((a, b) => compareArchives(a.stem, b.stem)),
    unknownFolders: unknownFolders.sort(compareArchives),
    strays: strays.sort(),
  };
}

/** Is at least one archive's folder under images/? Without one there is nothing to index. */
export async function hasImages(layout: DatasetLayout, manifest: Manifest): Promise<boolean> {
  const stems = new Set(archiveFacts(manifest).map(({ stem }) => stem));
  const entries = await listImages(layout);
  return entries.some((entry) => stems.has(entry.name) && !entry.isFile());
}

export function archiveFacts(manifest: Manifest): readonly ArchiveFacts[] {
  return manifest.files
    .filter(({ kind }) => kind === 'archive')
    .map(({ name, subsets }) => ({ file: name, stem: stemOf(name), subsets }));
}

/** Nothing in its place: empty. @throws CcxriError of the disk, also where a file is in its place */
async function listImages({ images: path }: DatasetLayout): Promise<Dirent[]> {
  try {
    return await whenFilesAreFree(() => readdir(path, { withFileTypes: true }));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw toDiskError(error, 'read', { path });
  }
}

/** What an entry is, or a link leads to: images/<archive> may be a link to another disk. */
async function kindOf(path: string, entry: Dirent): ReturnType<typeof pathKind> {
  if (entry.isSymbolicLink()) return pathKind(path);
  if (entry.isFile()) return 'file';
  return entry.isDirectory() ? 'directory' : 'other';
}

/** Links to images count as images; linked folders are not followed. */
async function imagesIn(folder: string): Promise<Pick<ArchiveFolder, 'images' | 'strays'>> {
  const images: string[] = [];
  const strays: string[] = [];
  for await (const { path, entry } of walkFolder(folder, ({ name }) => NOT_OURS.test(name))) {
    if (entry.isDirectory() && !NOT_OURS.test(entry.name)) continue;
    const isImage = isImageName(entry.name) && (await kindOf(join(folder, path), entry)) === 'file';
    (isImage ? images : strays).push(path);
  }
  return { images, strays };
}

/**
 * Reads the label files that are here. One under its final name has passed its check: it is trusted,
 * not hashed again.
 * @throws CcxriError `labels-invalid`; of the disk; `aborted`
 */
export async function readLabels(
  layout: DatasetLayout,
  manifest: Manifest,
  { signal, countBadCells }: Pick<LabelSource, 'signal' | 'countBadCells'> = {},
): Promise<LabelsHere> {
  const chest: ChestLabels[] = [];
  const covid: CovidLabels[] = [];
  const files: LabelFacts[] = [];
  const archives = archiveFacts(manifest).map(({ stem }) => stem);
  for (const { name: file, kind, subsets } of manifest.files) {
    if (kind !== 'labels') continue;
    const path = finalPathOf(layout, { name: file, kind });
    const expected = subsets.includes('viral') ? 'covid' : 'chest';
    const found = await pathKind(path);
    if (found === 'nothing') {
      files.push({ file, subsets, form: expected, present: false });
      continue;
    }
    if (found !== 'file') throw notAFile(file, path);
    const table = await readLabelFile({ file, path, archives, signal, countBadCells }, expected);
    if (table.form === 'chest') chest.push(table);
    else covid.push(table);
    files.push({ file, subsets, form: table.form, present: true });
  }
  return { tables: { chest, covid }, files };
}

function notAFile(file: string, path: string): CcxriError {
  return new CcxriError('labels-invalid', `${path} exists and is not a regular file`, {
    file,
    path,
    expected: 'a CSV file',
    next: [
      { kind: 'advice', text: 'move it out of the way' },
      { kind: 'run', command: 'fetch', files: [file] },
    ],
  });
}
