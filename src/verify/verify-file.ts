import { throwIfAborted } from '../abort.ts';
import { type Check, assertSize } from '../dataset/acceptance.ts';
import { areSingle } from '../dataset/images.ts';
import { finalPathOf } from '../dataset/layout.ts';
import type { MemberContent } from '../dataset/ledger.ts';
import { ofOtherManifest, otherManifestError } from '../dataset/other-manifest.ts';
import type { Session } from '../dataset/session.ts';
import { isSizeOfKept, stateOf } from '../dataset/survey.ts';
import { WRONG_BYTES } from '../download/failures.ts';
import { CcxriError, isCcxriError } from '../errors.ts';
import type { FileStatus } from '../file-status.ts';
import type { ManifestFile } from '../manifest/manifest.ts';
import { formatCount } from '../text.ts';
import { CheckProgress, type DeepCheck, checkArchive } from './check-archive.ts';
import { assertNoneLeftOut, checkFolder, checkImagesAlone, placed } from './check-images.ts';
import { absentError, changedError, imagesGoneError, withNextSteps } from './errors.ts';
import { noteBad, noteGood } from './ledger-notes.ts';
import { fits } from './locate.ts';
import type {
  CheckResults,
  Checking,
  Located,
  Present,
  VerifyOutcome,
  VerifyRun,
} from './types.ts';

/** Checks one file. What is wrong with it is its outcome; a stop and a bug are thrown. */
export async function verifyFile(located: Located, run: VerifyRun): Promise<VerifyOutcome> {
  const { file, here, images } = located;
  const { ledger, signal } = run.session;
  throwIfAborted(signal);
  const results: CheckResults = {
    md5: null,
    membersChecked: 0,
    badMembers: [],
    brokenImages: [],
    unexpectedFiles: [],
  };
  let members: ReturnType<Checking['readMembers']> | undefined;
  const readMembers = () => (members ??= ledger.readMembers(file.name));
  const end = await settleFile({ ...located, readMembers }, results, run);
  run.session.emitDone({ file: file.name, ...end });
  return {
    file: file.name,
    subsets: file.subsets,
    kind: file.kind,
    path: here?.path ?? images ?? null,
    bytes: here?.stats.size ?? null,
    ...results,
    ...end,
  };
}

interface End {
  readonly status: FileStatus;
  readonly error?: CcxriError | undefined;
}

async function settleFile(located: Checking, results: CheckResults, run: VerifyRun): Promise<End> {
  try {
    const status = await check(located, results, run);
    await assertNoneLeftOut(located, results);
    return { status };
  } catch (error) {
    if (!isCcxriError(error) || error.code === 'aborted') throw error;
    return { status: badStatusOf(error, located, { ...results, depth: run.depth }), error };
  }
}

/** @throws CcxriError what is wrong with it; `aborted` */
async function check(
  located: Checking,
  results: CheckResults,
  run: VerifyRun,
): Promise<FileStatus> {
  const { file, here, images, imagesGone } = located;
  if (here !== undefined) {
    const present = { ...located, here };
    if (run.depth === 'quick') return checkQuick(present, run);
    const isDeep = run.depth === 'deep' && file.kind === 'archive';
    return isDeep ? checkDeep(present, results, run) : checkBytes(present, results, run);
  }
  if (images !== undefined) return checkImagesAlone(located, images, results, run);
  if (imagesGone) throw imagesGoneError(file, run);
  const { layout, selection } = run.session;
  throw absentError(file, finalPathOf(layout, file), selection);
}

function badStatusOf(
  error: CcxriError,
  { here }: Located,
  { badMembers, depth }: CheckResults & Pick<VerifyRun, 'depth'>,
): FileStatus {
  // No byte was read, and none was found wrong before: it may still be good.
  const isUnread = depth === 'quick' && here !== undefined && error.facts.found === undefined;
  if (error.facts.otherManifest === true || (isUnread && error.code === 'md5-mismatch')) {
    return here === undefined ? 'missing' : 'present';
  }
  return error.code !== 'missing' || badMembers.length > 0 ? 'bad' : 'missing';
}

