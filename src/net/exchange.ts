import type { Dispatcher } from 'undici';

/** As much of a body waits here for a slow disk, and is then handed over as one chunk. */
const MAX_WAITING_BYTES = 1024 * 1024;

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
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #state: 'asked' | 'answered' | 'ended' | 'failed' = 'asked';
  #failure: Error | undefined;
  /** Goes on with whoever waits for news. */
  #wake: () => void = () => undefined;
  #head: ExchangeHead | undefined;
  readonly #onAbort = () => {
    this.#end('failed', toError(this.#signal.reason));
  };

  private constructor(signal: AbortSignal) {
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
    dispatcher: Dispatcher,
    options: Dispatcher.DispatchOptions,
    signal: AbortSignal,
  ): Promise<Exchange> {
    const exchange = new Exchange(signal);
    if (exchange.#state === 'asked') dispatcher.dispatch(options, exchange.#handler());
    while (exchange.#state === 'asked') await exchange.#news();
    if (exchange.#head === undefined) throw exchange.#failure ?? new Error('no answer');
    return exchange;
  }

  get head(): ExchangeHead {
    if (this.#head === undefined) throw new Error('there is no answer yet');
    return this.#head;
  }

  /** What has come of the body, all of it at once; undefined: its end. */
  async next(): Promise<Buffer | undefined> {
    while (this.#waiting.length === 0 && this.#state === 'answered') await this.#news();
    const [first, ...others] = this.#waiting;
    if (first === undefined) {
      if (this.#failure !== undefined) throw this.#failure;
      return undefined;
    }
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#controller?.resume();
    return others.length === 0 ? first : Buffer.concat([first, ...others]);
  }

  /** Drops the connection, if the body has not ended; what came and was not read is gone. */
  discard(): void {
    this.#waiting = [];
    this.#end('failed', new Error('discarded'));
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
        this.#waiting.push(chunk);
        this.#waitingBytes += chunk.length;
        if (this.#waitingBytes >= MAX_WAITING_BYTES) controller.pause();
        this.#wake();
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
