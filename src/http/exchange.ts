import type { Dispatcher } from 'undici';
import type { ReadBuffers } from './read-buffers.ts';

/** A reader is woken for so much, and a slab holds it: to wake it oftener costs more than it gives. */
const SLAB_BYTES = 512 * 1024;

/**
 * Memory that bodies are collected in; shared, so that a thread can write it. V8 does not count such
 * memory, and collects it late: so all of it is used again, as much as was in use at once.
 */
export class Slabs {
  readonly #spare: Buffer[] = [];

  take(): Buffer {
    return this.#spare.pop() ?? Buffer.from(new SharedArrayBuffer(SLAB_BYTES));
  }

  /** Nobody looks at it any more. */
  giveBack(slab: Buffer): void {
    this.#spare.push(slab);
  }
}

/** The bytes of a body that have come and were not taken yet: copies, in few large pieces. */
export class Batches {
  readonly #memory: Slabs;
  /** Full, all but the last. */
  #slabs: readonly Buffer[] = [];
  #bytes = 0;
  #lent: readonly Buffer[] = [];

  constructor(memory: Slabs) {
    this.#memory = memory;
  }

  /** That wait. */
  get bytes(): number {
    return this.#bytes;
  }

  add(chunk: Uint8Array): void {
    for (let done = 0; done < chunk.length;) {
      const used = this.#bytes % SLAB_BYTES;
      if (used === 0) this.#slabs = [...this.#slabs, this.#memory.take()];
      const piece = chunk.subarray(done, done + SLAB_BYTES - used);
      this.#slabs.at(-1)?.set(piece, used);
      this.#bytes += piece.length;
      done += piece.length;
    }
  }

  /** All that waits. What was taken before is gone: its memory is used again. */
  take(): readonly Buffer[] {
    for (const slab of this.#lent) this.#memory.giveBack(slab);
    const bytes = this.#bytes;
    this.#lent = this.#slabs;
    this.#forget();
    return this.#lent.map((slab, n) => slab.subarray(0, bytes - n * SLAB_BYTES));
  }

  /** Forgets what waits. What was taken is gone as well. */
  drop(): void {
    for (const slab of [...this.#lent, ...this.#slabs]) this.#memory.giveBack(slab);
    this.#lent = [];
    this.#forget();
  }

  #forget(): void {
    this.#slabs = [];
    this.#bytes = 0;
  }
}

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
