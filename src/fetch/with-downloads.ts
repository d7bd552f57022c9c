import type { Resizer } from '../dataset/convert-image.ts';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import pLimit, { type LimitFunction } from 'p-limit';
import { DEFAULT_FILES_AT_ONCE, MOST_CONNECTIONS } from '../concurrency.ts';
import type { DatasetLayout } from '../dataset/layout.ts';
import type { Session } from '../dataset/session.ts';
import type { DownloadContext } from '../download/context.ts';
import { HostMemory } from '../download/host-memory.ts';
import { onAnotherDisk } from '../download/publish.ts';
import { toDiskError } from '../errors.ts';
import type { ConnectionsEvent, EventListener } from '../events.ts';
import { makeDirectoryWithin, statOrNull } from '../fs/paths.ts';
import { HttpClient } from '../http/client.ts';
import { ConnectionCount, type CountChange } from '../http/connection-count.ts';
import { type AutoConnections, HostLimiter, UnresponsiveHosts } from '../http/hosts.ts';
import { loadPageWith, loadStartWith } from '../http/page.ts';
import { RateLimit } from '../http/rate-limit.ts';
import {
  DEFAULT_RETRY_POLICY,
  DEFAULT_TIMEOUT_MS,
  type RetryPolicy,
} from '../http/retry-policy.ts';
import { headerOptionsOf } from '../sources/header-options.ts';
import { openSources } from '../sources/open-source.ts';
import type { Source } from '../sources/source.ts';
import type { FetchOptions } from './fetch-types.ts';
import type { FetchTask, PlanChoices } from './plan.ts';

/** Extraction is bound by the processor: two at once fill two cores, and leave the wire alone. */
const EXTRACTIONS_AT_ONCE = 2;

/** A fetch under way: what all its files share. */
export interface FetchRun {
  readonly session: Session;
  readonly options: FetchOptions;
  /** Absent: images are written as they are in the archives. */
  readonly resizer?: Resizer | undefined;
  readonly downloads: DownloadContext;
  /** Files downloaded at once. */
  readonly downloadLimit: LimitFunction;
  readonly extractLimit: LimitFunction;
  readonly meter: { bytesReceived: number };
  /**
   * The same run with its sources opened, which takes requests: once, and not before it is needed.
   * @throws CcxriError `source-unusable`
   */
  readonly withSources: () => Promise<FetchRun>;
}

interface DownloadWork {
  readonly session: Session;
  readonly options: FetchOptions;
  readonly tasks: readonly FetchTask[];
  readonly resizer?: Resizer | undefined;
  /** Open the sources although no whole file may have to be downloaded. Default false. */
  readonly needsSources?: boolean | undefined;
}

/** No more files at once than there may be connections for them. */
function concurrencyOf(options: FetchOptions): number {
  if (options.lowDisk === true) return 1;
  return Math.min(options.concurrency ?? DEFAULT_FILES_AT_ONCE, mostConnections(options));
}

/** What of the options decides over a plan. */
export function choicesOf(options: FetchOptions): PlanChoices {
  const { extract = true, deleteArchives = false, lowDisk = false } = options;
  return {
    extract,
    deleteArchives: deleteArchives || lowDisk,
    lowDisk,
    concurrency: concurrencyOf(options),
  };
}

function mostConnections({ connections = 'auto' }: FetchOptions): number {
  if (connections === 'auto') return MOST_CONNECTIONS;
  return typeof connections === 'number' ? connections : connections.most;
}

/**
 * A number that was chosen is kept. Single images are over before the fastest number could be measured, and
 * each connection waits between its requests: as many as may be are used at once.
 */
function connectionsOf(
  options: FetchOptions,
  { meter }: HttpClient,
  onEvent: EventListener,
): number | AutoConnections {
  if (typeof options.connections === 'number') return options.connections;
  if (options.images !== undefined) return mostConnections(options);
  const count = new ConnectionCount(mostConnections(options), options.limitRateBytesPerSecond);
  return { count, meter, onChange: (change) => onEvent(toEvent(change)) };
}

function toEvent({ bytesPerSecond, ...change }: CountChange): ConnectionsEvent {
  const speed = bytesPerSecond === null ? null : Math.round(bytesPerSecond);
  return { event: 'connections', ...change, bytesPerSecond: speed };
}

/**
 * Opens what downloads need: the HTTP client, the sources (if anything has to be downloaded), and the
 * directories. All of it is tried before the first byte of a file, and closed after `work`.
 * @throws CcxriError `source-unusable`; `usage`; `not-writable` and others of the disk; as `work`
 */
