import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { throwIfAborted } from './abort.ts';
import { layoutOf } from './dataset/layout.ts';
import { Ledger } from './dataset/ledger.ts';
import { type FileSurvey, fitsManifest, surveyFile } from './dataset/survey.ts';
import { PartStore } from './download/part-store.ts';
import { errnoOf, toDiskError } from './errors.ts';
import { readLockHolder } from './fs/lock.ts';
import { pathKind } from './fs/paths.ts';
import { aboutBytesOf } from './manifest/published-size.ts';
import type { Manifest } from './manifest/schema.ts';
import { type Selection, isEmptySelection, selectFiles } from './manifest/select.ts';

/** Files looked at at once: node's own pool has four threads. */
const FILES_AT_ONCE = 8;

/**
 * What is here, what is missing, what is under way: from the ledger, and from names and sizes. Reads
 * no archive and no image, writes nothing, and needs no right to.
 * @throws CcxriError `unknown-subset`, `unknown-file`; of the disk; `aborted`
 */
export async function datasetStatus(options: StatusOptions): Promise<StatusResult> {
  const { manifest, dest, selection = {}, signal } = options;
  const isAsked = !isEmptySelection(selection);
  const files = isAsked ? selectFiles(manifest, selection) : manifest.files;
  const layout = layoutOf(dest);
  const ledger = new Ledger(layout.ledger);
  const places = { layout, ledger, parts: new PartStore(layout.partial) };
  const rows = await pLimit(FILES_AT_ONCE).map(files, async (file) => {
    throwIfAborted(signal);
    return toRow(await surveyFile(file, places), ledger);
  });
  throwIfAborted(signal);
  return {
    dest,
    exists: (await pathKind(dest)) === 'directory',
    files: rows,
    index: (await pathKind(layout.index)) === 'file',
    workedOnBy: await readLockHolder(layout.lock),
    quarantine: await listQuarantined(layout.bad),
  };
}

async function toRow(survey: FileSurvey, ledger: Ledger): Promise<FileStatusRow> {
  const { file, receipt, final } = survey;
  const state = await withImages(stateOf(survey), survey, ledger);
  const areImagesAlone = final === 'absent' && ['images-only', 'images-bad'].includes(state);
  // What the ledger says of another release, or of bytes that have changed, is no check.
  const holds = receipt !== undefined && ['checked', 'absent'].includes(final);
  const passed = holds && fitsManifest(file, receipt) ? receipt : undefined;
  return {
    file: file.name,
    kind: file.kind,
    subset: file.subsets[0] ?? '',
    state,
    bytesHere: areImagesAlone ? await imageBytes(file.name, ledger) : bytesOf(survey),
    bytesTotal: passed?.bytes ?? aboutBytesOf(file),
    check: passed?.status ?? null,
    checkedAt: passed?.checkedAt ?? null,
  };
}

function stateOf({ file, final, images, receipt, partBytes }: FileSurvey): FileState {
  switch (final) {
    case 'checked':
      return file.kind === 'labels' || images === 'complete' ? 'done' : 'checked';
    case 'changed':
    case 'other-manifest':
    case 'unchecked':
      return final;
    case 'absent':
      if (images === 'complete' && (receipt === undefined || fitsManifest(file, receipt))) {
        return 'images-only';
      }
      return partBytes > 0 ? 'partial' : 'missing';
  }
}

/** Images that were found bad, where nothing else is to be told of the file. */
async function withImages(
  state: FileState,
  { file, images }: FileSurvey,
  ledger: Ledger,
): Promise<FileState> {
  if (images !== 'partial' || (state !== 'checked' && state !== 'missing')) return state;
  const record = await ledger.readMembers(file.name);
  return record?.foundBadAt === undefined ? state : 'images-bad';
}

function bytesOf({ final, finalBytes, partBytes }: FileSurvey): number {
  return final === 'absent' ? partBytes : finalBytes;
}

/** Of an archive that is gone: what is here of it are its images. */
async function imageBytes(archiveName: string, ledger: Ledger): Promise<number> {
  const record = await ledger.readMembers(archiveName);
  return (record?.members ?? []).reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Without the records that lie beside them and say why. */
async function listQuarantined(directory: string): Promise<readonly string[]> {
  let names: readonly string[];
  try {
    names = await readdir(directory);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return [];
    throw toDiskError(error, 'read', { path: directory });
  }
  const isRecord = (name: string) => name.endsWith('.json') && names.includes(name.slice(0, -5));
  return names
    .filter((name) => !isRecord(name))
    .sort()
    .map((name) => join(directory, name));
}

export interface StatusOptions {
  readonly manifest: Manifest;
  readonly dest: string;
  /** Default: every file of the manifest. */
  readonly selection?: Selection | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * By the ledger alone, nothing is hashed. `done`: checked, and extracted where it is an archive;
 * `checked`: not (wholly) extracted yet; `images-only`: extracted, the archive is gone;
 * `images-bad`: `verify` has found extracted images damaged, and they were not extracted anew since;
 * `changed`: size or mtime differ from when it passed; `other-manifest`: as it was when it passed, with
 * another MD5 than this manifest has; `unchecked`: it lies there, the ledger does
 * not know it; `partial`: a download is under way or was broken off; `missing`.
 */
export type FileState =
  | 'done'
  | 'checked'
  | 'images-only'
  | 'images-bad'
  | 'changed'
  | 'other-manifest'
  | 'unchecked'
  | 'partial'
  | 'missing';

export interface FileStatusRow {
  readonly file: string;
  readonly kind: 'archive' | 'labels';
  readonly subset: string;
  readonly state: FileState;
  /** Bytes here: whole or partial. */
  readonly bytesHere: number;
  /** About, or exact where it is known. */
  readonly bytesTotal: number;
  readonly check: 'verified' | 'content-checked' | null;
  readonly checkedAt: string | null;
}

export interface StatusResult {
  readonly dest: string;
  /** false: there is no such directory. */
  readonly exists: boolean;
  readonly files: readonly FileStatusRow[];
  /** Is index.csv there? */
  readonly index: boolean;
  /** Another ccxri that works here now, in words: `pid 4711 on host1 since 2026-01-05 10:11`. */
  readonly workedOnBy: string | null;
  /** Files put aside because their bytes were wrong. */
  readonly quarantine: readonly string[];
}
