import { unlink } from 'node:fs/promises';
import type { LimitFunction } from 'p-limit';
import { throwIfAborted } from '../abort.ts';
import { errnoOf, isCcxriError, toDiskError, toErrorRecord, type ErrorCode } from '../errors.ts';
import { extractArchive } from '../steps/extract-archive.ts';
import type { FileSurvey } from '../steps/survey.ts';
import { decideStep } from './plan.ts';
import type { FetchOutcome, FetchStatus } from './fetch-types.ts';
import { obtain, type Obtained, type ObtainContext } from './obtain.ts';

export interface FetchFileContext extends ObtainContext {
  readonly downloads: LimitFunction;
  readonly extractions: LimitFunction;
  readonly extract: boolean;
  readonly deleteArchives: boolean;
  /** Ends the run early: a full disk is full for every file. */
  readonly stop: (reason: unknown) => void;
  /** The stop from outside, as against the run's own. */
  readonly userSignal: AbortSignal | undefined;
}

const NOTHING = { bytes: null, md5: null, check: null, source: null, members: null } as const;

/** A file's whole way: download, check, extract, clean up. What goes wrong is its outcome. */
export async function fetchFile(
  survey: FileSurvey,
  context: FetchFileContext,
): Promise<FetchOutcome> {
  const { name: file, kind } = survey.file;
  const outcome = await comeOut(survey, context).catch((error: unknown): FetchOutcome => {
    throwIfAborted(context.userSignal);
    const base = { file, kind, ...NOTHING } as const;
    if (context.signal.aborted) return { ...base, status: 'stopped' };
    if (!isCcxriError(error)) {
      context.stop(error);
      throw error;
    }
    if (FULL.includes(error.code)) context.stop(error);
    return { ...base, status: 'failed', error };
  });
  context.onEvent({
    event: 'file-done',
    file,
    status: outcome.status,
    ...(outcome.error === undefined ? {} : { error: toErrorRecord(outcome.error) }),
  });
  return outcome;
}

/** The next file would meet the same. */
const FULL: readonly ErrorCode[] = ['disk-full', 'disk-space', 'not-writable', 'disk-io'];

async function comeOut(survey: FileSurvey, context: FetchFileContext): Promise<FetchOutcome> {
  const { file } = survey;
  const step = decideStep(survey, context);
  if (step.action === 'done') return finishDone(survey, context);
  const obtained = await context.downloads(async () => {
    throwIfAborted(context.signal);
    return obtain(survey, context);
  });
  const base = toOutcome(survey, obtained);
  if (file.kind !== 'archive' || !context.extract) return base;
  const { members, status } = await context.extractions(async () => {
    throwIfAborted(context.signal);
    return extractArchive({
      layout: context.layout,
      ledger: context.ledger,
      name: file.name,
      md5: obtained.md5,
      archivePath: survey.path,
      signal: context.signal,
      onEvent: context.onEvent,
      date: context.clock.date,
    });
  });
  if (context.deleteArchives) await removeArchive(survey.path);
  const didExtract = obtained.how === 'present' && status !== 'present';
  return { ...base, members, ...(didExtract ? { status: 'extracted' } : {}) };
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

function toOutcome({ file }: FileSurvey, obtained: Obtained): FetchOutcome {
  const status: FetchStatus = obtained.how;
  const { bytes, md5, check, source } = obtained;
  return { file: file.name, kind: file.kind, status, bytes, md5, check, source, members: null };
}

async function removeArchive(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw toDiskError(error, 'delete the archive', { path });
  }
}
