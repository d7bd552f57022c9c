import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { throwIfAborted } from '../abort.ts';
import { type DatasetLayout, finalPathOf } from '../dataset/layout.ts';
import { CcxriError, errnoOf, toDiskError } from '../errors.ts';
import { type Manifest, type ManifestFile, stemOf } from '../manifest/manifest.ts';
import type { LabelFacts, LabelForm } from './audit.ts';
import {
  type ArchiveFacts,
  type ArchiveImages,
  type LabelTables,
  compareArchives,
} from './join.ts';
import {
  type ChestLabels,
  type CovidLabels,
  readChestLabels,
  readCovidLabels,
} from './read-chest.ts';

/** What lies under images/. */
export interface ImagesHere {
  /** Archives whose folder is here, in the order of index.csv. */
  readonly archives: readonly ArchiveImages[];
  /** Folders that no archive of the manifest has. */
  readonly unknownFolders: readonly string[];
  /** Files beside the folders. */
  readonly strays: readonly string[];
}

/** Folders read at once: node's own pool has four threads. */
const CONCURRENCY = 4;
/** The dataset has .jpg; the others are what a mirror may have converted them to. */
const IMAGE = /^[^.].*\.(?:jpe?g|png|dcm)$/i;
/** Left by macOS and editors, with copies of image names inside. */
const NOT_OURS = /^(?:\..*|__MACOSX)$/;

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
  for (const entry of await listFolder(layout.images)) {
    const kind = await kindOf(layout.images, entry, true);
    const archive = known.get(entry.name);
    if (kind !== 'folder') strays.push(entry.name);
    else if (archive === undefined) unknownFolders.push(entry.name);
    else here.push(archive);
  }
  const limit = pLimit(CONCURRENCY);
  const scanned = await Promise.all(
    here.map((archive) =>
      limit(async () => {
        throwIfAborted(signal);
        const found: Found = { images: [], strays: [] };
        await walk(join(layout.images, archive.stem), '', found);
        return { ...archive, ...found };
      }),
    ),
  );
  return {
    archives: scanned.sort((a, b) => compareArchives(a.stem, b.stem)),
    unknownFolders: unknownFolders.sort(compareArchives),
    strays: strays.sort(),
  };
}

/** Is at least one archive's folder under images/? Without one there is nothing to index. */
export async function hasImages(layout: DatasetLayout, manifest: Manifest): Promise<boolean> {
  const stems = new Set(archiveFacts(manifest).map(({ stem }) => stem));
  const entries = await listFolder(layout.images);
  return entries.some((entry) => stems.has(entry.name) && !entry.isFile());
}

export function archiveFacts(manifest: Manifest): readonly ArchiveFacts[] {
  return manifest.files
    .filter(({ kind }) => kind === 'archive')
    .map(({ name, subsets }) => ({ stem: stemOf(name), subsets }));
}

interface Found {
  readonly images: string[];
  readonly strays: string[];
}

async function walk(folder: string, below: string, found: Found): Promise<void> {
  const entries = await listFolder(folder);
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const path = `${below}${entry.name}`;
    const kind = await kindOf(folder, entry, false);
    if (kind === 'folder' && !NOT_OURS.test(entry.name)) {
      await walk(join(folder, entry.name), `${path}/`, found);
    } else if (kind === 'file' && IMAGE.test(entry.name)) found.images.push(path);
    else found.strays.push(path);
  }
}

/**
 * Links to images count as images, and images/<archive> may be a link to another disk; below it no
 * linked folder is followed: it may lead in a circle.
 */
async function kindOf(
  folder: string,
  entry: Dirent,
  followFolders: boolean,
): Promise<'file' | 'folder' | 'other'> {
  if (entry.isFile()) return 'file';
  if (entry.isDirectory()) return 'folder';
  if (!entry.isSymbolicLink()) return 'other';
  try {
    const target = await stat(join(folder, entry.name));
    if (target.isFile()) return 'file';
    return followFolders && target.isDirectory() ? 'folder' : 'other';
  } catch (error) {
    if (['ENOENT', 'ELOOP'].includes(errnoOf(error) ?? '')) return 'other';
    throw toDiskError(error, 'read', { path: join(folder, entry.name) });
  }
}

/** A folder that is not there is empty. */
async function listFolder(path: string): Promise<Dirent[]> {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw toDiskError(error, 'read', { path });
  }
}

interface LabelsHere {
  readonly tables: LabelTables;
  /** Every label file of the manifest, here or not. */
  readonly files: readonly LabelFacts[];
}

/**
 * Reads the label files that are here. One under its final name has passed its check: it is trusted,
 * not hashed again.
 * @throws CcxriError `labels-invalid`; of the disk; `aborted`
 */
export async function readLabels(
  layout: DatasetLayout,
  manifest: Manifest,
  signal?: AbortSignal,
): Promise<LabelsHere> {
  const chest: ChestLabels[] = [];
  const covid: CovidLabels[] = [];
  const files: LabelFacts[] = [];
  for (const file of manifest.files.filter(({ kind }) => kind === 'labels')) {
    const path = finalPathOf(layout, file);
    const form = formOf(file);
    const present = await isFileHere(file.name, path);
    files.push({ file: file.name, subsets: file.subsets, form, present });
    if (!present) continue;
    const source = { file: file.name, path, ...(signal === undefined ? {} : { signal }) };
    if (form === 'covid') covid.push(await readCovidLabels(source));
    else chest.push(await readChestLabels(source));
  }
  return { tables: { chest, covid }, files };
}

/** By the subset, which a manifest of one's own has as well: the tag is for viral pneumonia alone. */
function formOf(file: ManifestFile): LabelForm {
  return file.subsets.includes('viral') ? 'covid' : 'chest';
}

async function isFileHere(file: string, path: string): Promise<boolean> {
  try {
    if ((await stat(path)).isFile()) return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw toDiskError(error, 'read the labels', { file, path });
  }
  throw new CcxriError('labels-invalid', `${path} is there and is no file`, {
    file,
    path,
    expected: 'a CSV file',
    next: [
      { kind: 'advice', text: 'move it out of the way' },
      { kind: 'run', command: 'fetch', files: [file] },
    ],
  });
}
