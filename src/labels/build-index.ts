import { setImmediate } from 'node:timers/promises';
import { throwIfAborted } from '../abort.ts';
import { type DatasetLayout, layoutOf } from '../dataset/layout.ts';
import { type RunOptions, assertDirectory } from '../dataset/session.ts';
import { CcxriError } from '../errors.ts';
import { type EventListener, type RunEvent, ignoreEvents } from '../events.ts';
import { assertOutputFile } from '../fs/paths.ts';
import {
  type Manifest,
  type Selection,
  isEmptySelection,
  selectFiles,
  stemOf,
} from '../manifest/manifest.ts';
import { toPrintable } from '../text.ts';
import {
  type IndexCounts,
  IndexTally,
  JoinAudit,
  type JoinFinding,
  describeFinding,
  nextOfFinding,
} from './audit.ts';
import {
  type ArchiveFacts,
  type ArchiveImages,
  type IndexRow,
  type LabelsHere,
  joinArchive,
} from './join.ts';
import { type ImagesHere, archiveFacts, readLabels, scanImages } from './scan.ts';
import { assertOwnIndex, findLostLabels, writeIndex } from './write.ts';

/** What rows of an index are made of. */
export interface IndexOptions {
  readonly layout: DatasetLayout;
  readonly manifest: Manifest;
  /** Default: every archive. */
  readonly selection?: Selection | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The images and label files that are here. */
interface IndexSource {
  /** Every archive of the manifest. */
  readonly archives: readonly ArchiveFacts[];
  readonly here: ImagesHere;
  readonly labels: LabelsHere;
  /** Stems of the selected archives; undefined: no selection. */
  readonly asked: ReadonlySet<string> | undefined;
}

interface ArchiveRows {
  readonly archive: ArchiveImages;
  readonly rows: readonly IndexRow[];
}

/**
 * Finds the images and reads the label files that are here.
 * @throws CcxriError `missing`: no images of the selection are here; `labels-invalid`; of the disk;
 *   `aborted`
 */
export async function openIndexSource(options: IndexOptions): Promise<IndexSource> {
  const { layout, manifest, selection, signal } = options;
  const archives = archiveFacts(manifest);
  const asked =
    selection === undefined || isEmptySelection(selection)
      ? undefined
      : new Set(selectFiles(manifest, selection).map(({ name }) => stemOf(name)));
  const here = narrow(await scanImages(layout, archives, signal), asked);
  if (here.archives.length === 0) throw noImages(layout, here, asked !== undefined);
  return { archives, here, labels: await readLabels(layout, manifest, signal), asked };
}

/** The rows of an index, an archive at a time: memory does not grow with the dataset. */
export async function* indexRows(
  { here, labels }: IndexSource,
  signal?: AbortSignal,
): AsyncGenerator<ArchiveRows, void, void> {
  for (const archive of here.archives) {
    // The join itself never waits: this lets the events in that stop it.
    await setImmediate();
    throwIfAborted(signal);
    yield { archive, rows: joinArchive(archive, labels.tables) };
  }
}

export interface BuildIndexOptions extends IndexOptions {
  /**
   * Where to write instead of the dataset's index.csv; nothing is written in the dataset then, and
   * only the selection is. index.csv itself always describes every image that is here.
   */
  readonly output?: string | undefined;
  /** Join and audit, but write nothing. */
  readonly dryRun?: boolean | undefined;
  readonly onEvent?: EventListener | undefined;
}

/** An index, and what its images and labels are like. */
export interface IndexResult extends IndexCounts {
  /** The file that was written (in a dry run: that would be). */
  readonly path: string;
  /** What does not add up between images and labels. */
  readonly findings: readonly JoinFinding[];
  /**
   * Label rows whose archives are not here: they were not fetched, that is no finding. Of a
   * selection: rows of its archives alone.
   */
  readonly rowsOfAbsentArchives: number;
}

/**
 * Joins the images that are here with the label files that are here, and writes index.csv whole or
 * not at all.
 * @throws CcxriError `missing`: no archive's images are here (`hasImages` tells beforehand), or a label
 *   file that the dataset's index.csv was made with, which is left as it is then;
 *   `labels-invalid`; `occupied`; of the disk; `aborted`
 */
export async function buildIndex(options: BuildIndexOptions): Promise<IndexResult> {
  const { layout, output, signal, onEvent = ignoreEvents } = options;
  const isOwn = output === undefined;
  const source = await openIndexSource(isOwn ? { ...options, selection: undefined } : options);
  if (isOwn) await assertOwnIndex(layout.index);
  if (isOwn) await assertKeepsLabels(source, layout, signal);
  const audit = new JoinAudit(source);
  const tally = new IndexTally();
  const path = output ?? layout.index;
  const rows = observe(indexRows(source, signal), [audit, tally]);
  if (options.dryRun === true) while ((await rows.next()).done !== true);
  else {
    const temporaryDirectory = isOwn ? layout.state : undefined;
    await writeIndex(path, rows, { temporaryDirectory, followsLink: !isOwn, signal });
  }
  for (const stray of source.here.strays) audit.note('stray-file', stray);
  for (const folder of source.here.unknownFolders) audit.note('unknown-folder', folder);
  const result = { path, ...tally.counts(), ...audit.finish() };
  for (const finding of result.findings) onEvent(warningOf(finding));
  if (options.dryRun !== true) onEvent({ event: 'index-written', path, rows: result.rows });
  return result;
}

async function* observe(
  batches: AsyncIterable<ArchiveRows>,
  observers: readonly Pick<IndexTally, 'add'>[],
): AsyncGenerator<readonly IndexRow[], void, void> {
  for await (const { archive, rows } of batches) {
    for (const observer of observers) observer.add(archive, rows);
    yield rows;
  }
}

/** An index with labels is worth more than one of every image without them. */
async function assertKeepsLabels(
  { archives, labels }: IndexSource,
  { index: path }: DatasetLayout,
  signal: AbortSignal | undefined,
): Promise<void> {
  const lost = await findLostLabels(path, labels.files, { archives, signal });
  if (lost === undefined) return;
  const { file } = lost;
  throw new CcxriError(
    'missing',
    `${file} is not here, and index.csv has its labels: it is not written anew without them`,
    {
      file,
      path,
      kept: 'index.csv as it is',
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

/** What lies beside the archives' folders is of no selection. */
function narrow(here: ImagesHere, asked: ReadonlySet<string> | undefined): ImagesHere {
  if (asked === undefined) return here;
  const archives = here.archives.filter(({ stem }) => asked.has(stem));
  return { archives, unknownFolders: [], strays: [] };
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
          or: {
            kind: 'run',
            command: 'extract',
            purpose: 'to unpack archives that are here',
            or: { kind: 'option', option: 'dest' },
          },
        },
      ],
    },
  );
}

