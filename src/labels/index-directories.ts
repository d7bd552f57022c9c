import { stat } from 'node:fs/promises';
import { throwIfAborted } from '../abort.ts';
import { forEachAtOnce } from '../concurrency.ts';
import { type DatasetLayout, finalPathOf, imagesPathOf } from '../dataset/layout.ts';
import { Ledger } from '../dataset/ledger.ts';
import { CcxriError } from '../errors.ts';
import { statOrNull } from '../fs/paths.ts';
import { hashFile } from '../hash/hash-file.ts';
import type { Manifest, ManifestFile } from '../manifest/manifest.ts';
import {
  type ArchiveFacts,
  type ArchiveFolder,
  type IndexRow,
  type LabelsHere,
  compareArchives,
  joinArchive,
} from './join.ts';
import {
  type ArchivePart,
  type MergedArchive,
  type PartImage,
  mergeArchives,
} from './merge-archives.ts';
import { type ImagesHere, readLabels, scanImages } from './scan.ts';

/** One of several dataset directories whose images become one index. */
export interface IndexDirectory {
  readonly layout: DatasetLayout;
  /** What the paths of its images have in front of `images/` in the index: empty, or it ends with `/`. */
  readonly prefix: string;
}

/** What an index of several directories is made of. */
export interface IndexDirectories {
  readonly directories: readonly IndexDirectory[];
  /** Every archive of the manifest. */
  readonly archives: readonly ArchiveFacts[];
  /** What is under images/ of each directory: of the selected archives. */
  readonly here: readonly ImagesHere[];
  readonly labels: LabelsHere;
  /** Stems of the selected archives; undefined: no selection. */
  readonly asked: ReadonlySet<string> | undefined;
}

/** @throws CcxriError of the disk; `aborted` */
export async function scanDirectories(
  { directories, archives, asked }: Omit<IndexDirectories, 'here' | 'labels'>,
  signal: AbortSignal | undefined,
): Promise<readonly ImagesHere[]> {
  const here: ImagesHere[] = [];
  for (const { layout, prefix } of directories) {
    const all = await scanImages(layout, archives, signal);
    const place = (name: string) => `${prefix}images/${name}`;
    here.push({
      archives: all.archives.filter(({ stem }) => asked?.has(stem) ?? true),
      // What is beside the archives' folders belongs to no selection.
      unknownFolders: asked === undefined ? all.unknownFolders.map(place) : [],
      strays: asked === undefined ? all.strays.map(place) : [],
    });
  }
  return here;
}

/**
 * Reads each label file in the first directory that has it.
 * @throws CcxriError `labels-invalid`, also where another directory has it with other bytes; of the disk;
 *   `aborted`
 */
export async function readLabelsOf(
  directories: readonly [IndexDirectory, ...IndexDirectory[]],
  manifest: Manifest,
  signal: AbortSignal | undefined,
): Promise<LabelsHere> {
  const archives = manifest.files.filter(({ kind }) => kind === 'archive');
  const read: LabelsHere[] = [];
  for (const file of manifest.files.filter(({ kind }) => kind === 'labels')) {
    const layout = (await ownerOf(file, directories, signal)) ?? directories[0].layout;
    read.push(await readLabels(layout, { ...manifest, files: [...archives, file] }, { signal }));
  }
  return {
    tables: {
      chest: read.flatMap(({ tables }) => tables.chest),
      covid: read.flatMap(({ tables }) => tables.covid),
    },
    files: read.flatMap(({ files }) => files),
  };
}

/** undefined: no directory has it. */
async function ownerOf(
  file: ManifestFile,
  directories: readonly IndexDirectory[],
  signal: AbortSignal | undefined,
): Promise<DatasetLayout | undefined> {
  let first: DatasetLayout | undefined;
  for (const { layout } of directories) {
    const path = finalPathOf(layout, file);
    const stats = await statOrNull(path);
    if (stats === null) continue;
    if (first === undefined) first = layout;
    else if (stats.isFile() && !(await areSameFiles(finalPathOf(first, file), path, signal))) {
      throw labelsDiffer(file.name, finalPathOf(first, file), path);
    }
  }
  return first;
}

function labelsDiffer(file: string, one: string, other: string): CcxriError {
  return new CcxriError('labels-invalid', `${file} is not the same in two of the directories`, {
    file,
    path: other,
    expected: `the bytes of ${one}`,
    found: `other bytes in ${other}`,
    kept: 'nothing was changed',
    next: [
      { kind: 'advice', text: 'check both with `ccxri verify`, and remove the one that is wrong' },
    ],
  });
}

/** One archive of an index of several directories. */
export interface DirectoryRows extends Pick<MergedArchive, 'archive' | 'record'> {
  /** As if all images lay in one directory. */
  readonly rows: readonly IndexRow[];
  /** The same, with the paths that the index has. */
  readonly placed: readonly IndexRow[];
  /** Of each row, which directory has its image. */
  readonly owners: readonly number[];
  /** Images that two directories have: both paths, and whether their bytes are the same. */
  readonly doubles: readonly { readonly paths: string; readonly areSame: boolean }[];
}

