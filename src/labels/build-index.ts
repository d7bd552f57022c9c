import { throwIfAborted } from '../abort.ts';
import {
  type ImageReader,
  type OpenImagesOptions,
  archiveReader,
  folderReader,
} from '../dataset/image-reader.ts';
import { type DatasetLayout, finalPathOf, imagesPathOf, layoutOf } from '../dataset/layout.ts';
import { Ledger, type MembersRecord } from '../dataset/ledger.ts';
import { resolveManifest } from '../dataset/kept-manifest.ts';
import type { RunOptions } from '../dataset/session.ts';
import { CcxriError } from '../errors.ts';
import { type RunEvent, ignoreEvents } from '../events.ts';
import { isEmptySelection, selectFiles, stemOf } from '../manifest/manifest.ts';
import { toPrintable } from '../text.ts';
import { type IndexReport, JoinAudit } from './audit.ts';
import { describeRemark, nextOfRemark } from './describe-remark.ts';
import {
  type ArchiveFacts,
  type ArchiveImages,
  type IndexRow,
  type LabelsHere,
  compareArchives,
  compareWithLedger,
  joinArchive,
  placeOf,
} from './join.ts';
import { packedArchives } from './packed.ts';
import type { Remark } from './remarks.ts';
import { type ImagesHere, archiveFacts, readLabels, scanImages } from './scan.ts';
import { readSplitColumns } from './split-columns.ts';
import { type SplitColumn, assertOwnIndex, findLostLabels, writeIndex } from './write.ts';

/** What the rows of an index are made of: the images and label files that are here. */
export interface IndexSource {
  readonly layout: DatasetLayout;
  readonly ledger: Ledger;
  /** Every archive of the manifest. */
  readonly archives: readonly ArchiveFacts[];
  readonly here: ImagesHere;
  readonly labels: LabelsHere;
  /** Stems of the selected archives; undefined: no selection. */
  readonly asked: ReadonlySet<string> | undefined;
}

/** The rows of one archive. */
export interface ArchiveRows {
  readonly archive: ArchiveImages;
  readonly rows: readonly IndexRow[];
  /** What is known of its members; undefined: nothing. */
  readonly record: MembersRecord | undefined;
}

interface IndexSourceOptions extends Pick<
  RunOptions,
  'manifest' | 'dest' | 'selection' | 'signal'
> {
  /** Take images of checked archives that are not extracted, too. Default: extracted ones alone. */
  readonly packed?: boolean | undefined;
}

/**
 * Finds the images and reads the label files that are here.
 * @param labelsHere these files, where they have been read already
 * @throws CcxriError `missing`: no images of the selection are here; `labels-invalid`; of the disk;
 *   `aborted`
 */
export async function openIndexSource(
  options: IndexSourceOptions,
  labelsHere?: LabelsHere,
): Promise<IndexSource> {
  const { dest, selection = {}, signal } = options;
  const { manifest } = await resolveManifest(options);
  const layout = layoutOf(dest);
  const archives = archiveFacts(manifest);
  const files = selectFiles(manifest, selection);
  const asked = isEmptySelection(selection)
    ? undefined
    : new Set(files.map(({ name }) => stemOf(name)));
  const all = await scanImages(layout, archives, signal);
  const ledger = new Ledger(layout.ledger);
  const isAsked = ({ stem }: ArchiveFacts) => asked?.has(stem) ?? true;
  // What is beside the archives' folders belongs to no selection.
  const folders = all.archives.filter(isAsked);
  const hasFolder = new Set(folders.map(({ stem }) => stem));
  const others = archives.filter((archive) => isAsked(archive) && !hasFolder.has(archive.stem));
  const isPacked = options.packed === true;
  const packed = isPacked ? await packedArchives(others, { layout, ledger, manifest, signal }) : [];
  const chosen = [...folders, ...packed].sort((a, b) => compareArchives(a.stem, b.stem));
  const here =
    asked === undefined
      ? { ...all, archives: chosen }
      : { archives: chosen, unknownFolders: [], strays: [] };
  if (chosen.length === 0) throw noImages(layout, here, asked !== undefined);
  const labels = labelsHere ?? (await readLabels(layout, manifest, { signal }));
  return { layout, ledger, archives, here, labels, asked };
}

/** The rows of an index, an archive at a time: memory does not grow with the dataset. */
export async function* indexRows(
  { here, labels, ledger }: IndexSource,
  signal?: AbortSignal,
): AsyncGenerator<ArchiveRows, void, void> {
  for (const folder of here.archives) {
    const record = folder.packed ?? (await ledger.readMembers(folder.file));
    throwIfAborted(signal);
    const archive = compareWithLedger(folder, record);
    yield { archive, rows: joinArchive(archive, labels.tables), record };
  }
}

/** An index, and what its images and labels are like. */
export interface IndexResult extends IndexReport {
  /** The file that was written (in a dry run: that would be). */
  readonly path: string;
  /** Of a join over several dataset directories: what is of each. Absent in others. */
  readonly directories?: readonly JoinedDirectory[] | undefined;
}

/** What of an index came from one of several directories. */
export interface JoinedDirectory {
  /** As it was given. */
  readonly path: string;
  /** What the paths of its images have in front of `images/`: empty, or it ends with `/`. */
  readonly prefix: string;
  /** Archives of which it has images. */
  readonly archives: number;
  /** Rows of the index that are of its images. */
  readonly rows: number;
}

