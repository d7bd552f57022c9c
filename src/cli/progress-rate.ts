import type { Clock } from '../clock.ts';
import type { RunEvent } from '../events.ts';
import { RunState } from './progress-state.ts';

const EVERY_MS = 1000;

/** What `--ndjson` prints: all events but most of `progress`, which come far more often than logs need. */
export class ProgressRate {
  readonly #clock: Clock;
  readonly #isWanted: boolean;
  readonly #state = new RunState();
  #printedAtMs = -Infinity;

  /** @param isWanted false: no progress at all */
  constructor(clock: Clock, isWanted: boolean) {
    this.#clock = clock;
    this.#isWanted = isWanted;
  }

  /**
   * The event as it is printed: at most one progress a second, with the run as a whole and every file in
   * work. undefined: it is not printed.
   */
  toPrint(event: RunEvent): RunEvent | undefined {
    if (!this.#isWanted) return event.event === 'progress' ? undefined : event;
    const nowMs = this.#clock.nowMs();
    this.#state.handle(event, nowMs);
    if (event.event !== 'progress') return event;
    if (nowMs - this.#printedAtMs < EVERY_MS) return undefined;
    this.#printedAtMs = nowMs;
    return { ...event, run: this.#state.progress(nowMs) };
  }
}
