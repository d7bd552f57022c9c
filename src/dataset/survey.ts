import type { Stats } from 'node:fs';
import type { PartStore } from '../download/part-store.ts';
import type { CcxriError, ErrorCode } from '../errors.ts';
import type { FileStatus } from '../file-status.ts';
import { statOrNull } from '../fs/paths.ts';
import type { Manifest, ManifestFile } from '../manifest/manifest.ts';
import { isPlausibleSize, type Size, sizeOf } from '../manifest/size.ts';
import {
  type ImagesState,
  type MembersNoted,
  areImagesSettled,
  findImages,
  namedOf,
  notedMembers,
} from './images.ts';
import { type DatasetLayout, finalPathOf } from './layout.ts';
import {
  type Ledger,
  type MembersRecord,
  type Receipt,
  fitsManifest,
  isAsAccepted,
} from './ledger.ts';

/** What is known of a file of the manifest without reading a byte of it. */
export interface FileSurvey {
  readonly file: ManifestFile;
  readonly path: string;
  /**
   * `checked`: it is there, as the ledger records it; `changed`: its size or mtime differs from when it
   * passed, or a later check has found it bad; `other-manifest`: it is as it was when it
   * passed, with another MD5 than this manifest has, or the ledger does not know it, and its size is right
   * by the manifest that the directory keeps alone; `unchecked`: it is there, and the ledger does
   * not know it.
   */
  readonly final: 'absent' | 'checked' | 'changed' | 'other-manifest' | 'unchecked';
  readonly receipt: Receipt | undefined;
  /** Of the file under its final name; 0 where it is absent. */
  readonly finalBytes: number;
  /** The extracted images; `absent` for label files. */
  readonly images: ImagesState;
  /** What the ledger says of them; undefined: nothing. */
  readonly members: MembersSummary | undefined;
  /** Of a partial download. */
  readonly partBytes: number;
  /** The URL that it came from; null where there is none, or it is whole. */
  readonly partFrom: string | null;
  /** Of a partial download from elsewhere, which is of no use and takes space. Absent: none, or not looked for. */
  readonly foreignPartBytes?: number | undefined;
  /** Brought by single images, which a download takes over. Absent: not looked for. */
  readonly storedBytes?: number | undefined;
}

/** The ledger's list of an archive's members, without the list. */
interface MembersSummary extends MembersNoted {
  readonly count: number;
  readonly bytes: number;
  /** Adopted by their names, with nothing to check them by. */
  readonly named: number;
  /** Pixels of the longest side of what was written smaller than published; null: nothing was. */
  readonly resizedTo: number | null;
  /** `verify` has found some damaged or missing, and they have not been extracted again since. */
  readonly isFoundBad: boolean;
}

export interface SurveyPlaces {
  readonly layout: DatasetLayout;
  readonly ledger: Ledger;
  readonly parts: PartStore;
  /** The manifest that the directory keeps, if it is another one. */
  otherKept(): Promise<Manifest | undefined>;
}

export async function surveyFile(file: ManifestFile, places: SurveyPlaces): Promise<FileSurvey> {
  const { layout, ledger, parts } = places;
  const path = finalPathOf(layout, file);
  const receipt = await ledger.readReceipt(file.name);
  const stats = await statOrNull(path);
  const isArchive = file.kind === 'archive';
  const images = isArchive ? await findImages(places, file.name, receipt) : undefined;
  const part = stats === null ? await parts.largestHere(file) : { bytes: 0, from: null };
  return {
    file,
    path,
    final: stats === null ? 'absent' : await finalOf(file, receipt, stats, places),
    receipt,
    finalBytes: stats?.size ?? 0,
    images: images?.state ?? 'absent',
    members: summarize(images?.record),
    partBytes: part.bytes,
    partFrom: part.from,
  };
}

function summarize(record: MembersRecord | undefined): MembersSummary | undefined {
  if (record === undefined) return undefined;
  return {
    count: record.members.length,
    bytes: record.members.reduce((sum, { bytes }) => sum + bytes, 0),
    named: namedOf(record).length,
    resizedTo: record.resized?.size ?? null,
    isFoundBad: record.foundBadAt !== undefined,
    ...notedMembers(record.archive, record),
  };
}

