import { stat } from 'node:fs/promises';
import { throwIfAborted } from '../abort.ts';
import type { Clock } from '../clock.ts';
import type { Acceptance } from '../dataset/acceptance.ts';
import type { DatasetLayout } from '../dataset/layout.ts';
import type { Ledger } from '../dataset/ledger.ts';
import type { FileSurvey } from '../dataset/survey.ts';
import { CcxriError, type ErrorCode, isCcxriError, toDiskError, toErrorRecord } from '../errors.ts';
import type { EventListener } from '../events.ts';
import type { HashPool } from '../hash/hash-pool.ts';
import { hashWithProgress } from '../hash/hash-with-progress.ts';
import { stemOf } from '../manifest/select.ts';
import type { UnpackPool } from '../zip/unpack-pool.ts';
import { extractArchive } from './archive.ts';
import type { ExtractOutcome } from './types.ts';

export interface ExtractFileContext {
  readonly layout: DatasetLayout;
  readonly ledger: Ledger;
  readonly acceptance: Acceptance;
  readonly hashPool: HashPool;
  readonly unpackPool: UnpackPool;
  readonly clock: Clock;
  readonly onEvent: EventListener;
  readonly signal: AbortSignal;
  /** The stop from outside, as against the run's own. */
  readonly userSignal: AbortSignal | undefined;
  /** Ends the run early: a full disk is full for every archive. */
  readonly stop: (reason: unknown) => void;
}

/** The next archive would meet the same. */
const FULL: readonly ErrorCode[] = ['disk-full', 'disk-space', 'not-writable', 'disk-io'];

/** What would be done with an archive. Pure. */
export function planFile(survey: FileSurvey): ExtractOutcome {
  const file = survey.file.name;
  if (survey.final !== 'absent') {
    const isDone = survey.final === 'checked' && survey.images === 'complete';
    return { file, status: isDone ? 'present' : 'planned', members: null };
  }
  if (survey.images === 'complete') return { file, status: 'present', members: null };
  return { file, status: 'missing', members: null, error: notHere(survey) };
}

/** An archive's whole way: check where it is needed, extract. What goes wrong is its outcome. */
export async function extractFile(
  survey: FileSurvey,
  context: ExtractFileContext,
): Promise<ExtractOutcome> {
  const { name: file } = survey.file;
  const outcome = await settleFile(survey, context).catch((error: unknown): ExtractOutcome => {
    throwIfAborted(context.userSignal);
    if (context.signal.aborted)
      return { file, status: 'failed', members: null, error: stopped(file, context) };
    if (!isCcxriError(error)) {
      context.stop(error);
      throw error;
    }
    if (FULL.includes(error.code)) context.stop(error);
    return { file, status: 'failed', members: null, error };
  });
  const { status, error } = outcome;
  const record = error === undefined ? {} : { error: toErrorRecord(error) };
  context.onEvent({ event: 'file-done', file, status, ...record });
  return outcome;
}

async function settleFile(
  survey: FileSurvey,
  context: ExtractFileContext,
): Promise<ExtractOutcome> {
  throwIfAborted(context.signal);
  const { layout, ledger, unpackPool, signal, onEvent, clock } = context;
  const { name } = survey.file;
  const planned = planFile(survey);
  if (planned.status !== 'planned') {
    const record = planned.status === 'present' ? await ledger.readMembers(name) : undefined;
    return { ...planned, members: record?.members.length ?? null };
  }
  const md5 = survey.final === 'checked' ? survey.receipt?.md5 : undefined;
  const { members, status } = await extractArchive({
    layout,
    ledger,
    name,
    md5: md5 ?? (await checkArchive(survey, context)),
    archivePath: survey.path,
    unpackPool,
    signal,
    onEvent,
    date: clock.date,
  });
  return { file: name, status, members };
}

/** Hashes and checks an archive that the ledger does not know, or not so, and takes note of it. */
async function checkArchive(
  { file, path, finalBytes }: FileSurvey,
  context: ExtractFileContext,
): Promise<string> {
  // Of before the hash: what is written after this is seen to be another file.
  const { mtimeMs } = await stat(path).catch((error: unknown) => {
    throw toDiskError(error, 'look at', { path });
  });
  const candidate = await hashWithProgress(file.name, { path, totalBytes: finalBytes }, context);
  const { bytes, md5 } = candidate;
  await context.acceptance.check(file, candidate, async (status) => {
    const checkedAt = context.clock.date().toISOString();
    await context.ledger.writeReceipt({ name: file.name, bytes, md5, mtimeMs, status, checkedAt });
  });
  return md5;
}

function notHere({ file, path }: FileSurvey): CcxriError {
  return new CcxriError('missing', `${file.name} is not here`, {
    file: file.name,
    path,
    next: [{ kind: 'run', command: 'fetch', files: [stemOf(file.name)], purpose: 'to get it' }],
  });
}

/** The run has ended for what another archive met. */
function stopped(file: string, { signal }: ExtractFileContext): CcxriError {
  const reason: unknown = signal.reason;
  if (!isCcxriError(reason)) return new CcxriError('aborted', `${file} was not begun`, { file });
  return new CcxriError(reason.code, `${file} was not extracted: ${reason.message}`, {
    ...reason.facts,
    file,
    next: reason.next,
    cause: reason,
  });
}
