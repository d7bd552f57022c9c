import { join } from 'node:path';
import { throwIfAborted } from './abort.ts';
import { fitsManifest } from './dataset/ledger.ts';
import { readHolders } from './dataset/locks.ts';
import { type RunOptions, withSession } from './dataset/session.ts';
import { type FileSurvey, areImagesBad, knownSizeOf, statusOf } from './dataset/survey.ts';
import type { FileStatus } from './file-status.ts';
import { listOrEmpty, pathKind } from './fs/paths.ts';

/**
 * What is here, what is missing, what is under way: from the ledger, and from names and sizes. Reads
 * no archive and no image, writes nothing, and needs no right to.
 * @throws CcxriError `unknown-subset`, `unknown-file`; of the disk; `aborted`
 */
export async function datasetStatus(options: StatusOptions): Promise<StatusResult> {
  return withSession(options, {}, async (session) => {
    const { dest, layout } = session;
    const surveys = await session.survey();
    throwIfAborted(session.signal);
    const quarantined = await listQuarantined(layout.bad);
    return {
      dest,
      exists: (await pathKind(dest)) === 'directory',
      files: surveys.map((survey) => withQuarantine(toRow(survey), layout.bad, quarantined)),
      index: (await pathKind(layout.index)) === 'file',
      lockedBy: await readHolders(layout),
      quarantined,
    };
  });
}

function toRow(survey: FileSurvey): FileStatusRow {
  const { file, receipt, final, members, partBytes, finalBytes } = survey;
  const status = statusOf(survey);
  const areImagesAlone =
    final === 'absent' && ['removed', 'resized', 'crc-checked', 'named', 'bad'].includes(status);
  // A receipt for another release, or for bytes that have changed, proves nothing.
  const holds = receipt !== undefined && ['checked', 'absent'].includes(final);
  const passed = holds && fitsManifest(file, receipt) ? receipt : undefined;
  const here = final === 'absent' ? partBytes : finalBytes;
  return {
    file: file.name,
    kind: file.kind,
    subsets: file.subsets,
    status,
    why: status === 'present' ? (WHYS[final] ?? null) : null,
    images: file.kind === 'archive' ? imagesOf(survey) : null,
    singleImages: survey.images === 'single' ? (members?.count ?? 0) : 0,
    namedImages: survey.images === 'single' ? (members?.named ?? 0) : 0,
    resizedTo: survey.images === 'absent' ? null : (members?.resizedTo ?? null),
    // Of an archive that is gone: what is here of it are its images.
    bytesHere: areImagesAlone ? (members?.bytes ?? 0) : here,
    ...knownSizeOf(survey),
    check: passed?.status ?? null,
    checkedAt: passed?.checkedAt ?? null,
  };
}

/** What is here of a file that is in quarantine alone is wrong. */
function withQuarantine(
  row: FileStatusRow,
  directory: string,
  quarantined: readonly string[],
): FileStatusRow {
  const isAlone = row.status === 'missing' && quarantined.includes(join(directory, row.file));
  return isAlone ? { ...row, status: 'bad', why: 'quarantined' } : row;
}

const WHYS: Readonly<Partial<Record<FileSurvey['final'], FileStatusRow['why']>>> = {
  changed: 'changed',
  'other-manifest': 'other-manifest',
  unchecked: 'not-checked',
};

function imagesOf(survey: FileSurvey): ImagesStatus {
  const { images } = survey;
  if (areImagesBad(survey)) return 'bad';
  if (images === 'absent') return 'missing';
  return images === 'unknown' ? 'present' : images;
}

/** Without the records that lie beside them and say why. */
async function listQuarantined(directory: string): Promise<readonly string[]> {
  const names = (await listOrEmpty(directory)).map(({ name }) => name);
  const isRecord = (name: string) => name.endsWith('.json') && names.includes(name.slice(0, -5));
  const quarantined = names.filter((name) => !isRecord(name)).sort();
  return quarantined.map((name) => join(directory, name));
}

/** Without a selection: every file of the manifest. */
export type StatusOptions = Omit<RunOptions, 'onEvent'>;

/**
 * The images extracted from an archive: `complete`: all of them; `good-only`: all but those that are
 * damaged in the archive; `single`: single ones, fetched without the archive; `partial`: some; `bad`: `verify` has found some damaged or missing, and they
 * have not been extracted again since; `present`: some that the ledger does not know; `missing`: none.
 */
export type ImagesStatus =
  'complete' | 'good-only' | 'single' | 'partial' | 'bad' | 'present' | 'missing';

/** What is here of one file. */
export interface FileStatusRow {
  /** Manifest name. */
  readonly file: string;
  /** Is it an archive or a label file? */
  readonly kind: 'archive' | 'labels';
  /** Subsets that it belongs to. */
  readonly subsets: readonly string[];
  readonly status: FileStatus;
  /**
   * Why it is `present` and no more, or `bad`. `not-checked`: the ledger does not know it; `changed`: size or mtime
   * differ from when it passed; `other-manifest`: as it was when it passed, with another MD5 than this
   * manifest has; `quarantined`: what was downloaded was wrong, and is kept in quarantine. Null where that
   * does not apply.
   */
  readonly why: 'not-checked' | 'changed' | 'other-manifest' | 'quarantined' | null;
  /** What is here of the images extracted from it. Null for a label file. */
  readonly images: ImagesStatus | null;
  /** How many images are here that were fetched without the archive. 0 unless `images` is `single`. */
  readonly singleImages: number;
  /** How many of these were adopted by their names, with nothing to check them by. */
  readonly namedImages: number;
  /**
   * Pixels of the longest side of its images, where they were written smaller than published. Null: they
   * were not, or none are known.
   */
  readonly resizedTo: number | null;
  /** What is here: of the file, whole or partial; of an archive of which images alone are here, these. */
  readonly bytesHere: number;
  /** Size of the file. */
  readonly bytes: number;
  /** true: `bytes` is approximate, by the published size, which is rounded. */
  readonly about: boolean;
  /**
   * How it was accepted: `verified` by the published MD5, `content-checked` by its content. Null where
   * the ledger has no acceptance that holds for it as it is now.
   */
  readonly check: 'verified' | 'content-checked' | null;
  /** When it was accepted. Null where `check` is null. */
  readonly checkedAt: string | null;
}

/** What is in a dataset directory. */
export interface StatusResult {
  /** The dataset directory, as it was given. */
  readonly dest: string;
  /** false: there is no such directory. */
  readonly exists: boolean;
  /** One for each selected file (default: every file of the manifest), in the manifest's order. */
  readonly files: readonly FileStatusRow[];
  /** true: index.csv is there. */
  readonly index: boolean;
  /**
   * Another ccxri that works here now, in words: `pid 4711 on host1 since 2026-01-05 10:11`. Null where
   * none does.
   */
  readonly lockedBy: string | null;
  /** Paths of files in quarantine: their bytes were wrong. */
  readonly quarantined: readonly string[];
}
