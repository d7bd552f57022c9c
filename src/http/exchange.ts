import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';

/**
 * A reader is woken for this many bytes, or when the first of them has waited for `BATCH_MS`. The
 * connection is paused while so many wait: the reader may be at work with as many again.
 */
const BATCH_BYTES = 512 * 1024;
const BATCH_MS = 50;

/** Node reads a socket in pieces of up to 64 KiB: the one that completes a batch fits in as well. */
const BUFFER_BYTES = BATCH_BYTES + 64 * 1024;

/** Memory for bodies, used again and again: to allocate it for each batch keeps V8 collecting it. */
export class BufferPool {
  readonly #free: Buffer[] = [];

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(BUFFER_BYTES);
  }

  giveBack(buffer: Buffer): void {
    this.#free.push(buffer);
  }
}

/**
 * Bytes of a body that have arrived and were not read yet. Copied into one buffer: a thousand chunks
 * of a byte cost no more than one of a thousand, and one large write is cheaper than many small ones.
 */
export class BodyBuffer {
  readonly #pool: BufferPool;
  #buffer: Buffer | undefined;
  #bytes = 0;
  /** What was taken last: its reader is still at work with it. */
  #taken: Buffer | undefined;

  constructor(pool: BufferPool) {
    this.#pool = pool;
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(chunk: Uint8Array): void {
    const bytes = this.#bytes + chunk.length;
    let buffer = (this.#buffer ??= this.#pool.take());
    if (bytes > buffer.length) {
      const larger = Buffer.allocUnsafeSlow(2 * bytes);
      larger.set(buffer.subarray(0, this.#bytes));
      this.#pool.giveBack(buffer);
      this.#buffer = buffer = larger;
    }
    buffer.set(chunk, this.#bytes);
    this.#bytes = bytes;
  }

  /** Everything. What was taken before is overwritten from now on. */
  take(): Buffer {
    if (this.#taken !== undefined) this.#pool.giveBack(this.#taken);
    const [buffer, bytes] = [this.#buffer, this.#bytes];
    [this.#taken, this.#buffer, this.#bytes] = [buffer, undefined, 0];
    return buffer?.subarray(0, bytes) ?? Buffer.alloc(0);
  }
}

export interface ResponseHead {
  readonly status: number;
  /** Several of one name as one, with commas. */
  readonly header: (name: string) => string | undefined;
  readonly all: (name: string) => readonly string[];
}

/** What sends requests: undici's dispatcher, or the lenient client. */
export interface Carrier {
  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): unknown;
}

/**
 * One request and its response. undici's own body streams discard what has arrived but was not read
 * yet when a connection breaks: here it is read first, and only then comes the error.
 */
export class HttpExchange {
  readonly #signal: AbortSignal;
  #controller: Dispatcher.DispatchController | undefined;
  readonly #body: BodyBuffer;
  #timer: NodeJS.Timeout | undefined;
  #isBatchDue = false;
  #state: 'waiting' | 'receiving' | 'ended' | 'failed' = 'waiting';
  #failure: Error | undefined;
  /** Resumes whoever waits for a change. */
  #wake: () => void = () => undefined;
  #head: ResponseHead | undefined;
  readonly #onAbort = () => {
    this.#end('failed', toError(this.#signal.reason));
  };

  private constructor(signal: AbortSignal, pool: BufferPool) {
    this.#signal = signal;
    this.#body = new BodyBuffer(pool);
    signal.addEventListener('abort', this.#onAbort, { once: true });
    if (signal.aborted) this.#onAbort();
  }

  /**
   * Sends a request, and waits for the headers of its response.
   * @param signal ends it, also in the middle of the body
   * @throws undici's error for a request that failed; the signal's reason
   */
  static async send(
    carrier: Carrier,
    options: Dispatcher.DispatchOptions,
    signal: AbortSignal,
    pool: BufferPool,
  ): Promise<HttpExchange> {
    const exchange = new HttpExchange(signal, pool);
    if (exchange.#state === 'waiting') carrier.dispatch(options, exchange.#handler());
    while (exchange.#state === 'waiting') await exchange.#change();
    if (exchange.#head === undefined) throw exchange.#failure ?? noResponse();
    return exchange;
  }

  get head(): ResponseHead {
    if (this.#head === undefined) throw new Error('there is no response yet');
    return this.#head;
  }

  /**
   * What has arrived of the body since the last call, in one piece; undefined: the body has ended. What
   * the last call returned is overwritten from now on.
   */
  async next(): Promise<Buffer | undefined> {
    while (this.#state === 'receiving' && !this.#isBatchDue) await this.#change();
    const batch = this.#take();
    if (batch.length > 0) {
      this.#controller?.resume();
      return batch;
    }
    if (this.#failure !== undefined) throw this.#failure;
    return undefined;
  }

  /** Drops what was not read, and the connection if the body has not ended. */
  discard(): void {
    this.#take();
    this.#take();
    this.#end('failed', new Error('discarded'));
  }

  #take(): Buffer {
    this.#isBatchDue = false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    return this.#body.take();
  }

  #add(chunk: Buffer): void {
    this.#body.add(chunk);
    if (this.#body.bytes < BATCH_BYTES) {
      this.#timer ??= setTimeout(() => this.#setBatchDue(), BATCH_MS);
      return;
    }
    this.#setBatchDue();
    this.#controller?.pause();
  }

  #setBatchDue(): void {
    if (this.#isBatchDue) return;
    this.#isBatchDue = true;
    this.#wake();
  }

  async #change(): Promise<void> {
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
        // 1xx (102 Processing) only announces a response.
        if (status < 200 || this.#state !== 'waiting') return;
        this.#head = toHead(status, headers);
        this.#state = 'receiving';
        this.#wake();
      },
      onResponseData: (_, chunk) => {
        // undici gives a chunk of no bytes where one of HTTP's ends with a piece of the socket: alone, it
        // would make a batch of no bytes, which reads as the end of the body.
        if (this.#state === 'receiving' && chunk.length > 0) this.#add(chunk);
      },
      onResponseEnd: () => this.#end('ended'),
      onResponseError: (_, error) => this.#end('failed', error),
    };
  }
}

function toHead(status: number, headers: IncomingHttpHeaders): ResponseHead {
  const all = (name: string) => [headers[name] ?? []].flat();
  return {
    status,
    all,
    header: (name) => (headers[name] === undefined ? undefined : all(name).join(', ')),
  };
}

/** It has ended with a status below 200, which only announces a response. */
function noResponse(): Error {
  return Object.assign(new Error('no response'), { code: 'HPE_INVALID_STATUS' });
}

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
