import type { Dispatcher } from 'undici';
import { Batches, SLAB_BYTES, type Slabs } from './batches.ts';
import type { ReadBuffers } from './read-buffers.ts';

/** As much of a body waits here for a slow disk at most. */
const MAX_WAITING_BYTES = 2 * SLAB_BYTES;
/** A reader is woken for a slab, or when the first of it has waited for so long. */
const BATCH_MS = 50;

/** What sends the question, and where the answer is kept. */
export interface Way {
  readonly dispatcher: Dispatcher;
  readonly slabs: Slabs;
  readonly reads: ReadBuffers;
}

export interface ExchangeHead {
  readonly status: number;
  readonly header: (name: string) => string | undefined;
}

/**
 * One request and its answer. undici's own body streams throw away what has arrived and was not read
 * yet when a connection breaks: here it is still given out, and only then the failure.
 */
export class Exchange {
  readonly #signal: AbortSignal;
  #controller: Dispatcher.DispatchController | undefined;
  readonly #waiting: Batches;
  readonly #reads: ReadBuffers;
  #timer: NodeJS.Timeout | undefined;
  /** What waits has waited for long enough. */
  #isDue = false;
  #state: 'asked' | 'answered' | 'ended' | 'failed' = 'asked';
  #failure: Error | undefined;
  /** Goes on with whoever waits for news. */
  #wake: () => void = () => undefined;
  #head: ExchangeHead | undefined;
  readonly #onAbort = () => {
    this.#end('failed', toError(this.#signal.reason));
  };

  private constructor({ slabs, reads }: Way, signal: AbortSignal) {
    this.#waiting = new Batches(slabs);
    this.#reads = reads;
    this.#signal = signal;
    signal.addEventListener('abort', this.#onAbort, { once: true });
    if (signal.aborted) this.#onAbort();
  }

  /**
   * Asks, and waits for the headers of the answer.
   * @param signal ends it, also in the middle of its body
   * @throws what undici says of a request that failed; the signal's reason
   */
  static async ask(
    way: Way,
    options: Dispatcher.DispatchOptions,
    signal: AbortSignal,
  ): Promise<Exchange> {
    const exchange = new Exchange(way, signal);
    if (exchange.#state === 'asked') way.dispatcher.dispatch(options, exchange.#handler());
    while (exchange.#state === 'asked') await exchange.#news();
    if (exchange.#head === undefined) throw exchange.#failure ?? new Error('no answer');
    return exchange;
  }

  get head(): ExchangeHead {
    if (this.#head === undefined) throw new Error('there is no answer yet');
    return this.#head;
  }

  /**
   * What has come of the body, all of it at once; undefined: its end. The next call has its memory
   * used again: what is to last must be copied before.
   */
  async next(): Promise<readonly Buffer[] | undefined> {
    while (this.#state === 'answered' && !this.#isDue) await this.#news();
    this.#rest();
    const batch = this.#waiting.take();
    if (batch.length > 0) {
      this.#controller?.resume();
      return batch;
    }
    if (this.#failure !== undefined) throw this.#failure;
    return undefined;
  }

  /** Drops the connection, if the body has not ended; what has come is gone, also what was read last. */
  discard(): void {
    this.#rest();
    this.#waiting.drop();
    this.#end('failed', new Error('discarded'));
  }

  /** Nothing waits any more. */
  #rest(): void {
    this.#isDue = false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #add(chunk: Buffer): void {
    this.#waiting.add(chunk);
    if (this.#waiting.bytes >= SLAB_BYTES) this.#setDue();
    else this.#timer ??= setTimeout(() => this.#setDue(), BATCH_MS);
  }

  #setDue(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#wake();
  }

  async #news(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }

  #end(state: 'ended' | 'failed', failure?: Error): void {
    if (this.#state === 'ended' || this.#state === 'failed') return;
    this.#state = state;
    this.#failure = failure;
    clearTimeout(this.#timer);
    this.#signal.removeEventListener('abort', this.#onAbort);
    if (failure !== undefined) this.#controller?.abort(failure);
    this.#wake();
  }

  #handler(): Dispatcher.DispatchHandler {
    return {
      onRequestStart: (controller) => {
        this.#controller = controller;
        if (this.#failure !== undefined) controller.abort(this.#failure);
      },
      onResponseStart: (_, status, headers) => {
        // 102 and its kin only say that an answer may come.
        if (status < 200 || this.#state !== 'asked') return;
        this.#head = { status, header: (name) => toText(headers[name]) };
        this.#state = 'answered';
        this.#wake();
      },
      onResponseData: (controller, chunk) => {
        if (this.#state !== 'answered') return;
        this.#add(chunk);
        const isFull = this.#waiting.bytes >= MAX_WAITING_BYTES;
        if (isFull) controller.pause();
        this.#reads.copied(chunk, isFull);
      },
      onResponseEnd: () => {
        this.#end('ended');
      },
      onResponseError: (_, error) => {
        this.#end('failed', error);
      },
    };
  }
}

function toText(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(', ') : value;
}

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
