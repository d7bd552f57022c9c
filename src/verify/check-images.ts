import { join } from 'node:path';
import { throwIfAborted } from '../abort.ts';
import { forEachAtOnce } from '../concurrency.ts';
import {
  areSingle,
  findUnexpected,
  goodOnlyError,
  namedOf,
  notedMembers,
} from '../dataset/images.ts';
import type { MemberContent, MembersRecord } from '../dataset/ledger.ts';
import { otherManifestError } from '../dataset/other-manifest.ts';
import type { CcxriError } from '../errors.ts';
import type { FileStatus } from '../file-status.ts';
import { compareContent, compareLength } from '../fs/content.ts';
import { ImageCheck } from '../fs/image-content.ts';
import { isLink, walkFolder } from '../fs/paths.ts';
import { type ManifestFile, stemOf } from '../manifest/manifest.ts';
import { isPlausibleSize } from '../manifest/size.ts';
import { type BrokenImage, MemberFaults } from '../zip/member-faults.ts';
import { CheckProgress, type DeepCheck } from './check-archive.ts';
import { imagesError, imagesUnknownError } from './errors.ts';
import { noteImages } from './ledger-notes.ts';
import { fits } from './locate.ts';
import type { CheckResults, Checking, FolderReport, VerifyRun } from './types.ts';

/** Files read at once, an archive: node's own pool has four threads. */
const FILES_AT_ONCE = 8;
const MAX_BAD_MEMBERS = 20;

/**
 * Checks the images of an archive that is not here any more, against the ledger.
 * @throws CcxriError what is wrong with them; `missing`: the ledger does not know them; `aborted`
 */
export async function checkImagesAlone(
  { file, readMembers }: Checking,
  folder: string,
  results: CheckResults,
  run: VerifyRun,
): Promise<FileStatus> {
  const known = await readMembers();
  if (known === undefined) throw imagesUnknownError(file, folder);
  const receipt = await run.session.ledger.readReceipt(file.name);
  // A disputed MD5 says nothing: then the size of the archive that was here does.
  const isOfSize = receipt === undefined || isPlausibleSize(file, receipt.bytes);
  if (!fits(file, known) || !isOfSize) throw await otherManifestError(file, run.session);
  const progress = new CheckProgress(file.name, run.session);
  const options = { file, folder, known, expected: known.members, isArchiveGood: false };
  const damage = await run.deepChecks(() => checkFolder(options, results, { run, progress }));
  progress.end(results.membersChecked);
  if (damage !== undefined) throw damage;
  if (known.resized !== undefined) return 'resized';
  if (areSingle(known) && namedOf(known).length > 0) return 'named';
  return run.depth === 'quick' && !areSingle(known) ? 'removed' : 'crc-checked';
}

interface CheckFolderOptions {
  readonly file: ManifestFile;
  /** images/<archive> */
  readonly folder: string;
  /** The ledger's list, as it was before this check. */
  readonly known: MembersRecord | undefined;
  /** What should lie there. */
  readonly expected: readonly MemberContent[];
  /** It can be extracted once more. */
  readonly isArchiveGood: boolean;
}

/**
 * Compares every extracted file with what it should be, and records the result in the ledger; what lies
 * there besides is listed.
 * @returns what is wrong; undefined: nothing
 */
export async function checkFolder(
  options: CheckFolderOptions,
  results: CheckResults,
  { run, progress }: DeepCheck,
): Promise<CcxriError | undefined> {
  const { file, folder, known, expected } = options;
  const { session, depth, meter } = run;
  progress.begin(expected.reduce((sum, { bytes }) => sum + bytes, 0));
  const report = await compareFolder(folder, expected, run, ({ length }) => {
    progress.add(length);
    meter.bytesRead += length;
  });
  if (depth !== 'quick') results.membersChecked = expected.length;
  const place = (path: string) => `images/${stemOf(file.name)}/${path}`;
  results.badMembers = [...report.damaged, ...report.missing]
    .sort()
    .slice(0, MAX_BAD_MEMBERS)
    .map(place);
  // The same bytes, where the archive has been read.
  if (!options.isArchiveGood) results.brokenImages = placed(file, report.broken);
  const { unexpectedFiles } = report;
  results.unexpectedFiles = unexpectedFiles.map(place);
  const isBad = report.damaged.length + report.missing.length > 0;
  // Sizes alone make nothing good.
  if (!isBad && depth === 'quick') return undefined;
  const isNoted = await noteImages(known, isBad ? 'bad' : 'good', run);
  if (!isBad) return undefined;
  // Single images are replaced one by one, whatever lies beside them.
  const isSingle = areSingle(known);
  const isReplaced = isSingle || unexpectedFiles.length === 0;
  const isRepaired = isNoted && isReplaced && !(await isLink(folder));
  const resizedTo = known?.resized?.size;
  const how = { selection: session.selection, isRepaired, areSingle: isSingle, resizedTo };
  return imagesError({ ...options, ...how }, report);
}

/** With the paths that users see. */
export function placed(
  { name }: ManifestFile,
  broken: readonly BrokenImage[],
): readonly BrokenImage[] {
  return notedMembers(name, { broken: [...broken] }).brokenImages;
}

/**
 * The members that are damaged in the archive itself, and so are not among its images.
 * @throws CcxriError `damaged-archive`: there are some
 */
export async function assertNoneLeftOut(
  { file, images, readMembers }: Checking,
  results: CheckResults,
): Promise<void> {
  if (file.kind !== 'archive' || images === undefined) return;
  const known = await readMembers();
  if (known === undefined || !fits(file, known)) return;
  const { damagedMembers } = notedMembers(file.name, known);
  const error = goodOnlyError(file.name, known.members.length, { damagedMembers });
  if (error === undefined) return;
  results.badMembers = damagedMembers.slice(0, MAX_BAD_MEMBERS).map(({ path }) => path);
  throw error;
}

async function compareFolder(
  folder: string,
  expected: readonly MemberContent[],
  { depth, session: { signal } }: VerifyRun,
  onPiece: (piece: Uint8Array) => void,
): Promise<FolderReport> {
  const found = new MemberFaults();
  const damaged: string[] = [];
  const missing: string[] = [];
  await forEachAtOnce(expected, FILES_AT_ONCE, async (record) => {
    throwIfAborted(signal);
    const path = join(folder, record.path);
    const picture = new ImageCheck();
    const add = (piece: Uint8Array) => {
      onPiece(piece);
      picture.add(piece);
    };
    const isRead = depth !== 'quick';
    const how = isRead
      ? await compareContent(path, record, add)
      : await compareLength(path, record);
    if (how === 'absent') missing.push(record.path);
    else if (how === 'different') damaged.push(record.path);
    else if (isRead) found.addPicture(record.path, () => picture.fault);
  });
  found.sort();
  return {
    checked: expected.length,
    damaged: damaged.sort(),
    missing: missing.sort(),
    unexpectedFiles: await unexpectedFilesIn(folder, expected),
    broken: found.broken,
  };
}

async function unexpectedFilesIn(
  folder: string,
  expected: readonly MemberContent[],
): Promise<readonly string[]> {
  const paths: string[] = [];
  for await (const { path, entry } of walkFolder(folder)) {
    if (!entry.isDirectory()) paths.push(path);
  }
  return findUnexpected(paths, expected);
}