export async function withDownloads<T>(
  { session, options, tasks, resizer, needsSources = false }: DownloadWork,
  work: (run: FetchRun) => Promise<T>,
): Promise<T> {
  const { manifest, clock, onEvent } = session;
  const { timeoutMs = DEFAULT_TIMEOUT_MS, env } = options;
  const headers = headerOptionsOf(options, manifest, onEvent);
  const client = new HttpClient({ timeoutMs, clock, env, ...headers });
  try {
    const wanted = tasks.filter(({ step }) => MAY_DOWNLOAD.has(step.action));
    const isAsked = needsSources || wanted.length > 0;
    const sources = isAsked ? await openAll({ session, options }, client) : undefined;
    const kinds = new Set(wanted.map(({ survey }) => survey.file.kind));
    if (wanted.length > 0) await prepareDirectories(session.layout, kinds);
    return await work({ ...toRun({ session, options }, client, sources), resizer });
  } finally {
    await client.close();
  }
}

/** What is to be checked may turn out to be wrong. */
const MAY_DOWNLOAD: ReadonlySet<FetchTask['step']['action']> = new Set([
  'download',
  'resume',
  'check',
]);

function openAll(
  { session, options }: Omit<DownloadWork, 'tasks'>,
  client: HttpClient,
): Promise<readonly Source[]> {
  const { manifest, layout, clock, onEvent, signal } = session;
  const { sources = [] } = options;
  return openSources(sources, {
    manifest,
    loadPage: (url, pageSignal) => loadPageWith(client, url, { clock, signal: pageSignal }),
    loadStart: (url, startSignal) => loadStartWith(client, url, startSignal),
    signal,
    onEvent,
    linksCache: options.dryRun === true ? undefined : layout.links,
    pageUrl: options.pageUrl,
    clock,
    pagePolicy: policyOf(options),
  });
}

/** For files and pages alike. */
function policyOf({ retries = DEFAULT_RETRY_POLICY.retries }: FetchOptions): RetryPolicy {
  return { ...DEFAULT_RETRY_POLICY, retries };
}

/** @param opened in the order in which they are tried; absent: they are opened when they are needed */
export function toRun(
  { session, options }: Omit<DownloadWork, 'tasks'>,
  client: HttpClient,
  opened?: readonly Source[],
): FetchRun {
  const { parts, layout, clock, signal, onEvent } = session;
  const { limitRateBytesPerSecond: rate } = options;
  const connections = connectionsOf(options, client, onEvent);
  const policy = policyOf(options);
  const meter = { bytesReceived: 0 };
  const downloads: DownloadContext = {
    client,
    sources: opened ?? [],
    parts,
    quarantineDir: layout.bad,
    keepsWrongBytes: options.lowDisk !== true,
    connections: mostConnections(options),
    limiter: new HostLimiter(clock, policy.maxRetryAfterMs, connections),
    unresponsiveHosts: new UnresponsiveHosts(),
    hostMemory: new HostMemory(),
    rateLimit: rate === undefined ? undefined : new RateLimit(rate, clock),
    policy,
    clock,
    signal,
    onEvent,
    onBytes: (bytes) => {
      meter.bytesReceived += bytes;
    },
  };
  let withSources: Promise<FetchRun> | undefined;
  const run: FetchRun = {
    session,
    options,
    downloads,
    downloadLimit: pLimit(concurrencyOf(options)),
    extractLimit: pLimit(EXTRACTIONS_AT_ONCE),
    meter,
    withSources: () => {
      if (opened !== undefined) return Promise.resolve(run);
      withSources ??= openAll({ session, options }, client).then((sources) => ({
        ...run,
        downloads: { ...downloads, sources },
      }));
      return withSources;
    },
  };
  return run;
}

/**
 * Tries out, before the first byte comes over the wire, what a finished download will need: that
 * partial files may be written, and that they can get their final names, which a rename does on one
 * file system only.
 * @param kinds of the files that may be downloaded
 * @throws CcxriError `not-writable`, `occupied`, and others of the disk
 */
export async function prepareDirectories(
  layout: DatasetLayout,
  kinds: ReadonlySet<'archive' | 'labels'>,
): Promise<void> {
  await makeWritable(layout.partial);
  await makeWritable(layout.ledger);
  const disk = (await statOrNull(layout.partial))?.dev;
  for (const kind of kinds) {
    const path = kind === 'archive' ? layout.archives : layout.labels;
    await makeWritable(path);
    if ((await statOrNull(path))?.dev !== disk) throw onAnotherDisk(path);
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
