import { join } from 'node:path';
import { throwIfAborted } from './abort.ts';
import { areImagesSettled } from './dataset/images.ts';
import { type RunOptions, withSession } from './dataset/session.ts';
import { type FileSurvey, fitsManifest } from './dataset/survey.ts';
import { readLockHolder } from './fs/lock.ts';
import { listOrEmpty, pathKind } from './fs/paths.ts';
import { aboutBytesOf } from './manifest/manifest.ts';

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
    return {
      dest,
      exists: (await pathKind(dest)) === 'directory',
      files: surveys.map(toRow),
      index: (await pathKind(layout.index)) === 'file',
      workedOnBy: await readLockHolder(layout.lock),
      putAside: await listQuarantined(layout.bad),
    };
  });
}

function toRow(survey: FileSurvey): FileStatusRow {
  const { file, receipt, final, members } = survey;
  const state = stateOf(survey);
  const areImagesAlone =
    final === 'absent' && ['images-only', 'good-only', 'images-bad'].includes(state);
  // A receipt for another release, or for bytes that have changed, proves nothing.
  const holds = receipt !== undefined && ['checked', 'absent'].includes(final);
  const passed = holds && fitsManifest(file, receipt) ? receipt : undefined;
  const bytes = final === 'absent' ? survey.partBytes : survey.finalBytes;
  return {
    file: file.name,
    kind: file.kind,
    subset: file.subsets[0] ?? '',
    state,
    // Of an archive that is gone: what is here of it are its images.
    bytesHere: areImagesAlone ? (members?.bytes ?? 0) : bytes,
    bytesTotal: passed?.bytes ?? aboutBytesOf(file),
    check: passed?.status ?? null,
    checkedAt: passed?.checkedAt ?? null,
  };
}

function stateOf({ file, final, images, members, receipt, partBytes }: FileSurvey): FileState {
  const areImagesBad = images === 'partial' && members?.isFoundBad === true;
  switch (final) {
    case 'checked':
      if (file.kind === 'labels' || images === 'complete') return 'done';
      if (images === 'good-only') return images;
      return areImagesBad ? 'images-bad' : 'checked';
    case 'changed':
    case 'other-manifest':
    case 'unchecked':
      return final;
    case 'absent':
      if (areImagesSettled(images) && (receipt === undefined || fitsManifest(file, receipt))) {
        return images === 'good-only' ? images : 'images-only';
      }
      if (partBytes > 0) return 'partial';
      return areImagesBad ? 'images-bad' : 'missing';
  }
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
 * By the ledger alone, nothing is hashed. `done`: checked, and extracted where it is an archive;
 * `checked`: not (wholly) extracted yet; `images-only`: extracted, the archive is gone;
 * `good-only`: extracted but for members that are damaged in the archive;
 * `images-bad`: `verify` has found extracted images damaged, and they have not been extracted again since;
 * `changed`: size or mtime differ from when it passed; `other-manifest`: as it was when it passed, with
 * another MD5 than this manifest has; `unchecked`: it is there, and the ledger does not
 * know it; `partial`: a download is under way or was interrupted; `missing`.
 */
export type FileState =
  | 'done'
  | 'checked'
  | 'images-only'
  | 'good-only'
  | 'images-bad'
  | 'changed'
  | 'other-manifest'
  | 'unchecked'
  | 'partial'
  | 'missing';

/** What is here of one file. */
export interface FileStatusRow {
  /** Manifest name. */
  readonly file: string;
  /** Is it an archive or a label file? */
  readonly kind: 'archive' | 'labels';
  /** The first of its subsets. */
  readonly subset: string;
  readonly state: FileState;
  /** What is here: of the file, whole or partial; of an archive that is gone, its images. */
  readonly bytesHere: number;
  /** Size of the file: exact where it is known, else by its published size. */
  readonly bytesTotal: number;
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
  readonly workedOnBy: string | null;
  /** Paths of files in quarantine: their bytes were wrong. */
  readonly putAside: readonly string[];
}