function warningOf(finding: JoinFinding): RunEvent {
  const { kind, file } = finding;
  const code = kind === 'no-label-file' || kind === 'unknown-folder' ? kind : 'join-finding';
  return {
    event: 'warning',
    code,
    ...(file === undefined ? {} : { file }),
    message: describeFinding(finding),
    next: nextOfFinding(finding),
  };
}

export interface JoinOptions extends RunOptions {
  /**
   * Where to write the index. Default: index.csv in the dataset directory. Given, the dataset is
   * only read, and `selection` narrows the index to its archives; index.csv itself always describes
   * every image that is here.
   */
  readonly output?: string | undefined;
  /** Join and audit, but write nothing. */
  readonly dryRun?: boolean | undefined;
}

/**
 * Writes index.csv: one row an image that is here, with what the label files that are here say.
 * No network.
 * @throws CcxriError `missing`: no such directory, no images in it, or not the label file that
 *   index.csv was made with; `usage`: a selection without
 *   `output`, or an output that is no file; `unknown-subset`, `unknown-file`; `labels-invalid`;
 *   of the disk; `aborted`
 */
export async function joinDataset(options: JoinOptions): Promise<IndexResult> {
  const { manifest, dest, selection, output } = options;
  const narrowed = selection !== undefined && !isEmptySelection(selection);
  if (narrowed) selectFiles(manifest, selection);
  if (narrowed && output === undefined) {
    throw new CcxriError('usage', 'index.csv describes every image here, not a selection', {
      next: [
        {
          kind: 'advice',
          text: 'leave the selection away',
          or: { kind: 'option', option: 'output', value: 'FILE', purpose: 'to write the part' },
        },
      ],
    });
  }
  await assertDirectory(dest);
  if (output !== undefined) await assertOutputFile(output);
  return buildIndex({ ...options, layout: layoutOf(dest) });
}
