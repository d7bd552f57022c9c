import { throwIfAborted } from '../abort.ts';
import { NOTHING_NOTED, areImagesSettled, goodOnlyError } from '../dataset/images.ts';
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
  return { file, kind, status: 'stopped', ...unknown, ...NOTHING_NOTED };
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
  const { keepGood } = options;
  const { status, error, ...result } = await extractLimit(() => {
    throwIfAborted(session.signal);
    return extractArchive({ name: outcome.file, ...archive, keepGood }, session);
  });
  if (error !== undefined) return { ...outcome, ...result, status: 'failed', error };
  if (options.deleteArchives === true) await removeIfThere(archive.path);
  const didExtract = outcome.status === 'present' && status !== 'present';
  return { ...outcome, ...result, ...(didExtract ? { status: 'extracted' } : {}) };
}

async function finishDone(
  outcome: FetchOutcome,
  { file, receipt, images, members, final, path }: FetchTask['survey'],
  { options }: FetchRun,
): Promise<FetchOutcome> {
  if (options.deleteArchives === true && images === 'complete' && final === 'checked') {
    await removeIfThere(path);
  }
  const known = {
    ...outcome,
    status: 'present',
    bytes: receipt?.bytes ?? null,
    md5: receipt?.md5 ?? null,
    check: receipt?.status ?? null,
  } as const;
  if (!areImagesSettled(images) || members === undefined) return known;
  const { count, damagedMembers, brokenImages } = members;
  const done = { ...known, members: count, damagedMembers, brokenImages };
  // What was kept of an archive with damaged members: it is no more complete than it was.
  const error = options.extract === false ? undefined : goodOnlyError(file.name, count, members);
  return error === undefined ? done : { ...done, status: 'failed', error };
}
