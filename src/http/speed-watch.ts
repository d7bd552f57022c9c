import type { Clock } from '../clock.ts';

/** Below this, on average over a whole window, a connection counts as dead: 1 KiB a second. */
const MIN_BYTES_PER_SECOND = 1024;

/**
 * Judges a connection by the time spent waiting for it. Time in which the caller was busy (a slow
 * disk, a rate limit) does not count: undici's own bodyTimeout is suspended then, and never trips
 * on one byte an interval.
 */
export class SpeedWatch {
  readonly #windowMs: number;
  readonly #clock: Clock;
  #waitedMs = 0;
  #bytes = 0;
  #waitingSinceMs: number | null = null;

  /** @param windowMs the timeout: without bytes, or below the minimum speed, for so long */
  constructor(windowMs: number, clock: Clock) {
    this.#windowMs = windowMs;
    this.#clock = clock;
  }

  startWaiting(): void {
    this.#waitingSinceMs = this.#clock.nowMs();
  }

  /** @returns true when the window has passed below the minimum speed */
  received(bytes: number): boolean {
    const nowMs = this.#clock.nowMs();
    this.#waitedMs += nowMs - (this.#waitingSinceMs ?? nowMs);
    this.#waitingSinceMs = null;
    this.#bytes += bytes;
    if (this.#waitedMs < this.#windowMs) return false;
    const tooSlow = this.#bytes < (this.#waitedMs / 1000) * MIN_BYTES_PER_SECOND;
    this.#waitedMs = 0;
    this.#bytes = 0;
    return tooSlow;
  }
}
