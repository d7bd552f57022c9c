import { throwIfAborted } from '../abort.ts';
import { NOTHING_NOTED, areImagesSettled, goodOnlyError } from '../dataset/images.ts';
import type { Session } from '../dataset/session.ts';
import type { FileSurvey } from '../dataset/survey.ts';
import { CcxriError, isCcxriError } from '../errors.ts';
import { stemOf } from '../manifest/manifest.ts';
import { type ExtractedArchive, extractArchive } from './archive.ts';
import type { ExtractOutcome, ExtractStatus } from './types.ts';

type SettledOutcome = ExtractOutcome & { readonly status: Exclude<ExtractStatus, 'planned'> };

/** What would be done with an archive. Pure. */
export function planFile({ file, path, final, images }: FileSurvey): ExtractOutcome {
  const { name } = file;
  const unknown = { members: null, ...NOTHING_NOTED };
  const isDone = areImagesSettled(images) && (final === 'checked' || final === 'absent');
  if (isDone) return { file: name, status: 'present', ...unknown };
  if (final !== 'absent') return { file: name, status: 'planned', ...unknown };
  const error = new CcxriError('missing', `${name} is not here`, {
    file: name,
    path,
    next: [{ kind: 'run', command: 'fetch', files: [stemOf(name)], purpose: 'to get it' }],
  });
  return { file: name, status: 'missing', ...unknown, error };
}

/** An archive's whole way: check where it is needed, extract. What goes wrong is its outcome. */
export async function extractFile(
  survey: FileSurvey,
  { session, keepGood }: ExtractRun,
): Promise<SettledOutcome> {
  const { name: file } = survey.file;
  const run = { session, keepGood };
  const outcome = await settleFile(survey, run).catch((thrown: unknown): SettledOutcome => {
    const error = session.failureOf(thrown) ?? notExtracted(file, session);
    return { file, status: 'failed', members: null, ...NOTHING_NOTED, error };
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
  const { status: done } = planned;
  const { file, path, final, receipt, finalBytes } = survey;
  const toOutcome = ({ status, error, ...result }: SettledResult): SettledOutcome => ({
    file: file.name,
    ...result,
    ...(error === undefined ? { status } : { status: 'failed', error }),
  });
  if (done === 'present') return toOutcome(hereAlready(survey));
  if (done !== 'planned') return { ...planned, status: done };
  const accepted =
    final === 'checked' && receipt !== undefined
      ? receipt
      : await session.acceptance.accept(file, await session.hash(file.name, path, finalBytes));
  const archive = { name: file.name, path, md5: accepted.md5, keepGood };
  return toOutcome(await extractArchive(archive, session));
}

type SettledResult = Omit<ExtractedArchive, 'members'> & Pick<ExtractOutcome, 'members'>;

function hereAlready({ file: { name }, members }: FileSurvey): SettledResult {
  if (members === undefined) return { status: 'present', members: null, ...NOTHING_NOTED };
  const { count, damagedMembers, brokenImages } = members;
  const error = goodOnlyError(name, count, members);
  return { status: 'present', members: count, damagedMembers, brokenImages, error };
}

/** The run has ended for what another archive met. */
function notExtracted(file: string, { signal }: Session): CcxriError {
  const reason: unknown = signal.reason;
  if (!isCcxriError(reason)) return new CcxriError('aborted', `${file} was not begun`, { file });
  return new CcxriError(reason.code, `${file} was not extracted: ${reason.message}`, {
    ...reason.facts,
    file,
    next: reason.next,
    cause: reason,
  });
}
