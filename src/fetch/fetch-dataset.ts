import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import pLimit from 'p-limit';
import { runSignal, throwIfAborted } from '../abort.ts';
import type { DatasetLayout } from '../dataset/layout.ts';
import { type FileSurvey, assertOfThisManifest, surveyFile } from '../dataset/survey.ts';
import { sweepLeftovers } from '../dataset/sweep.ts';
import { onAnotherDisk } from '../download/publish.ts';
import { CcxriError, isCcxriError, toDiskError } from '../errors.ts';
import { cleanStage } from '../extract/archive.ts';
import { acquireLock } from '../fs/lock.ts';
import { freeBytesAt, makeDirectoryWithin, pathKind, removeEmpty } from '../fs/paths.ts';
import type { HttpClient } from '../http/client.ts';
import { loadPageWith } from '../http/page.ts';
import { buildIndex } from '../labels/build-index.ts';
import { hasImages } from '../labels/scan.ts';
import { isEmptySelection } from '../manifest/select.ts';
import { openSources } from '../sources/open-source.ts';
import type { Source } from '../sources/source.ts';
import { type FetchFileContext, fetchFile } from './fetch-file.ts';
import { type Run, toClient, toContext, toRun } from './fetch-run.ts';
import type {
  FetchOptions,
  FetchOutcome,
  FetchPlan,
  FetchResult,
  FetchStep,
} from './fetch-types.ts';
import { type PlanChoices, isTooSmall, lowDiskError, planFetch, withUsefulPart } from './plan.ts';

/**
 * Downloads, checks, extracts and joins what is selected; what is there already is left alone, and
 * what was broken off goes on. A file that fails is an outcome; the others go on.
 * @throws CcxriError `nothing-selected`, `unknown-subset`, `unknown-file`, `source-unusable`,
 * `usage`: files of the selection are here of another manifest,
 * `not-writable`, `locked`, `disk-space` before anything is downloaded; `aborted`
 */
export async function fetchDataset(options: FetchOptions): Promise<FetchResult> {
  if (isEmptySelection(options.selection ?? {})) {
    throw new CcxriError('nothing-selected', 'say what to fetch: nothing is fetched by accident', {
      next: [
        {
          kind: 'run',
          command: 'fetch',
          subsets: ['chestdx'],
          or: {
            kind: 'option',
            option: 'file',
            value: 'ChestDx-22',
            or: { kind: 'option', option: 'subset', value: 'all' },
          },
        },
      ],
    });
  }
  const run = toRun(options);
  const startMs = run.clock.nowMs();
  if (options.dryRun === true) {
    const { plan } = await survey(run);
    return { ...emptyResult(run, plan), dryRun: true, elapsedMs: run.clock.nowMs() - startMs };
  }
  const { state, root } = run.layout;
  const made = (await pathKind(state)) === 'nothing' ? [state] : [];
  if ((await pathKind(root)) === 'nothing') made.push(root);
  const release = await acquireLock({
    path: run.layout.lock,
    wait: options.wait ?? false,
    clock: run.clock,
    signal: options.signal,
    onNotice: (message) => run.onEvent({ event: 'warning', code: 'stale-lock', message }),
  });
  try {
    const result = await fetchLocked(run);
    return { ...result, elapsedMs: run.clock.nowMs() - startMs };
  } catch (error) {
    // Refused before anything was begun: then nothing is left, either.
    if (isCcxriError(error, ...REFUSED)) await release().then(() => removeEmpty(made));
    throw error;
  } finally {
    await release();
  }
}

/** Thrown before anything is downloaded. */
const REFUSED = ['disk-space', 'source-unusable', 'usage'] as const;

function emptyResult(run: Run, plan: FetchPlan): FetchResult {
  const { dest } = run.options;
  return { dest, dryRun: false, plan, outcomes: [], bytesDownloaded: 0, elapsedMs: 0 };
}

async function survey(run: Run): Promise<{ surveys: readonly FileSurvey[]; plan: FetchPlan }> {
  const limit = pLimit(8);
  const { sources = [], manifest } = run.options;
  const named = sources.length > 0 ? sources : [manifest.homepage];
  const typed = { sources: named, linksCache: run.layout.links };
  const surveys = await limit.map(run.files, async (file) =>
    withUsefulPart(await surveyFile(file, run), typed),
  );
  assertOfThisManifest(surveys, run.options);
  const plan = planFetch(surveys, choicesOf(run), await freeBytesAt(run.options.dest));
  emitPlan(run, plan);
  return { surveys, plan };
}

function choicesOf({ extract, options, concurrency }: Run): PlanChoices {
  return { extract, deleteArchives: options.deleteArchives ?? false, concurrency };
}

function emitPlan(run: Run, plan: FetchPlan): void {
  const withAction = (...actions: readonly string[]) =>
    plan.steps.filter((step) => actions.includes(step.action)).length;
  run.onEvent({
    event: 'plan',
    files: plan.steps.length,
    toDownload: withAction('download', 'resume'),
    toExtract: withAction('extract'),
    alreadyDone: withAction('done'),
    bytesToDownload: plan.bytesToDownload,
    bytesNeededOnDisk: plan.bytesNeededOnDisk,
    bytesFreeOnDisk: plan.bytesFreeOnDisk,
  });
}

