import { throwIfAborted } from '../abort.ts';
import { type Check, assertSize } from '../dataset/acceptance.ts';
import { finalPathOf } from '../dataset/layout.ts';
import type { MemberContent } from '../dataset/ledger.ts';
import { stateOf } from '../dataset/survey.ts';
import { WRONG_BYTES } from '../download/failures.ts';
import { CcxriError, isCcxriError, toErrorRecord } from '../errors.ts';
import { hashWithProgress } from '../hash/hash-with-progress.ts';
import { formatCount } from '../text.ts';
import { CheckProgress, checkArchive } from './check-archive.ts';
import { checkFolder, checkImagesAlone, noteBad } from './check-images.ts';
import {
  absentError,
  changedError,
  imagesGoneError,
  otherManifestError,
  withNextSteps,
} from './errors.ts';
import { fits } from './locate.ts';
import type { Findings, Located, VerifyContext, VerifyOutcome, VerifyStatus } from './types.ts';

/** Checks one file. What is wrong with it is its outcome; a stop and a bug are thrown. */
export async function verifyFile(located: Located, context: VerifyContext): Promise<VerifyOutcome> {
  const { file, here, images } = located;
  throwIfAborted(context.signal);
  const findings: Findings = { md5: null, membersChecked: 0, badMembers: [] };
  const end = await settleFile(located, findings, context);
  context.onEvent({
    event: 'file-done',
    file: file.name,
    status: end.status,
    ...(end.error === undefined ? {} : { error: toErrorRecord(end.error) }),
  });
  return {
    file: file.name,
    kind: file.kind,
    path: here?.path ?? images ?? null,
    bytes: here?.stats.size ?? null,
    ...findings,
    ...end,
  };
}

interface End {
  readonly status: VerifyStatus;
  readonly error?: CcxriError | undefined;
}

async function settleFile(
  located: Located,
  findings: Findings,
  context: VerifyContext,
): Promise<End> {
  try {
    return { status: await check(located, findings, context) };
  } catch (error) {
    if (!isCcxriError(error) || error.code === 'aborted') throw error;
    return { status: badStatusOf(error, located, { ...findings, depth: context.depth }), error };
  }
}

async function check(
  located: Located,
  findings: Findings,
  context: VerifyContext,
): Promise<VerifyStatus> {
  const { file, here, images, imagesGone } = located;
  if (here !== undefined) return checkHere({ ...located, here }, findings, context);
  if (images !== undefined) return checkImagesAlone(file, images, findings, context);
  if (imagesGone) throw imagesGoneError(file, context);
  throw absentError(file, finalPathOf(context.layout, file), context.selection);
}

function badStatusOf(
  error: CcxriError,
  { here, images }: Located,
  { badMembers, depth }: Findings & Pick<VerifyContext, 'depth'>,
) {
  // No byte was read: it may be good all the same.
  if (depth === 'quick' && here !== undefined && error.code === 'md5-mismatch') return 'changed';
  if (error.code !== 'missing' || badMembers.length > 0) return 'bad';
  // The images are there, and nothing tells how they should be.
  return here === undefined && images !== undefined ? 'unknown' : 'missing';
}

type Found = Located & { readonly here: NonNullable<Located['here']> };

/**
 * Checks a file that lies there, in the run's depth.
 * @throws CcxriError what is wrong with it; `aborted`
 */
async function checkHere(
  found: Found,
  findings: Findings,
  context: VerifyContext,
): Promise<VerifyStatus> {
  if (context.depth === 'quick') return checkQuick(found, context);
  if (context.depth === 'full' || found.file.kind !== 'archive') {
    return checkBytes(found, findings, context);
  }
  return checkDeep(found, findings, context);
}

