import pLimit from 'p-limit';
import { runSignal } from '../abort.ts';
import { type Clock, systemClock } from '../clock.ts';
import { Acceptance } from '../dataset/acceptance.ts';
import { type DatasetLayout, layoutOf } from '../dataset/layout.ts';
import { Ledger } from '../dataset/ledger.ts';
import { PartStore } from '../download/part-store.ts';
import { type EventListener, ignoreEvents } from '../events.ts';
import { HashPool } from '../hash/hash-pool.ts';
import { HttpClient } from '../http/client.ts';
import { HostLimiter, UnresponsiveHosts } from '../http/hosts.ts';
import { RateLimit } from '../http/rate-limit.ts';
import { DEFAULT_RETRY_POLICY } from '../http/retry.ts';
import type { ManifestFile } from '../manifest/schema.ts';
import { selectFiles } from '../manifest/select.ts';
import { UnpackPool } from '../zip/unpack-pool.ts';
import type { FetchFileContext } from './fetch-file.ts';
import type { FetchOptions } from './fetch-types.ts';

const DEFAULT_CONCURRENCY = 4;
const DEFAULT_CONNECTIONS = 8;
const DEFAULT_TIMEOUT_MS = 30_000;
/** Extraction is bound by the processor: two at once fill two cores, and leave the wire alone. */
const EXTRACTIONS_AT_ONCE = 2;

/** A run's options with everything decided that was left open. */
export interface Run {
  readonly options: FetchOptions;
  /** What is selected, each once. */
  readonly files: readonly ManifestFile[];
  readonly layout: DatasetLayout;
  readonly ledger: Ledger;
  readonly parts: PartStore;
  readonly hashPool: HashPool;
  readonly unpackPool: UnpackPool;
  readonly clock: Clock;
  readonly onEvent: EventListener;
  readonly concurrency: number;
  readonly extract: boolean;
}

/** @throws CcxriError `unknown-subset`, `unknown-file` */
export function toRun(options: FetchOptions): Run {
  const layout = layoutOf(options.dest);
  const onEvent = options.onEvent ?? ignoreEvents;
  const onNotice = (message: string) => onEvent({ event: 'warning', code: 'disk', message });
  const hashPool = new HashPool();
  const clock = options.clock ?? systemClock;
  return {
    options,
    files: selectFiles(options.manifest, options.selection ?? {}),
    layout,
    ledger: new Ledger(layout.ledger),
    parts: new PartStore(layout.partial, onNotice, {
      follow: (handle) => hashPool.follow(handle),
      clock,
    }),
    hashPool,
    unpackPool: new UnpackPool(),
    clock,
    onEvent,
    concurrency: Math.min(
      options.concurrency ?? DEFAULT_CONCURRENCY,
      options.connections ?? DEFAULT_CONNECTIONS,
    ),
    extract: options.extract ?? true,
  };
}

export function toClient({ options, clock }: Run): HttpClient {
  const named = options.sources ?? [];
  return new HttpClient({
    timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    clock,
    headerOrigins: named.length > 0 ? named : [options.manifest.homepage],
    ...(options.env === undefined ? {} : { env: options.env }),
    ...(options.headers === undefined ? {} : { headers: options.headers }),
  });
}

/** What all files of the run share, except where they come from. */
export function toContext(
  run: Run,
  client: HttpClient,
  stop: AbortController,
): Omit<FetchFileContext, 'sources' | 'onBytes'> {
  const { options, layout, ledger, parts, hashPool, unpackPool, clock, onEvent } = run;
  const signal = runSignal(options.signal, stop);
  const policy = {
    ...DEFAULT_RETRY_POLICY,
    retries: options.retries ?? DEFAULT_RETRY_POLICY.retries,
  };
  const rate = options.limitRateBytesPerSecond;
  const connections = options.connections ?? DEFAULT_CONNECTIONS;
  return {
    client,
    parts,
    hashPool,
    unpackPool,
    layout,
    ledger,
    clock,
    onEvent,
    signal,
    userSignal: options.signal,
    onOutcome: options.onOutcome,
    stop: (reason) => stop.abort(reason),
    quarantineDir: layout.bad,
    connections,
    downloads: pLimit(run.concurrency),
    hashes: pLimit(hashPool.lanes),
    extractions: pLimit(EXTRACTIONS_AT_ONCE),
    limiter: new HostLimiter(clock, policy.maxRetryAfterMs, connections),
    unresponsiveHosts: new UnresponsiveHosts(),
    rateLimit: rate === undefined ? undefined : new RateLimit(rate, clock),
    policy,
    acceptance: new Acceptance({ manifest: options.manifest, ledger, onEvent, unpackPool, signal }),
    extract: run.extract,
    deleteArchives: options.deleteArchives ?? false,
  };
}