/** The rows of an index, an archive at a time: memory does not grow with the datasets. */
export async function* rowsOfDirectories(
  { directories, here, labels }: IndexDirectories,
  signal: AbortSignal | undefined,
): AsyncGenerator<DirectoryRows, void, void> {
  for (const folders of foldersByArchive(here)) {
    throwIfAborted(signal);
    const owned = await withRecords(folders, directories);
    const [first, ...others] = owned;
    if (first === undefined) continue;
    const { archive, record, partOf, doubles } = mergeArchives([first, ...others]);
    const rows = joinArchive(archive, labels.tables);
    const below = `images/${archive.stem}/`;
    const ownerOfRow = ({ path }: IndexRow) =>
      owned[partOf.get(path.slice(below.length)) ?? 0] ?? first;
    yield {
      archive,
      record,
      rows,
      placed: rows.map((row) => ({
        ...row,
        path: `${ownerOfRow(row).directory.prefix}${row.path}`,
      })),
      owners: rows.map((row) => ownerOfRow(row).at),
      doubles: await compareDoubles(doubles, owned, signal),
    };
  }
}

interface OwnedPart extends ArchivePart {
  readonly directory: IndexDirectory;
  /** Which one it is. */
  readonly at: number;
}

interface OwnedFolder {
  readonly folder: ArchiveFolder;
  /** Which directory it is in. */
  readonly at: number;
}

function foldersByArchive(here: readonly ImagesHere[]): readonly (readonly OwnedFolder[])[] {
  const byStem = new Map<string, OwnedFolder[]>();
  for (const [at, { archives }] of here.entries()) {
    for (const folder of archives) {
      const folders = byStem.get(folder.stem) ?? [];
      byStem.set(folder.stem, folders);
      folders.push({ folder, at });
    }
  }
  return [...byStem].sort(([a], [b]) => compareArchives(a, b)).map(([, folders]) => folders);
}

async function withRecords(
  folders: readonly OwnedFolder[],
  directories: readonly IndexDirectory[],
): Promise<readonly OwnedPart[]> {
  const parts: OwnedPart[] = [];
  for (const { folder, at } of folders) {
    const directory = directories[at];
    if (directory === undefined) continue;
    const record = await new Ledger(directory.layout.ledger).readMembers(folder.file);
    parts.push({ folder, record, directory, at });
  }
  return parts;
}

/** Images compared at once, where no ledger knows them. */
const AT_ONCE = 4;

async function compareDoubles(
  doubles: MergedArchive['doubles'],
  parts: readonly OwnedPart[],
  signal: AbortSignal | undefined,
): Promise<DirectoryRows['doubles']> {
  const known = parts.map(contentsOf);
  const compared: DirectoryRows['doubles'][number][] = [];
  await forEachAtOnce(doubles.entries(), AT_ONCE, async ([at, [one, other]]) => {
    throwIfAborted(signal);
    const [a, b] = [one, other].map(({ path, part }) => known[part]?.get(path));
    const areSame =
      a === undefined || b === undefined
        ? await areSameFiles(diskPath(one, parts), diskPath(other, parts), signal)
        : a === b;
    const paths = [one, other].map((image) => placeIn(image, parts)).join(' and ');
    compared[at] = { paths, areSame };
  });
  return compared;
}

/** Length and CRC-32 by path; of one that `verify` has found bad nothing is known. */
function contentsOf({ record }: ArchivePart): ReadonlyMap<string, string> {
  if (record === undefined || record.foundBadAt !== undefined) return new Map();
  return new Map(record.members.map(({ path, bytes, crc32 }) => [path, `${bytes} ${crc32}`]));
}

function diskPath({ path, part }: PartImage, parts: readonly OwnedPart[]): string {
  const owner = parts[part];
  if (owner === undefined) return path;
  return `${imagesPathOf(owner.directory.layout, owner.folder.file)}/${path}`;
}

function placeIn({ path, part }: PartImage, parts: readonly OwnedPart[]): string {
  const owner = parts[part];
  return `${owner?.directory.prefix ?? ''}images/${owner?.folder.stem ?? ''}/${path}`;
}

/** @throws CcxriError as `hashFile` */
async function areSameFiles(
  one: string,
  other: string,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  // An inode may be larger than a double is exact.
  const [a, b] = await Promise.all(
    [one, other].map((path) => stat(path, { bigint: true }).catch(() => undefined)),
  );
  if (a !== undefined && a.ino === b?.ino && a.dev === b.dev) return true;
  if (a?.size !== b?.size) return false;
  const [first, second] = [await hashFile(one, { signal }), await hashFile(other, { signal })];
  return first.md5 === second.md5;
}
