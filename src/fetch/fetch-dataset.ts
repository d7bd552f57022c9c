import pLimit from 'p-limit';
import { throwIfAborted } from '../abort.ts';
import { systemClock, type Clock } from '../clock.ts';
import { freeBytesAt } from '../disk/free-space.ts';
import { layoutOf, type DatasetLayout } from '../disk/layout.ts';
import { Ledger } from '../disk/ledger.ts';
import { acquireLock } from '../disk/lock.ts';
import { PartStore } from '../disk/part-store.ts';
import { CcxriError, isCcxriError } from '../errors.ts';
import { ignoreEvents, type EventListener } from '../events.ts';
import { isEmptySelection, selectFiles } from '../manifest/select.ts';
import { HostPace } from '../net/host-pace.ts';
import { HttpClient } from '../net/http-client.ts';
import { loadPageWith } from '../net/load-page.ts';
import { RateLimit } from '../net/rate-limit.ts';
import { DEFAULT_RETRY_POLICY } from '../net/retry.ts';
import { openSources } from '../sources/chain.ts';
import { buildIndex } from '../steps/build-index.ts';
import { cleanStage } from '../steps/extract-archive.ts';
import { hasImages } from '../steps/index-scan.ts';
import { Judge } from '../steps/judge.ts';
import { surveyFile, type FileSurvey } from '../steps/survey.ts';
import { fetchFile, type FetchFileContext } from './fetch-file.ts';
import type { FetchOptions, FetchPlan, FetchResult } from './fetch-types.ts';
import { isTooSmall, lowDiskError, planFetch } from './plan.ts';

const DEFAULT_CONCURRENCY = 4;
const DEFAULT_CONNECTIONS = 8;
const DEFAULT_TIMEOUT_MS = 30_000;
/** Extraction is bound by the processor: two at once fill two cores, and leave the wire alone. */
const EXTRACTIONS_AT_ONCE = 2;

/** A run's options with everything decided that was left open. */
interface Run {
  readonly options: FetchOptions;
  readonly layout: DatasetLayout;
  readonly ledger: Ledger;
  readonly parts: PartStore;
  readonly clock: Clock;
  readonly onEvent: EventListener;
  readonly concurrency: number;
  readonly extract: boolean;
}

/**
 * Downloads, checks, extracts and joins what is selected; what is there already is left alone, and
 * what was broken off goes on. A file that fails is an outcome; the others go on.
 * @throws CcxriError `nothing-selected`, `unknown-subset`, `unknown-file`, `source-unusable`,
 * `not-writable`, `locked`, `disk-space` before anything is downloaded; `aborted`
 */
export async function fetchDataset(options: FetchOptions): Promise<FetchResult> {
  if (isEmptySelection(options.selection ?? {})) {
    throw new CcxriError('nothing-selected', 'say what to fetch: nothing is fetched by accident', {
      hint: 'ccxri fetch --subset chestdx, or --file ChestDx-22, or --subset all',
    });
  }
  const run = toRun(options);
  const startMs = run.clock.nowMs();
  if (options.dryRun === true) {
    const { plan } = await survey(run);
    return { ...emptyResult(run, plan), dryRun: true, elapsedMs: run.clock.nowMs() - startMs };
  }
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
  } finally {
    await release();
  }
}

function toRun(options: FetchOptions): Run {
  const layout = layoutOf(options.dest);
  return {
    options,
    layout,
    ledger: new Ledger(layout.ledger),
    parts: new PartStore(layout.partial),
    clock: options.clock ?? systemClock,
    onEvent: options.onEvent ?? ignoreEvents,
    concurrency: Math.min(
      options.concurrency ?? DEFAULT_CONCURRENCY,
      options.connections ?? DEFAULT_CONNECTIONS,
    ),
    extract: options.extract ?? true,
  };
}

function emptyResult(run: Run, plan: FetchPlan): FetchResult {
  const { dest } = run.options;
  return { dest, dryRun: false, plan, outcomes: [], bytesDownloaded: 0, elapsedMs: 0 };
}

async function survey(run: Run): Promise<{ surveys: readonly FileSurvey[]; plan: FetchPlan }> {
  const files = selectFiles(run.options.manifest, run.options.selection ?? {});
  const limit = pLimit(8);
  const surveys = await limit.map(files, (file) => surveyFile(file, run));
  const choices = {
    extract: run.extract,
    deleteArchives: run.options.deleteArchives ?? false,
    concurrency: run.concurrency,
  };
  const plan = planFetch(surveys, choices, await freeBytesAt(run.options.dest));
  tellPlan(run, plan);
  return { surveys, plan };
}

function tellPlan(run: Run, plan: FetchPlan): void {
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
  const client = new HttpClient({
    timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    clock: run.clock,
    headerOrigins: options.sources ?? [],
    ...(options.env === undefined ? {} : { env: options.env }),
    ...(options.headers === undefined ? {} : { headers: options.headers }),
  });
  const stop = new AbortController();
  try {
    const context = await toContext(run, client, stop);
    const { surveys, plan } = await survey(run);
    if (isTooSmall(plan) && (await options.confirmLowDisk?.(plan)) !== true) {
      throw lowDiskError(plan, options.dest);
    }
    await cleanStage(run.layout);
    const outcomes = await Promise.all(surveys.map((each) => fetchFile(each, context)));
    throwIfAborted(options.signal);
    const bytesDownloaded = outcomes
      .filter((outcome) => outcome.status === 'downloaded')
      .reduce((bytes, outcome) => bytes + (outcome.bytes ?? 0), 0);
    const result = { ...emptyResult(run, plan), outcomes, bytesDownloaded };
    return { ...result, ...(await join(run)) };
  } finally {
    stop.abort();
    await client.close();
  }
}

async function toContext(
  run: Run,
  client: HttpClient,
  stop: AbortController,
): Promise<FetchFileContext> {
  const { options, layout, ledger, parts, clock, onEvent } = run;
  const signal =
    options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
  const sources = await openSources(options.sources ?? [], {
    manifest: options.manifest,
    loadPage: (url, pageSignal) => loadPageWith(client, url, pageSignal),
    signal,
    onEvent,
  });
  const rate = options.limitRateBytesPerSecond;
  return {
    client,
    sources,
    parts,
    layout,
    ledger,
    clock,
    onEvent,
    signal,
    userSignal: options.signal,
    stop: (reason) => stop.abort(reason),
    badDirectory: layout.bad,
    connections: pLimit(options.connections ?? DEFAULT_CONNECTIONS),
    downloads: pLimit(run.concurrency),
    extractions: pLimit(EXTRACTIONS_AT_ONCE),
    pace: new HostPace(clock),
    rateLimit: rate === undefined ? undefined : new RateLimit(rate, clock),
    policy: { ...DEFAULT_RETRY_POLICY, retries: options.retries ?? DEFAULT_RETRY_POLICY.retries },
    judge: new Judge({ manifest: options.manifest, ledger, onEvent, signal }),
    extract: run.extract,
    deleteArchives: options.deleteArchives ?? false,
  };
}

/** The index is made of what is there, also where some files failed. */
async function join(run: Run): Promise<Pick<FetchResult, 'index' | 'indexError'>> {
  const { options, layout, onEvent } = run;
  const { manifest, signal } = options;
  if (!run.extract || options.join === false) return {};
  if (!(await hasImages(layout, manifest))) return {};
  try {
    const stopping = signal === undefined ? {} : { signal };
    return { index: await buildIndex({ layout, manifest, onEvent, ...stopping }) };
  } catch (error) {
    if (!isCcxriError(error) || error.code === 'aborted') throw error;
    return { indexError: error };
  }
}