/** By the ledger alone. What it does not know is only present. */
async function checkQuick(present: Present, { session }: VerifyRun): Promise<FileStatus> {
  const { file, here } = present;
  const { ledger, layout } = session;
  const { path, stats } = here;
  try {
    // The ledger speaks of files in their place.
    const isInPlace = path === finalPathOf(layout, file);
    const receipt = isInPlace ? await ledger.readReceipt(file.name) : undefined;
    const state = stateOf(file, receipt, stats);
    if (state === 'other-manifest') throw await otherManifestError(file, session);
    await assertSizeOrOther(file, stats.size, session);
    if (!isInPlace) return 'present';
    if (receipt !== undefined && receipt.bytes !== stats.size) {
      throw new CcxriError('size-mismatch', `${file.name} has not the size with which it passed`, {
        file: file.name,
        expected: `${formatCount(receipt.bytes)} bytes`,
        found: `${formatCount(stats.size)} bytes`,
      });
    }
    if (state === 'changed') throw changedError(file, receipt?.foundBadAt);
    return state === 'checked' && receipt !== undefined ? receipt.status : 'present';
  } catch (error) {
    throw withNextSteps(error, { ...placeOf(present, session), isPublishedSo: false });
  }
}

async function checkBytes(present: Present, results: CheckResults, run: VerifyRun): Promise<Check> {
  const { file, here } = present;
  const { path, stats } = here;
  const { session, meter } = run;
  try {
    const candidate = await session.hash(file.name, path, stats.size);
    results.md5 = candidate.md5;
    meter.bytesRead += candidate.bytes;
    const status = await session.acceptance.check(file, candidate);
    await noteGood(present, candidate.md5, run);
    return status;
  } catch (error) {
    if (isCcxriError(error, ...WRONG_BYTES)) {
      const receipt = await session.ledger.readReceipt(file.name);
      const other = await ofOtherManifest({ file, md5: results.md5, receipt }, session);
      if (other !== undefined) throw other;
      await noteBad(present, run);
    }
    throw withNextSteps(error, { ...placeOf(present, session), isPublishedSo: false });
  }
}

function placeOf({ file, here: { path } }: Present, { layout }: Session) {
  return { file, path, isInPlace: path === finalPathOf(layout, file) };
}

/** @throws CcxriError `size-mismatch`; `other-manifest`: right by the manifest that the directory keeps */
async function assertSizeOrOther(file: ManifestFile, bytes: number, session: Session) {
  if (await isSizeOfKept(file, bytes, session)) throw await otherManifestError(file, session);
  assertSize(file, bytes);
}

/** The images are checked also where the archive is bad, so that one run reports all. */
async function checkDeep(
  present: Present,
  results: CheckResults,
  run: VerifyRun,
): Promise<FileStatus> {
  const progress = new CheckProgress(present.file.name, run.session);
  const archive = await checkWholeArchive(present, results, { run, progress });
  const damage = await checkExtracted(present, archive, results, { run, progress });
  progress.end(results.membersChecked);
  if (!archive.isGood) throw archive.error;
  if (damage !== undefined) throw damage;
  return archive.check;
}

/** By what the archive holds, or where that is bad by the ledger. */
async function checkExtracted(
  { file, images: folder, imagesGone, readMembers }: Present,
  { isGood: isArchiveGood, members }: WholeArchive,
  results: CheckResults,
  deep: DeepCheck,
): Promise<CcxriError | undefined> {
  const { deepChecks } = deep.run;
  if (imagesGone) return imagesGoneError(file, deep.run);
  if (folder === undefined) return undefined;
  const known = await readMembers();
  const here = new Set(areSingle(known) ? known?.members.map(({ path }) => path) : undefined);
  // Of single images no others are expected.
  const held = here.size === 0 ? members : members?.filter(({ path }) => here.has(path));
  // Of images that were made out of its members, the ledger alone knows the bytes.
  const written = known?.resized === undefined ? held : undefined;
  const expected = written ?? (fits(file, known) ? known?.members : undefined);
  if (expected === undefined) return undefined;
  return deepChecks(() =>
    checkFolder({ file, folder, known, expected, isArchiveGood }, results, deep),
  );
}

type WholeArchive =
  | { readonly isGood: true; readonly check: Check; readonly members: readonly MemberContent[] }
  | { readonly isGood: false; readonly error: CcxriError; readonly members?: undefined };

async function checkWholeArchive(
  present: Present,
  results: CheckResults,
  deep: DeepCheck,
): Promise<WholeArchive> {
  const { file } = present;
  let check: Check | undefined;
  try {
    check = await checkBytes(present, results, deep.run);
    const { memberCount, members, broken } = await deep.run.deepChecks(() =>
      checkArchive(present, deep),
    );
    results.membersChecked = memberCount;
    results.brokenImages = placed(file, broken);
    return { isGood: true, check, members };
  } catch (thrown) {
    const isPublishedSo = check === 'verified';
    const error = withNextSteps(thrown, { ...placeOf(present, deep.run.session), isPublishedSo });
    if (!isCcxriError(error) || error.code === 'aborted') throw error;
    return { isGood: false, error };
  }
}
