import type { Clock } from '../clock.ts';
import type { EventListener } from '../events.ts';
import type { HttpClient } from '../http/client.ts';
import type { HostPace, Silences } from '../http/hosts.ts';
import type { RateLimit } from '../http/rate-limit.ts';
import type { RetryPolicy } from '../http/retry.ts';
import type { Source } from '../sources/source.ts';
import type { PartStore } from './part-store.ts';

/** What all downloads of a run share. */
export interface DownloadContext {
  readonly client: HttpClient;
  readonly sources: readonly Source[];
  readonly parts: PartStore;
  /** Where files go whose bytes were wrong: `DatasetLayout.bad`. */
  readonly badDirectory: string;
  /** As many may be used for one file: `pace` shares out what there is in all. */
  readonly connections: number;
  readonly pace: HostPace;
  readonly silences: Silences;
  /** Absent: no limit. */
  readonly rateLimit: RateLimit | undefined;
  readonly policy: RetryPolicy;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onEvent: EventListener;
  /** Hears of all bytes that came from sources, wanted or not. */
  readonly onBytes: (bytes: number) => void;
}
