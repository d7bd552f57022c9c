import type { Clock } from '../clock.ts';
import type { PartStore } from './part-store.ts';
import type { EventListener, PhaseProgress } from '../events.ts';
import type { HostPace } from '../http/hosts.ts';
import type { HttpClient } from '../http/client.ts';
import type { RateLimit } from '../http/rate-limit.ts';
import type { RetryPolicy } from '../http/retry.ts';
import type { Silences } from '../http/silences.ts';
import type { Source } from '../sources/source.ts';

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

const PROGRESS_EVERY_MS = 100;

/** Tells of progress at most ten times a second: listeners draw, and need not be faster. */
export class ProgressTeller {
  readonly #clock: Clock;
  readonly #onEvent: EventListener;
  #toldAtMs = -Infinity;

  constructor(clock: Clock, onEvent: EventListener) {
    this.#clock = clock;
    this.#onEvent = onEvent;
  }

  tell(progress: PhaseProgress): void {
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#toldAtMs < PROGRESS_EVERY_MS) return;
    this.#toldAtMs = nowMs;
    this.#onEvent({ event: 'progress', ...progress });
  }
}
