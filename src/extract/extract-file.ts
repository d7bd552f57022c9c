import { throwIfAborted } from '../abort.ts';
import { NOTHING_NOTED, areImagesSettled, goodOnlyError, repairStep } from '../dataset/images.ts';
import type { Receipt } from '../dataset/ledger.ts';
import { ofOtherManifest } from '../dataset/other-manifest.ts';
import type { Session } from '../dataset/session.ts';
import { type FileSurvey, statusAfter, statusOf, surveyFile } from '../dataset/survey.ts';
import { WRONG_BYTES } from '../download/failures.ts';
import { CcxriError, isCcxriError, withDetails } from '../errors.ts';
import type { FileStatus } from '../file-status.ts';
import { stemOf } from '../manifest/manifest.ts';
import { type ExtractedArchive, extractArchive } from './archive.ts';
import type { ExtractDid, ExtractOutcome } from './types.ts';

type SettledOutcome = ExtractOutcome & { readonly did: Exclude<ExtractDid, 'planned'> };

/** What would be done with an archive. Pure. */
export function planFile(survey: FileSurvey): ExtractOutcome {
  const { file, path, final, images } = survey;
  const { name, subsets } = file;
  const status = statusOf(survey);
  const unknown = { file: name, subsets, status, members: null, ...NOTHING_NOTED };
  const isDone = areImagesSettled(images) && (final === 'checked' || final === 'absent');
  if (isDone) return { ...unknown, did: 'skipped' };
  if (final !== 'absent') return { ...unknown, did: 'planned' };
  const error = new CcxriError('missing', `${name} is not here`, {
    file: name,
    path,
    next: [{ kind: 'run', command: 'fetch', files: [stemOf(name)], purpose: 'to get it' }],
  });
  return { ...unknown, did: 'failed', error };
}

/** An archive's whole way: check where it is needed, extract. What goes wrong is its outcome. */
export async function extractFile(
  survey: FileSurvey,
  { session, keepGood }: ExtractRun,
): Promise<SettledOutcome> {
  const { name, subsets } = survey.file;
  const run = { session, keepGood };
  const outcome = await settleFile(survey, run).catch(async (thrown: unknown) => {
    const error = session.failureOf(thrown) ?? notExtracted(name, session);
    const status = statusAfter(error, await surveyFile(survey.file, session));
    const unknown = { members: null, ...NOTHING_NOTED };
    return { file: name, subsets, status, did: 'failed', ...unknown, error } as const;
  });
  session.emitDone(outcome);
  return outcome;
}

interface ExtractRun {
  readonly session: Session;
  readonly keepGood: boolean | undefined;
}

async function settleFile(
  survey: FileSurvey,
  { session, keepGood }: ExtractRun,
): Promise<SettledOutcome> {
  throwIfAborted(session.signal);
  const planned = planFile(survey);
  const { did: done } = planned;
  const { file, path, final, receipt } = survey;
  const toOutcome = (result: SettledResult, status: FileStatus): SettledOutcome => ({
    file: file.name,
    subsets: file.subsets,
    status,
    ...result,
    ...(result.error === undefined ? {} : { did: 'failed' }),
  });
  if (done === 'skipped') return toOutcome(hereAlready(survey), planned.status);
  if (done !== 'planned') return { ...planned, did: done };
  const accepted =
    final === 'checked' && receipt !== undefined ? receipt : await acceptHere(survey, session);
  const archive = { name: file.name, path, md5: accepted.md5, keepGood };
  return toOutcome(await extractArchive(archive, session), accepted.status);
}

/** @throws CcxriError `other-manifest`: it is right by another manifest; as `Acceptance.accept` */
async function acceptHere(
  { file, path, receipt, finalBytes }: FileSurvey,
  session: Session,
): Promise<Receipt> {
  const candidate = await session.hash(file.name, path, finalBytes);
  try {
    return await session.acceptance.accept(file, candidate);
  } catch (error) {
    if (!isCcxriError(error, ...WRONG_BYTES)) throw error;
    const other = await ofOtherManifest({ file, md5: candidate.md5, receipt }, session);
    throw other ?? withDetails(error, { next: [repairStep(file.name)] });
  }
}

type SettledResult = Omit<ExtractedArchive, 'members'> & Pick<ExtractOutcome, 'members'>;

function hereAlready({ file: { name }, members }: FileSurvey): SettledResult {
  if (members === undefined) return { did: 'skipped', members: null, ...NOTHING_NOTED };
  const { count, damagedMembers, brokenImages } = members;
  const error = goodOnlyError(name, count, members);
  return { did: 'skipped', members: count, damagedMembers, brokenImages, error };
}

/** The run has ended for what another archive met. */
function notExtracted(file: string, { signal }: Session): CcxriError {
  const reason: unknown = signal.reason;
  if (!isCcxriError(reason)) return new CcxriError('aborted', `${file} was not started`, { file });
  return new CcxriError(reason.code, `${file} was not extracted: ${reason.message}`, {
    ...reason.facts,
    file,
    next: reason.next,
    cause: reason,
  });
}