/** By the ledger alone. What it knows to be otherwise has changed; what it does not know is unknown. */
async function checkQuick(
  { file, here }: Found,
  { ledger, layout }: VerifyContext,
): Promise<VerifyStatus> {
  const { path, stats } = here;
  try {
    // The ledger speaks of files in their place.
    const isInPlace = path === finalPathOf(layout, file);
    const receipt = isInPlace ? await ledger.readReceipt(file.name) : undefined;
    const state = stateOf(file, receipt, stats);
    if (state === 'other-manifest') throw otherManifestError(file);
    assertSize(file, stats.size);
    if (!isInPlace) return 'unknown';
    if (receipt !== undefined && receipt.bytes !== stats.size) {
      throw new CcxriError('size-mismatch', `${file.name} has not the size with which it passed`, {
        file: file.name,
        expected: `${formatCount(receipt.bytes)} bytes`,
        found: `${formatCount(stats.size)} bytes`,
      });
    }
    if (state === 'changed') throw changedError(file);
    return state === 'checked' ? 'unchanged' : 'unknown';
  } catch (error) {
    throw withNextSteps(error, { file, path, isPublishedSo: false });
  }
}

async function checkBytes(
  { file, here }: Found,
  findings: Findings,
  context: VerifyContext,
): Promise<Check> {
  const { path, stats } = here;
  try {
    const place = { path, totalBytes: stats.size };
    const candidate = await hashWithProgress(file.name, place, context);
    findings.md5 = candidate.md5;
    context.meter.bytesRead += candidate.bytes;
    return await context.acceptance.check(file, candidate);
  } catch (error) {
    if (isCcxriError(error, ...WRONG_BYTES)) {
      if (await isOfAnother({ file, here }, findings, context)) throw otherManifestError(file);
      await noteBad({ file, here }, context);
    }
    throw withNextSteps(error, { file, path, isPublishedSo: false });
  }
}

/** Are these the bytes that passed, as the ledger has it, for another manifest? */
async function isOfAnother(
  { file, here }: Pick<Found, 'file' | 'here'>,
  { md5 }: Findings,
  { ledger, layout }: VerifyContext,
): Promise<boolean> {
  if (here.path !== finalPathOf(layout, file)) return false;
  const receipt = await ledger.readReceipt(file.name);
  return receipt?.md5 === md5 && stateOf(file, receipt, here.stats) === 'other-manifest';
}

/** The images are checked also where the archive is bad, so that one run tells all. */
async function checkDeep(
  found: Found,
  findings: Findings,
  context: VerifyContext,
): Promise<VerifyStatus> {
  const progress = new CheckProgress(found.file.name, context);
  const archive = await checkWholeArchive(found, findings, { ...context, progress });
  const damage = await checkExtracted(found, archive, findings, { ...context, progress });
  progress.end(findings.membersChecked);
  if (!archive.isGood) throw archive.error;
  if (damage !== undefined) throw damage;
  return archive.check;
}

/** By what the archive holds, or where that is bad by the ledger. */
async function checkExtracted(
  { file, images: folder, imagesGone }: Found,
  { isGood: isArchiveGood, members }: WholeArchive,
  findings: Findings,
  context: VerifyContext & { readonly progress: CheckProgress },
): Promise<CcxriError | undefined> {
  if (imagesGone) return imagesGoneError(file, context);
  if (folder === undefined) return undefined;
  const known = await context.ledger.readMembers(file.name);
  const expected = members ?? (fits(file, known) ? known?.members : undefined);
  if (expected === undefined) return undefined;
  return context.deepChecks(() =>
    checkFolder({ file, folder, known, expected, isArchiveGood }, findings, context),
  );
}

type WholeArchive =
  | { readonly isGood: true; readonly check: Check; readonly members: readonly MemberContent[] }
  | { readonly isGood: false; readonly error: CcxriError; readonly members?: undefined };

async function checkWholeArchive(
  found: Found,
  findings: Findings,
  context: VerifyContext & { readonly progress: CheckProgress },
): Promise<WholeArchive> {
  const { file, here, images } = found;
  let check: Check | undefined;
  try {
    check = await checkBytes(found, findings, context);
    const { memberCount, members } = await context.deepChecks(() =>
      checkArchive(file.name, here.path, { ...context, hasImages: images !== undefined }),
    );
    findings.membersChecked = memberCount;
    return { isGood: true, check, members };
  } catch (error) {
    const isPublishedSo = check === 'verified';
    const told = withNextSteps(error, { file, path: here.path, isPublishedSo });
    if (!isCcxriError(told) || told.code === 'aborted') throw told;
    return { isGood: false, error: told };
  }
}