async function fetchLocked(run: Run): Promise<FetchResult> {
  const { options } = run;
  const { surveys, plan } = await survey(run);
  if (isTooSmall(plan) && (await options.confirmLowDisk?.(plan)) !== true) {
    throw lowDiskError(plan, options.dest, choicesOf(run));
  }
  const client = toClient(run);
  const stop = new AbortController();
  let bytesDownloaded = 0;
  try {
    await cleanStage(run.layout);
    await sweepLeftovers(run.layout);
    const sources = await prepare(run, { surveys, plan, client, stop });
    const onBytes = (bytes: number) => {
      bytesDownloaded += bytes;
    };
    const context: FetchFileContext = { ...toContext(run, client, stop), sources, onBytes };
    const outcomes = await settle(surveys.map((each) => fetchFile(each, context)));
    throwIfAborted(options.signal);
    const result = { ...emptyResult(run, plan), outcomes, bytesDownloaded };
    return { ...result, ...(await join(run, outcomes)) };
  } finally {
    stop.abort();
    await client.close();
    const threads = [run.hashPool, run.unpackPool];
    await Promise.all(threads.map((each) => each.close()));
  }
}

/** Waits for all, also where one throws: nobody may be at work behind the release of the lock. */
async function settle<T>(all: readonly Promise<T>[]): Promise<readonly T[]> {
  await Promise.allSettled(all);
  return Promise.all(all);
}

/** Where files are to come, all that they need is tried before the first byte. */
async function prepare(
  run: Run,
  work: {
    readonly surveys: readonly FileSurvey[];
    readonly plan: FetchPlan;
    readonly client: HttpClient;
    readonly stop: AbortController;
  },
): Promise<readonly Source[]> {
  const { options, layout, clock, onEvent } = run;
  const { surveys, plan, client, stop } = work;
  const toCome = surveys.filter((_, at) => MAY_DOWNLOAD.has(plan.steps[at]?.action ?? 'done'));
  if (toCome.length === 0) return [];
  const sources = await openSources(options.sources ?? [], {
    manifest: options.manifest,
    loadPage: (url, signal) => loadPageWith(client, url, { clock, signal }),
    signal: runSignal(options.signal, stop),
    onEvent,
    linksCache: layout.links,
    clock,
    ...(options.retries === undefined
      ? {}
      : { pageRetries: Math.min(options.retries, MOST_PAGE_RETRIES) }),
  });
  await prepareDirectories(layout, new Set(toCome.map(({ file }) => file.kind)));
  return sources;
}

/** A page is asked more often by no --retries: a mirror or a saved page is the way on. */
const MOST_PAGE_RETRIES = 2;

/** What is to be checked may turn out to be wrong. */
const MAY_DOWNLOAD: ReadonlySet<FetchStep['action']> = new Set(['download', 'resume', 'check']);

/** The index is made of what is there, also where some files failed. */
async function join(
  run: Run,
  outcomes: readonly FetchOutcome[],
): Promise<Pick<FetchResult, 'index' | 'indexError'>> {
  const { options, layout, onEvent } = run;
  const { manifest, signal } = options;
  if (!run.extract || options.join === false) return {};
  if (!(await hasImages(layout, manifest))) return {};
  try {
    const stopping = signal === undefined ? {} : { signal };
    return { index: await buildIndex({ layout, manifest, onEvent, ...stopping }) };
  } catch (error) {
    if (!isCcxriError(error) || error.code === 'aborted') throw error;
    const { message, next, facts } = error;
    if (outcomes.some((outcome) => outcome.file === facts.file && outcome.error !== undefined)) {
      // Its own error says why, and decides over the run.
      onEvent({ event: 'warning', code: 'no-label-file', file: facts.file, message, next });
      return {};
    }
    return { indexError: error };
  }
}

/**
 * Tries out, before the first byte comes over the wire, what a finished download will need: that
 * partial files may be written, and that they can get their final names, which a rename does on one
 * file system only.
 * @param kinds of the files that are to come
 * @throws CcxriError `not-writable`, `occupied`, and others of the disk
 */
async function prepareDirectories(
  layout: DatasetLayout,
  kinds: ReadonlySet<'archive' | 'labels'>,
): Promise<void> {
  await makeWritable(layout.partial);
  await makeWritable(layout.ledger);
  const { dev } = await look(layout.partial);
  for (const kind of kinds) {
    const path = kind === 'archive' ? layout.archives : layout.labels;
    await makeWritable(path);
    if ((await look(path)).dev !== dev) throw onAnotherDisk(path);
  }
}

async function makeWritable(path: string): Promise<void> {
  await makeDirectoryWithin(path);
  try {
    await access(path, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw toDiskError(error, 'write in', { path });
  }
}

async function look(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    throw toDiskError(error, 'look at', { path });
  }
}
