import { finalPathOf } from '../dataset/layout.ts';
import type { MemberRecord } from '../dataset/ledger-schema.ts';
import { CcxriError, isCcxriError } from '../errors.ts';
import { hashTelling } from '../hash/hash-with-progress.ts';
import { assertSize, type Check } from '../dataset/acceptance.ts';
import { WRONG_BYTES } from '../download/failures.ts';
import { stateOf } from '../dataset/survey.ts';
import { formatCount } from '../text.ts';
import { checkArchive } from './check-archive.ts';
import { checkFolder, fits } from './check-images.ts';
import { CheckProgress } from './check-progress.ts';
import type { Located } from './locate.ts';
import { noteBad } from './note-bad.ts';
import type { Findings, VerifyContext } from './verify-context.ts';
import type { VerifyStatus } from './types.ts';
import { changedError, imagesGoneError, otherManifestError, withWayOn } from './errors.ts';

type Found = Located & { readonly here: NonNullable<Located['here']> };

/**
 * Checks a file that lies there, in the run's depth.
 * @throws CcxriError what is wrong with it; `aborted`
 */
export async function checkHere(
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
    throw withWayOn(error, { file, path, isPublishedSo: false });
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
    const candidate = await hashTelling(file.name, place, context);
    findings.md5 = candidate.md5;
    context.meter.bytesRead += candidate.bytes;
    return await context.judge.judge(file, candidate);
  } catch (error) {
    if (isCcxriError(error, ...WRONG_BYTES)) {
      if (await isOfAnother({ file, here }, findings, context)) throw otherManifestError(file);
      await noteBad({ file, here }, context);
    }
    throw withWayOn(error, { file, path, isPublishedSo: false });
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
  | { readonly isGood: true; readonly check: Check; readonly members: readonly MemberRecord[] }
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
    const told = withWayOn(error, { file, path: here.path, isPublishedSo });
    if (!isCcxriError(told) || told.code === 'aborted') throw told;
    return { isGood: false, error: told };
  }
}
