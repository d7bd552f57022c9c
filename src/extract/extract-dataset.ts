import pLimit from 'p-limit';
import { runSignal, throwIfAborted } from '../abort.ts';
import { systemClock } from '../clock.ts';
import { Acceptance } from '../dataset/acceptance.ts';
import { layoutOf } from '../dataset/layout.ts';
import { Ledger } from '../dataset/ledger.ts';
import { assertDirectory } from '../dataset/run-options.ts';
import { type FileSurvey, surveyFile } from '../dataset/survey.ts';
import { sweepLeftovers } from '../dataset/sweep.ts';
import { PartStore } from '../download/part-store.ts';
import { CcxriError } from '../errors.ts';
import { ignoreEvents } from '../events.ts';
import { acquireLock } from '../fs/lock.ts';
import { freeBytesAt } from '../fs/paths.ts';
import { HashPool } from '../hash/hash-pool.ts';
import type { ManifestFile } from '../manifest/schema.ts';
import { isEmptySelection, selectFiles } from '../manifest/select.ts';
import { UnpackPool } from '../zip/unpack-pool.ts';
import { cleanStage } from './archive.ts';
import { type ExtractFileContext, extractFile, planFile } from './extract-file.ts';
import type { ExtractOptions, ExtractOutcome, ExtractResult } from './types.ts';

const DEFAULT_CONCURRENCY = 4;
const SURVEYS_AT_ONCE = 8;

/**
 * Unpacks archives that are here, each into a folder of its own under images/. No network. An archive
 * that the ledger does not know is checked against the manifest first. One that fails is an outcome;
 * the others go on.
 * @throws CcxriError `missing`: no such directory, or no archive in it; `nothing-selected`: the
 *   selection has no archive; `unknown-subset`, `unknown-file`; `locked`; `not-writable`; `aborted`
 */
export async function extractDataset(options: ExtractOptions): Promise<ExtractResult> {
  const { dest, dryRun = false, signal } = options;
  throwIfAborted(signal);
  const startMs = systemClock.nowMs();
  const archives = selectArchives(options);
  await assertDirectory(dest);
  const context = toContext(options);
  const outcomes = dryRun
    ? (await survey(archives, options, context)).map(planFile)
    : await extractLocked(archives, options, context);
  return { dest, dryRun, outcomes, elapsedMs: systemClock.nowMs() - startMs };
}

function isAsked({ selection = {} }: ExtractOptions): boolean {
  return !isEmptySelection(selection);
}

function selectArchives(options: ExtractOptions): readonly ManifestFile[] {
  const { manifest, selection = {} } = options;
  const files = isAsked(options) ? selectFiles(manifest, selection) : manifest.files;
  const archives = files.filter(({ kind }) => kind === 'archive');
  if (archives.length > 0) return archives;
  throw new CcxriError('nothing-selected', 'there is no archive in what is selected', {
    found: files.map(({ name }) => name).join(', '),
    next: [
      { kind: 'option', option: 'file', purpose: 'of archives: label files need no extraction' },
    ],
  });
}

function toContext(options: ExtractOptions): ExtractFileContext {
  const { manifest, onEvent = ignoreEvents } = options;
  const stop = new AbortController();
  const layout = layoutOf(options.dest);
  const ledger = new Ledger(layout.ledger);
  const unpackPool = new UnpackPool();
  const signal = runSignal(options.signal, stop);
  return {
    layout,
    ledger,
    acceptance: new Acceptance({ manifest, ledger, onEvent, unpackPool, signal }),
    hashPool: new HashPool(),
    unpackPool,
    clock: systemClock,
    onEvent,
    signal,
    userSignal: options.signal,
    stop: (reason) => stop.abort(reason),
  };
}

async function extractLocked(
  archives: readonly ManifestFile[],
  options: ExtractOptions,
  context: ExtractFileContext,
): Promise<readonly ExtractOutcome[]> {
  const { layout, clock, onEvent } = context;
  const release = await acquireLock({
    path: layout.lock,
    wait: options.wait ?? false,
    clock,
    signal: options.signal,
    onNotice: (message) => onEvent({ event: 'warning', code: 'stale-lock', message }),
  });
  try {
    const surveys = await survey(archives, options, context);
    await cleanStage(layout);
    await sweepLeftovers(layout);
    const limit = pLimit(options.concurrency ?? DEFAULT_CONCURRENCY);
    const running = surveys.map((each) => limit(() => extractFile(each, context)));
    // What is thrown ends the run, but not before everything under way has come to its end.
    await Promise.allSettled(running);
    return await Promise.all(running);
  } finally {
    await Promise.all([context.hashPool.close(), context.unpackPool.close()]);
    await release();
  }
}

/** What is here of the archives; without a selection those that are not here are not meant. */
async function survey(
  archives: readonly ManifestFile[],
  options: ExtractOptions,
  context: ExtractFileContext,
): Promise<readonly FileSurvey[]> {
  const { layout, ledger } = context;
  const places = { layout, ledger, parts: new PartStore(layout.partial) };
  const limit = pLimit(SURVEYS_AT_ONCE);
  const surveys = await limit.map(archives, (file) => surveyFile(file, places));
  const wanted = isAsked(options) ? surveys : surveys.filter(isHere);
  if (wanted.length === 0) throw nothingHere(options, layout.archives);
  await emitPlan(wanted, context);
  return wanted;
}

function isHere({ final, images }: FileSurvey): boolean {
  return final !== 'absent' || images === 'complete';
}

function nothingHere({ manifest }: ExtractOptions, path: string): CcxriError {
  return new CcxriError('missing', `there is no archive of ${manifest.dataset} in ${path}`, {
    path,
    next: [
      {
        kind: 'run',
        command: 'fetch',
        purpose: 'to get some',
        or: { kind: 'option', option: 'dest' },
      },
    ],
  });
}

async function emitPlan(
  surveys: readonly FileSurvey[],
  { layout, onEvent }: ExtractFileContext,
): Promise<void> {
  const toExtract = surveys.filter((each) => planFile(each).status === 'planned');
  onEvent({
    event: 'plan',
    files: surveys.length,
    toDownload: 0,
    toExtract: toExtract.length,
    alreadyDone: surveys.filter((each) => planFile(each).status === 'present').length,
    bytesToDownload: 0,
    // JPEGs hardly deflate: the images take about as much as the archive.
    bytesNeededOnDisk: toExtract.reduce((bytes, { finalBytes }) => bytes + finalBytes, 0),
    bytesFreeOnDisk: await freeBytesAt(layout.images),
  });
}
