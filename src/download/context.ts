import type { Clock } from '../clock.ts';
import { type CcxriError, toErrorRecord } from '../errors.ts';
import type { EventListener } from '../events.ts';
import type { ProgressThrottle } from '../progress-throttle.ts';
import type { HttpClient } from '../http/client.ts';
import type { HostLimiter, UnresponsiveHosts } from '../http/hosts.ts';
import type { RateLimit } from '../http/rate-limit.ts';
import type { RetryPolicy } from '../http/retry-policy.ts';
import type { ManifestFile } from '../manifest/manifest.ts';
import { isSameAddress } from '../sources/address.ts';
import type { Source } from '../sources/source.ts';
import type { HostMemory } from './host-memory.ts';
import type { PartFile } from './part-file.ts';
import type { PartStore } from './part-store.ts';

/** What all downloads of a run share. */
export interface DownloadContext {
  readonly client: HttpClient;
  readonly sources: readonly Source[];
  readonly parts: PartStore;
  /** Where files with wrong bytes go: `DatasetLayout.bad`. */
  readonly quarantineDir: string;
  /** false: of wrong bytes a record alone is kept. Default true. */
  readonly keepsWrongBytes?: boolean | undefined;
  /** The most connections for one file: `limiter` distributes the run's connections. */
  readonly connections: number;
  readonly limiter: HostLimiter;
  readonly unresponsiveHosts: UnresponsiveHosts;
  readonly hostMemory: HostMemory;
  /** undefined: no limit. */
  readonly rateLimit: RateLimit | undefined;
  readonly policy: RetryPolicy;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onEvent: EventListener;
  /** Receives the count of all bytes that came from sources, wanted or not. */
  readonly onBytes: (bytes: number) => void;
}

/** One file, and the part that it is downloaded into. */
export interface Transfer {
  readonly file: ManifestFile;
  readonly part: PartFile;
  readonly context: DownloadContext;
  readonly progress: ProgressThrottle;
  /**
   * The bytes of an earlier attempt were wrong: one connection, and nothing is put together that a
   * validator shows to be of two versions. Default: the MD5 decides whether what was put together fits.
   */
  readonly isStrict?: boolean | undefined;
}

/** Reports that bytes are requested again, because of this error. */
export function emitRetry(
  { file, context }: Transfer,
  error: CcxriError,
  { attempt = 1, delayMs = 0, keptBytes = 0 },
): void {
  const record = toErrorRecord(error);
  const again = { file: file.name, attempt, delayMs: Math.round(delayMs), keptBytes };
  context.onEvent({ event: 'retry', ...again, error: record });
}

/**
 * What of a part a request to this address can build on: all, if it began there. What is put together is
 * right if its MD5 is.
 */
export function usableBytes({ origin, heldBytes }: PartFile, url: string): number {
  return isSameAddress(origin.url, url) ? heldBytes : 0;
}
