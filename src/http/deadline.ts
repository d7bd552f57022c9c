import { toAbortError } from '../abort.ts';
import type { Clock } from '../clock.ts';
import { CcxriError } from '../errors.ts';
import { toPrintableUrl } from '../text.ts';
import type { LineMeter } from './connection-count.ts';
import { toNetworkError } from './errors.ts';
import type { HttpExchange } from './exchange.ts';
import { type Proxy, withProxy } from './proxy.ts';

/** A response whose headers have arrived; the body must be read or discarded. */
export interface HttpAnswer {
  readonly status: number;
  /** After redirects. */
  readonly url: string;
  readonly header: (name: string) => string | undefined;
  /** The proxy it came through. Absent: it came directly. */
  readonly proxy?: Proxy | undefined;
  /**
   * The body, once, each time all that has arrived since: valid until the next is requested. Leaving the
   * loop early drops the connection.
   * @throws CcxriError `network`, `stalled`, `aborted`
   */
  body(): AsyncGenerator<Buffer, void, undefined>;
  /** Drops the connection where the body is not wanted. */
  discard(): void;
}

/** What is told of a body while it is read. */
export interface BodyObserver {
  readonly meter: LineMeter;
  /** What went wrong, before it is explained. */
  readonly onFailure: (error: unknown) => void;
  readonly proxy: Proxy | undefined;
}

/** The reason of an abort by `RequestDeadline` or `StallDetector`. */
const STALLED = new Error('stalled');

/** Ends a request, with all its redirects, when it stalls or the run is stopped. */
export class RequestDeadline {
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

  /** No time passes until `restart`: it is not the server's. */
  suspend(): void {
    clearTimeout(this.#timer);
  }

  restart(): void {
    clearTimeout(this.#timer);
    this.#timer = this.#startDeadline();
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener('abort', this.#onOuterAbort);
  }

  /** The error of a request that failed: `aborted` by the run, `stalled`, or `network`. */
  explain(error: unknown, url: string): unknown {
    if (this.#outer?.aborted === true) return toAbortError(this.#outer);
    if (this.signal.reason === STALLED || error === STALLED) {
      const seconds = this.#timeoutMs / 1000;
      return new CcxriError(
        'stalled',
        `${toPrintableUrl(url)}: stalled: less than 1 KiB/s for ${seconds} s`,
        {
          url: toPrintableUrl(url),
          next: [{ kind: 'option', option: 'timeout', value: '120', purpose: 'on a slow line' }],
        },
      );
    }
    return toNetworkError(error, url);
  }

  toAnswer(url: string, exchange: HttpExchange, observer: BodyObserver): HttpAnswer {
    const { status, header } = exchange.head;
    const { proxy } = observer;
    return {
      status,
      url,
      header,
      ...(proxy && { proxy }),
      body: () => this.#read(url, exchange, observer),
      discard: () => {
        this.end();
        exchange.discard();
      },
    };
  }

  async *#read(
    url: string,
    exchange: HttpExchange,
    { meter, onFailure, proxy }: BodyObserver,
  ): AsyncGenerator<Buffer, void, undefined> {
    const stalls = new StallDetector(this.#timeoutMs, this.#clock);
    try {
      for (;;) {
        stalls.startWaiting();
        this.restart();
        const batch = await exchange.next();
        if (batch === undefined) return;
        // No deadline while the caller writes: that time is not the server's.
        this.suspend();
        const isTooSlow = stalls.received(batch.length);
        meter.onReceived(batch.length);
        try {
          yield batch;
        } finally {
          meter.onWritten();
        }
        if (isTooSlow) throw STALLED;
      }
    } catch (error) {
      onFailure(error);
      throw withProxy(this.explain(error, url), proxy);
    } finally {
      this.end();
      exchange.discard();
    }
  }
}

/** A connection slower than this on average over a whole window counts as stalled. */
const MIN_BYTES_PER_SECOND = 1024;

/**
 * Finds stalls by the time spent waiting for a connection. Time in which the caller was busy (a slow
 * disk, a rate limit) does not count. undici's own bodyTimeout is suspended during that time, and one
 * byte per interval is enough to reset it.
 */
export class StallDetector {
  readonly #windowMs: number;
  readonly #clock: Clock;
  #waitedMs = 0;
  #bytes = 0;
  #waitingSinceMs: number | null = null;

  /** @param windowMs the timeout */
  constructor(windowMs: number, clock: Clock) {
    this.#windowMs = windowMs;
    this.#clock = clock;
  }

  startWaiting(): void {
    this.#waitingSinceMs = this.#clock.nowMs();
  }

  /** @returns true: a whole window has passed below the minimum speed */
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