async function finalOf(
  file: ManifestFile,
  receipt: Receipt | undefined,
  stats: Stats,
  places: SurveyPlaces,
): Promise<FileSurvey['final']> {
  const state = stateOf(file, receipt, stats);
  if (state !== 'unchecked') return state;
  return (await isSizeOfKept(file, stats.size, places)) ? 'other-manifest' : state;
}

type KeptByDirectory = Pick<SurveyPlaces, 'otherKept'>;

/** The file of this name in the other manifest that the directory keeps; undefined: there is none. */
export async function keptFileOf(
  { name }: ManifestFile,
  places: KeptByDirectory,
): Promise<ManifestFile | undefined> {
  return (await places.otherKept())?.files.find((file) => file.name === name);
}

/** Whether a file of this size can be that of the other manifest that the directory keeps alone. */
export async function isSizeOfKept(
  file: ManifestFile,
  bytes: number,
  places: KeptByDirectory,
): Promise<boolean> {
  // First: most sizes are right, and then no manifest has to be read.
  if (isPlausibleSize(file, bytes)) return false;
  const theirs = await keptFileOf(file, places);
  return theirs !== undefined && isPlausibleSize(theirs, bytes);
}

/** What the ledger says of a file of this size and mtime. */
export function stateOf(
  file: ManifestFile,
  receipt: Receipt | undefined,
  stats: { readonly size: number; readonly mtimeMs: number },
): Exclude<FileSurvey['final'], 'absent'> {
  if (receipt === undefined) return 'unchecked';
  if (receipt.foundBadAt !== undefined) return 'changed';
  const { size: sizeBytes, mtimeMs } = stats;
  if (!isAsAccepted(receipt, { sizeBytes, mtimeMs })) return 'changed';
  return fitsManifest(file, receipt) ? 'checked' : 'other-manifest';
}

/** What is here of a file, by the ledger, names and sizes. */
export function statusOf(survey: FileSurvey): FileStatus {
  const { file, final, images, receipt, partBytes } = survey;
  switch (final) {
    case 'checked':
      return areImagesBad(survey) || receipt === undefined ? 'bad' : receipt.status;
    case 'changed':
      return receipt?.foundBadAt === undefined ? 'present' : 'bad';
    case 'other-manifest':
    case 'unchecked':
      return 'present';
    case 'absent':
      if (areImagesSettled(images) && (receipt === undefined || fitsManifest(file, receipt))) {
        return isResized(survey) ? 'resized' : 'removed';
      }
      if (partBytes > 0) return 'partial';
      if (areImagesBad(survey)) return 'bad';
      if (images !== 'single') return 'missing';
      return (survey.members?.named ?? 0) > 0 ? 'named' : 'crc-checked';
  }
}

function isResized({ members }: FileSurvey): boolean {
  return (members?.resizedTo ?? null) !== null;
}

/** Whether `verify` has found some of the images that are here damaged or missing. */
export function areImagesBad({ images, members }: FileSurvey): boolean {
  return images === 'partial' && members?.isFoundBad === true;
}

/** The size of the published file: exact where it has passed. */
export function knownSizeOf({ file, receipt }: FileSurvey): Size {
  if (receipt === undefined || !fitsManifest(file, receipt)) return sizeOf(file);
  return { bytes: receipt.bytes, about: false };
}

/** The errors of a file that was read, and is not the published one. */
const READ_AND_WRONG: readonly ErrorCode[] = ['md5-mismatch', 'size-mismatch', 'occupied'];

/** What is here of a file that could not be made right. @param survey of after the failure */
export function statusAfter(error: CcxriError | undefined, survey: FileSurvey): FileStatus {
  const isRead = error !== undefined && READ_AND_WRONG.includes(error.code);
  return isRead && ['changed', 'unchecked'].includes(survey.final) ? 'bad' : statusOf(survey);
}