export interface JoinOptions extends RunOptions {
  /**
   * Where to write the index. Default: index.csv in the dataset directory. Given, the dataset is
   * only read, and `selection` narrows the index to its archives; index.csv itself always describes
   * every image that is here.
   */
  readonly output?: string | undefined;
  /** A split that is to be a column of index.csv. Those that it has already stay. */
  readonly addSplit?: string | undefined;
  /** Join and audit, but write nothing. */
  readonly dryRun?: boolean | undefined;
}

/**
 * Joins the images that are here with the label files that are here, and writes index.csv whole or
 * not at all.
 * @param labelsHere as `openIndexSource`
 * @throws CcxriError `missing`: no archive's images are here (see `hasImages`), or a label
 *   file that the dataset's index.csv was made with, which is left as it is then;
 *   `labels-invalid`; `occupied`; of the disk; `aborted`
 */
export async function buildIndex(
  options: JoinOptions,
  labelsHere?: LabelsHere,
): Promise<IndexResult> {
  const { output, dryRun = false, signal, onEvent = ignoreEvents } = options;
  const isOwn = output === undefined;
  const source = await openIndexSource(
    isOwn ? { ...options, selection: undefined } : options,
    labelsHere,
  );
  const { layout, here } = source;
  const columns = isOwn ? await readOwnColumns(layout, options) : [];
  if (isOwn) await assertKeepsLabels(source, signal);
  const audit = new JoinAudit(source);
  async function* audited() {
    for await (const { archive, rows, record } of indexRows(source, signal)) {
      audit.add(archive, rows, record);
      for (const { name, parts } of columns) {
        const others = rows.filter(({ path }) => !parts.has(path));
        for (const row of others) audit.note('image-in-no-part', placeOf(row), name);
      }
      yield rows;
    }
  }
  const path = output ?? layout.index;
  const batches = audited();
  if (dryRun) while ((await batches.next()).done !== true);
  else {
    const temporaryDirectory = isOwn ? layout.state : undefined;
    await writeIndex(path, batches, { columns, temporaryDirectory, followsLink: !isOwn, signal });
  }
  audit.noteBeside(here);
  const result = { path, ...audit.finish() };
  for (const remark of result.remarks) onEvent(warningOf(remark));
  if (!dryRun) onEvent({ event: 'index-written', path, rows: result.rows });
  return result;
}

/** The splits that index.csv has as columns, and the one that it is to get. */
async function readOwnColumns(
  layout: DatasetLayout,
  { addSplit, signal }: JoinOptions,
): Promise<readonly SplitColumn[]> {
  const names = await assertOwnIndex(layout.index);
  return readSplitColumns(layout, addSplit === undefined ? names : [...names, addSplit], signal);
}

/** An index with labels is worth more than one of every image without them. */
async function assertKeepsLabels(
  { layout: { index: path }, archives, labels }: IndexSource,
  signal: AbortSignal | undefined,
): Promise<void> {
  const lost = await findLostLabels(path, labels.files, archives, signal);
  if (lost === undefined) return;
  const { file } = lost;
  throw new CcxriError(
    'missing',
    `${file} is not here, and index.csv has its labels: it is not rewritten without them`,
    {
      file,
      path,
      kept: 'index.csv, unchanged',
      next: [
        {
          kind: 'run',
          command: 'fetch',
          files: [file],
          purpose: 'to get it and write index.csv',
          or: {
            kind: 'run',
            command: 'join',
            options: { output: 'FILE' },
            purpose: 'to write one without these labels',
          },
        },
      ],
    },
  );
}

function noImages(layout: DatasetLayout, here: ImagesHere, isSelection: boolean): CcxriError {
  const others = here.unknownFolders.slice(0, 10).map((name) => toPrintable(name));
  return new CcxriError(
    'missing',
    `there are no images${isSelection ? ' of the selection' : ''} to index in ${layout.images}`,
    {
      path: layout.images,
      expected: 'a folder of images for each archive, as images/ChestDx-1',
      ...(others.length === 0 ? {} : { found: `other folders: ${others.join(', ')}` }),
      kept: 'nothing was changed',
      next: [
        {
          kind: 'run',
          command: 'fetch',
          subsets: ['NAME'],
          purpose: 'to get some',
          or: { kind: 'run', command: 'extract', purpose: 'to unpack archives that are here' },
        },
      ],
    },
  );
}

/** What a run says of a remark while it lasts. */
export function warningOf(remark: Remark): RunEvent {
  const { kind, file } = remark;
  const code = kind === 'no-label-file' || kind === 'unknown-folder' ? kind : 'join-remark';
  const isOfFile = file !== undefined && kind !== 'image-in-no-part';
  return {
    event: 'warning',
    code,
    ...(isOfFile ? { file } : {}),
    message: describeRemark(remark),
    next: nextOfRemark(remark),
  };
}

/**
 * Opens the images of one archive: its folder, or the archive itself where nothing of it is extracted.
 * @throws CcxriError as `archiveReader`
 */
export async function openImages(
  { archive, record }: Pick<ArchiveRows, 'archive' | 'record'>,
  layout: DatasetLayout,
  options?: OpenImagesOptions,
): Promise<ImageReader> {
  const { file } = archive;
  if (archive.packed !== undefined) {
    return archiveReader(finalPathOf(layout, { name: file, kind: 'archive' }), file, options);
  }
  const members = new Map((record?.members ?? []).map((member) => [member.path, member]));
  return folderReader(imagesPathOf(layout, file), members);
}
