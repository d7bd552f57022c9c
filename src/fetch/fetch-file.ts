import { throwIfAborted } from '../abort.ts';
import { NOTHING_NOTED, areImagesSettled, goodOnlyError } from '../dataset/images.ts';
import { statusAfter, statusOf, surveyFile } from '../dataset/survey.ts';
import { extractArchive } from '../extract/archive.ts';
import type { FileStatus } from '../file-status.ts';
import { removeIfThere } from '../fs/paths.ts';
import type { ManifestFile } from '../manifest/manifest.ts';
import type { FetchOptions, FetchOutcome } from './fetch-types.ts';
import { assertSameSize } from './image-size.ts';
import { obtain } from './obtain.ts';
import type { FetchTask } from './plan.ts';
import type { FetchRun } from './with-downloads.ts';

/**
 * A file's whole way: download, check, extract, clean up. What goes wrong is its outcome.
 * @param countImages how many images of a choice are here; absent: none were chosen
 * @throws CcxriError `aborted`: the user has stopped the run; bugs
 */
export async function fetchFile(
  task: FetchTask,
  run: FetchRun,
  countImages?: () => Promise<number>,
): Promise<FetchOutcome> {
  const { session, options } = run;
  const settled = await settleFile(task, run);
  const outcome = countImages === undefined ? settled : { ...settled, images: await countImages() };
  session.emitDone(outcome, outcome.check === 'content-checked' ? outcome.check : undefined);
  options.onOutcome?.(outcome);
  return outcome;
}

/** Of a file that a run has not got to. @param status what is here of it */
export function stoppedOutcome(
  { name: file, subsets, kind }: ManifestFile,
  status: FileStatus,
): FetchOutcome {
  const unknown = { bytes: null, md5: null, check: null, source: null, members: null };
  return {
    file,
    subsets,
    kind,
    status,
    did: 'stopped',
    ...unknown,
    removedBytes: 0,
    ...NOTHING_NOTED,
  };
}

async function settleFile({ survey, step }: FetchTask, run: FetchRun): Promise<FetchOutcome> {
  const { file } = survey;
  // What was downloaded is kept in the outcome, also where it could not be extracted.
  let outcome = stoppedOutcome(file, statusOf(survey));
  try {
    assertSameSize([survey], run.options);
    if (step.action === 'done') return await finishDone(outcome, survey, run);
    const { did, receipt, repair } = await obtain(survey, run);
    const { bytes, md5, status: check } = receipt;
    const isNew = did === 'downloaded' || did === 'repaired';
    const source = isNew ? (receipt.source ?? null) : null;
    outcome = { ...outcome, status: check, did, bytes, md5, check, source };
    if (repair !== undefined) outcome = { ...outcome, repair };
    if (file.kind !== 'archive' || run.options.extract === false) return outcome;
    return await finishArchive(outcome, { path: survey.path, md5 }, run);
  } catch (thrown) {
    const error = run.session.failureOf(thrown);
    const after = await surveyFile(file, run.session);
    const status = (after.final === 'checked' ? outcome.check : null) ?? statusAfter(error, after);
    return error === undefined
      ? { ...outcome, status, did: 'stopped' }
      : { ...outcome, status, did: 'failed', error };
  }
}

async function finishArchive(
  outcome: FetchOutcome,
  archive: { readonly path: string; readonly md5: string },
  run: FetchRun,
): Promise<FetchOutcome> {
  const { session, options, resizer, extractLimit } = run;
  const { keepGood } = options;
  const { did, error, ...result } = await extractLimit(() => {
    throwIfAborted(session.signal);
    return extractArchive({ name: outcome.file, ...archive, keepGood, resizer }, session);
  });
  if (error !== undefined) return { ...outcome, ...result, did: 'failed', error };
  const didExtract = outcome.did === 'skipped' && did === 'extracted';
  const extracted = { ...outcome, ...result, ...(didExtract ? { did } : {}) };
  return deletesArchives(options) ? removeArchive(extracted, archive.path, run) : extracted;
}

function deletesArchives({ deleteArchives, lowDisk }: FetchOptions): boolean {
  return deleteArchives === true || lowDisk === true;
}

/** All its images are here, extracted and checked. */
async function removeArchive(
  outcome: FetchOutcome,
  path: string,
  { session: { onEvent }, options }: FetchRun,
): Promise<FetchOutcome> {
  const { file } = outcome;
  const removedBytes = outcome.bytes ?? 0;
  await removeIfThere(path);
  onEvent({ event: 'archive-removed', file, bytes: removedBytes });
  const status = options.resize === undefined ? 'removed' : 'resized';
  return { ...outcome, status, removedBytes };
}

async function finishDone(
  outcome: FetchOutcome,
  { file, receipt, images, members, final, path }: FetchTask['survey'],
  run: FetchRun,
): Promise<FetchOutcome> {
  const { options } = run;
  const known = {
    ...outcome,
    did: 'skipped',
    bytes: receipt?.bytes ?? null,
    md5: receipt?.md5 ?? null,
    check: receipt?.status ?? null,
  } as const;
  if (!areImagesSettled(images) || members === undefined) return known;
  const { count, damagedMembers, brokenImages } = members;
  const done = { ...known, members: count, damagedMembers, brokenImages };
  if (deletesArchives(options) && images === 'complete' && final === 'checked') {
    return removeArchive(done, path, run);
  }
  // What was kept of an archive with damaged members: it is no more complete than it was.
  const error = options.extract === false ? undefined : goodOnlyError(file.name, count, members);
  return error === undefined ? done : { ...done, did: 'failed', error };
}
