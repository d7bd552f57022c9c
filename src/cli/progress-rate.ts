import type { Clock } from '../clock.ts';
import type { RunEvent } from '../events.ts';

const EVERY_MS = 1000;

/** Which events `--ndjson` prints: all but most of `progress`, which is meant for bars. */
export class ProgressRate {
  readonly #clock: Clock;
  readonly #isWanted: boolean;
  readonly #printedAtMs = new Map<string, number>();

  /** @param isWanted false: no progress at all */
  constructor(clock: Clock, isWanted: boolean) {
    this.#clock = clock;
    this.#isWanted = isWanted;
  }

  /** Is this event to be printed? Of a file at most one progress a second is. */
  admits(event: RunEvent): boolean {
    if (event.event !== 'progress') return true;
    if (!this.#isWanted) return false;
    const nowMs = this.#clock.nowMs();
    if (nowMs - (this.#printedAtMs.get(event.file) ?? -Infinity) < EVERY_MS) return false;
    this.#printedAtMs.set(event.file, nowMs);
    return true;
  }
}
