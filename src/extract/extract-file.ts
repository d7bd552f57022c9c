import { throwIfAborted } from '../abort.ts';
import type { Session } from '../dataset/session.ts';
import type { FileSurvey } from '../dataset/survey.ts';
import { CcxriError, isCcxriError } from '../errors.ts';
import { stemOf } from '../manifest/manifest.ts';
import { extractArchive } from './archive.ts';
import type { ExtractOutcome, ExtractStatus } from './types.ts';

type SettledOutcome = ExtractOutcome & { readonly status: Exclude<ExtractStatus, 'planned'> };

/** What would be done with an archive. Pure. */
export function planFile({ file, path, final, images }: FileSurvey): ExtractOutcome {
  const { name } = file;
  const isDone = images === 'complete' && (final === 'checked' || final === 'absent');
  if (isDone) return { file: name, status: 'present', members: null };
  if (final !== 'absent') return { file: name, status: 'planned', members: null };
  const error = new CcxriError('missing', `${name} is not here`, {
    file: name,
    path,
    next: [{ kind: 'run', command: 'fetch', files: [stemOf(name)], purpose: 'to get it' }],
  });
  return { file: name, status: 'missing', members: null, error };
}

/** An archive's whole way: check where it is needed, extract. What goes wrong is its outcome. */
export async function extractFile(survey: FileSurvey, session: Session): Promise<SettledOutcome> {
  const { name: file } = survey.file;
  const outcome = await settleFile(survey, session).catch((thrown: unknown): SettledOutcome => {
    const error = session.failureOf(thrown) ?? notExtracted(file, session);
    return { file, status: 'failed', members: null, error };
  });
  session.emitDone(outcome);
  return outcome;
}

async function settleFile(survey: FileSurvey, session: Session): Promise<SettledOutcome> {
  throwIfAborted(session.signal);
  const planned = planFile(survey);
  const { status: done } = planned;
  if (done === 'present')
    return { ...planned, status: done, members: survey.members?.count ?? null };
  if (done !== 'planned') return { ...planned, status: done };
  const { file, path, final, receipt, finalBytes } = survey;
  const accepted =
    final === 'checked' && receipt !== undefined
      ? receipt
      : await session.acceptance.accept(file, await session.hash(file.name, path, finalBytes));
  const { md5 } = accepted;
  const { members, status } = await extractArchive({ name: file.name, path, md5 }, session);
  return { file: file.name, status, members };
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
