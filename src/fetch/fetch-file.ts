import { throwIfAborted } from '../abort.ts';
import { extractArchive } from '../extract/archive.ts';
import { removeIfThere } from '../fs/paths.ts';
import type { ManifestFile } from '../manifest/manifest.ts';
import type { FetchOutcome } from './fetch-types.ts';
import { obtain } from './obtain.ts';
import type { FetchTask } from './plan.ts';
import type { FetchRun } from './with-downloads.ts';

/**
 * A file's whole way: download, check, extract, clean up. What goes wrong is its outcome.
 * @throws CcxriError `aborted`: the user has stopped the run; bugs
 */
export async function fetchFile(task: FetchTask, run: FetchRun): Promise<FetchOutcome> {
  const { session, options } = run;
  const outcome = await settleFile(task, run);
  session.emitDone(outcome, outcome.check === 'content-checked' ? outcome.check : undefined);
  options.onOutcome?.(outcome);
  return outcome;
}

/** Of a file that a run has not got to. */
export function stoppedOutcome({ name: file, kind }: ManifestFile): FetchOutcome {
  const unknown = { bytes: null, md5: null, check: null, source: null, members: null };
  return { file, kind, status: 'stopped', ...unknown };
}

async function settleFile({ survey, step }: FetchTask, run: FetchRun): Promise<FetchOutcome> {
  const { file } = survey;
  // What was downloaded is kept in the outcome, also where it could not be extracted.
  let outcome = stoppedOutcome(file);
  try {
    if (step.action === 'done') return await finishDone(outcome, survey, run);
    const { how, receipt } = await obtain(survey, run);
    const { bytes, md5, status: check } = receipt;
    const source = how === 'downloaded' ? (receipt.source ?? null) : null;
    outcome = { ...outcome, status: how, bytes, md5, check, source };
    if (file.kind !== 'archive' || run.options.extract === false) return outcome;
    return await finishArchive(outcome, { path: survey.path, md5 }, run);
  } catch (thrown) {
    const error = run.session.failureOf(thrown);
    return error === undefined
      ? { ...outcome, status: 'stopped' }
      : { ...outcome, status: 'failed', error };
  }
}

async function finishArchive(
  outcome: FetchOutcome,
  archive: { readonly path: string; readonly md5: string },
  { session, options, extractLimit }: FetchRun,
): Promise<FetchOutcome> {
  const { members, status } = await extractLimit(() => {
    throwIfAborted(session.signal);
    return extractArchive({ name: outcome.file, ...archive }, session);
  });
  if (options.deleteArchives === true) await removeIfThere(archive.path);
  const didExtract = outcome.status === 'present' && status !== 'present';
  return { ...outcome, members, ...(didExtract ? { status: 'extracted' } : {}) };
}

async function finishDone(
  outcome: FetchOutcome,
  { receipt, images, members, final, path }: FetchTask['survey'],
  { options }: FetchRun,
): Promise<FetchOutcome> {
  const isExtracted = images === 'complete';
  if (options.deleteArchives === true && isExtracted && final === 'checked') {
    await removeIfThere(path);
  }
  return {
    ...outcome,
    status: 'present',
    bytes: receipt?.bytes ?? null,
    md5: receipt?.md5 ?? null,
    check: receipt?.status ?? null,
    members: isExtracted ? (members?.count ?? null) : null,
  };
}
