import { pause } from '../abort.ts';
import type { Clock } from '../clock.ts';

/**
 * A token bucket, shared by all connections of a run. It holds at most a quarter of a second, so that
 * the rate holds over any second and there is no burst after a pause.
 */
export class RateLimit {
  readonly #bytesPerSecond: number;
  readonly #clock: Clock;
  /** When the bytes taken so far are within the rate. */
  #paidUntilMs: number;

  constructor(bytesPerSecond: number, clock: Clock) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#clock = clock;
    this.#paidUntilMs = clock.nowMs();
  }

  /** Cuts bytes into pieces of a quarter of a second: one large piece would block the others. */
  *split(bytes: Buffer): Generator<Buffer, void, undefined> {
    const pieceBytes = Math.max(1, Math.floor(this.#bytesPerSecond / 4));
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      yield bytes.subarray(at, at + pieceBytes);
    }
  }

  /** Waits until this many bytes are within the rate. @throws CcxriError `aborted` */
  async take(bytes: number, signal?: AbortSignal): Promise<void> {
    const nowMs = this.#clock.nowMs();
    const startMs = Math.max(this.#paidUntilMs, nowMs - 250);
    this.#paidUntilMs = startMs + (bytes / this.#bytesPerSecond) * 1000;
    const waitMs = this.#paidUntilMs - nowMs;
    if (waitMs > 0) await pause(this.#clock, waitMs, signal);
  }
}
