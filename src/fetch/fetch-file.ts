import { unlink } from 'node:fs/promises';
import type { LimitFunction } from 'p-limit';
import { throwIfAborted } from '../abort.ts';
import { errnoOf, isCcxriError, toDiskError, toErrorRecord, type ErrorCode } from '../errors.ts';
import { extractArchive, type ExtractedArchive } from '../extract/archive.ts';
import type { FileSurvey } from '../dataset/survey.ts';
import type { UnpackPool } from '../zip/unpack-pool.ts';
import { decideStep } from './plan.ts';
import type { FetchOutcome } from './fetch-types.ts';
import { obtain, type Obtained, type ObtainContext } from './obtain.ts';

export interface FetchFileContext extends ObtainContext {
  readonly extractions: LimitFunction;
  readonly unpackPool: UnpackPool;
  readonly extract: boolean;
  readonly deleteArchives: boolean;
  /** Ends the run early: a full disk is full for every file. */
  readonly stop: (reason: unknown) => void;
  /** The stop from outside, as against the run's own. */
  readonly userSignal: AbortSignal | undefined;
  readonly onOutcome: ((outcome: FetchOutcome) => void) | undefined;
}

/**
 * A file's whole way: download, check, extract, clean up. What goes wrong is its outcome.
 * @throws CcxriError `aborted`: the user has stopped the run; bugs
 */
export async function fetchFile(
  survey: FileSurvey,
  context: FetchFileContext,
): Promise<FetchOutcome> {
  const outcome = await settleFile(survey, context);
  context.onEvent({
    event: 'file-done',
    file: outcome.file,
    status: outcome.status,
    ...(outcome.check === 'content-checked' ? { check: outcome.check } : {}),
    ...(outcome.error === undefined ? {} : { error: toErrorRecord(outcome.error) }),
  });
  context.onOutcome?.(outcome);
  return outcome;
}

async function settleFile(survey: FileSurvey, context: FetchFileContext): Promise<FetchOutcome> {
  const { name: file, kind } = survey.file;
  const nothing: FetchOutcome = {
    ...{ file, kind, status: 'stopped' },
    ...{ bytes: null, md5: null, check: null, source: null, members: null },
  };
  try {
    if (decideStep(survey, context).action === 'done') return await finishDone(survey, context);
  } catch (error) {
    return toFailed(error, nothing, context);
  }
  let obtained: FetchOutcome = nothing;
  try {
    obtained = toOutcome(nothing, await obtain(survey, context));
    if (kind !== 'archive' || !context.extract) return obtained;
    return await finishArchive(survey, obtained, context);
  } catch (error) {
    // What was downloaded stands, also where it could not be extracted.
    return toFailed(error, obtained, context);
  }
}

/** The next file would meet the same. */
const FULL: readonly ErrorCode[] = ['disk-full', 'disk-space', 'not-writable', 'disk-io'];

/** @throws what is no outcome: a stop by the user, or a bug */
function toFailed(error: unknown, sofar: FetchOutcome, context: FetchFileContext): FetchOutcome {
  throwIfAborted(context.userSignal);
  if (context.signal.aborted) return { ...sofar, status: 'stopped' };
  if (!isCcxriError(error)) {
    context.stop(error);
    throw error;
  }
  if (FULL.includes(error.code)) context.stop(error);
  return { ...sofar, status: 'failed', error };
}

function toOutcome(nothing: FetchOutcome, obtained: Obtained): FetchOutcome {
  const { how, bytes, md5, check, source } = obtained;
  return { ...nothing, status: how, bytes, md5, check, source };
}

async function finishArchive(
  survey: FileSurvey,
  obtained: FetchOutcome,
  context: FetchFileContext,
): Promise<FetchOutcome> {
  const { members, status } = await context.extractions(async () => {
    throwIfAborted(context.signal);
    return extract(survey, obtained.md5 ?? survey.file.md5, context);
  });
  if (context.deleteArchives) await removeArchive(survey.path);
  const didExtract = obtained.status === 'present' && status !== 'present';
  return { ...obtained, members, ...(didExtract ? { status: 'extracted' } : {}) };
}

function extract(
  { file, path }: FileSurvey,
  md5: string,
  { layout, ledger, unpackPool, signal, onEvent, clock }: FetchFileContext,
): Promise<ExtractedArchive> {
  const place = { layout, ledger, name: file.name, md5, archivePath: path };
  return extractArchive({ ...place, unpackPool, signal, onEvent, date: clock.date });
}

async function finishDone(survey: FileSurvey, context: FetchFileContext): Promise<FetchOutcome> {
  const { file, receipt } = survey;
  const isExtracted = file.kind === 'archive' && survey.images === 'complete';
  const record = isExtracted ? await context.ledger.readMembers(file.name) : undefined;
  if (context.deleteArchives && isExtracted && survey.final === 'checked') {
    await removeArchive(survey.path);
  }
  return {
    file: file.name,
    kind: file.kind,
    status: 'present',
    bytes: receipt?.bytes ?? null,
    md5: receipt?.md5 ?? null,
    check: receipt?.status ?? null,
    source: null,
    members: record?.members.length ?? null,
  };
}

async function removeArchive(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw toDiskError(error, 'delete the archive', { path });
  }
}
