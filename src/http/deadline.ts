import { toAbortError } from '../abort.ts';
import type { Clock } from '../clock.ts';
import { CcxriError } from '../errors.ts';
import { toPrintableUrl } from '../text.ts';
import { toNetworkError } from './errors.ts';
import type { Exchange } from './exchange.ts';

/** An answer whose headers are here; the body must be read or discarded. */
export interface HttpAnswer {
  readonly status: number;
  /** After redirects. */
  readonly url: string;
  readonly header: (name: string) => string | undefined;
  /**
   * The body, once, each time with all that has come meanwhile: what of a batch is to outlast the
   * question for the next one must be copied. Leaving the loop early drops the connection.
   * @throws CcxriError `network`, `stalled`, `aborted`
   */
  batches(): AsyncGenerator<readonly Buffer[], void, undefined>;
  /** Drops the connection where the body is not wanted. */
  discard(): void;
}

/** The reason of an abort by the deadline or the watch over the speed. */
const STALLED = new Error('stalled');

/** One request with its deadlines: ends with its body, on a stall, or when the run is stopped. */
export class Attempt {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal | undefined;
  readonly #timeoutMs: number;
  readonly #clock: Clock;
  #timer: NodeJS.Timeout;
  readonly #onOuterAbort = () => {
    this.#controller.abort();
  };

  /** @param timeoutMs to the first byte of a body, over all redirects; then between bytes */
  constructor(outer: AbortSignal | undefined, timeoutMs: number, clock: Clock) {
    this.#outer = outer;
    this.#timeoutMs = timeoutMs;
    this.#clock = clock;
    this.#timer = this.#startDeadline();
    outer?.addEventListener('abort', this.#onOuterAbort, { once: true });
    if (outer?.aborted === true) this.#onOuterAbort();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  #startDeadline(): NodeJS.Timeout {
    return setTimeout(() => {
      this.#controller.abort(STALLED);
    }, this.#timeoutMs);
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener('abort', this.#onOuterAbort);
  }

  /** What ended the request, in ccxri's words: a stop from outside, a stall, or the wire. */
  explain(error: unknown, url: string): unknown {
    if (this.#outer?.aborted === true) return toAbortError(this.#outer);
    if (this.signal.reason === STALLED || error === STALLED) {
      const seconds = this.#timeoutMs / 1000;
      return new CcxriError(
        'stalled',
        `${toPrintableUrl(url)}: nothing, or next to nothing, came for ${seconds} s`,
        { url: toPrintableUrl(url), hint: 'on a slow line give it more time: --timeout 120' },
      );
    }
    return toNetworkError(error, url);
  }

  toAnswer(url: string, exchange: Exchange): HttpAnswer {
    const { status, header } = exchange.head;
    return {
      status,
      url,
      header,
      batches: () => this.#read(url, exchange),
      discard: () => {
        this.end();
        exchange.discard();
      },
    };
  }

  async *#read(
    url: string,
    exchange: Exchange,
  ): AsyncGenerator<readonly Buffer[], void, undefined> {
    const watch = new SpeedWatch(this.#timeoutMs, this.#clock);
    try {
      for (;;) {
        watch.startWaiting();
        clearTimeout(this.#timer);
        this.#timer = this.#startDeadline();
        const batch = await exchange.next();
        if (batch === undefined) return;
        // The time in which the caller writes is not the server's: the deadline rests.
        clearTimeout(this.#timer);
        const isTooSlow = watch.received(lengthOf(batch));
        yield batch;
        if (isTooSlow) throw STALLED;
      }
    } catch (error) {
      throw this.explain(error, url);
    } finally {
      this.end();
      exchange.discard();
    }
  }
}

/** In bytes. */
export function lengthOf(batch: readonly Buffer[]): number {
  let bytes = 0;
  for (const { length } of batch) bytes += length;
  return bytes;
}

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
