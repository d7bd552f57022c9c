import { setMaxListeners } from 'node:events';
import { toAbortError } from '../abort.ts';
import { CcxriError, isCcxriError } from '../errors.ts';
import { type Transfer, emitRetry } from './context.ts';
import { type SegmentEnd, fetchSegment } from './receive.ts';
import { SEGMENT_RULES, type Segment, SegmentQueue } from './segments.ts';
import { PROGRESS_BYTES } from './transfer-decisions.ts';

/** How often idle connections check whether a slow one can be helped. */
const CHECK_EVERY_MS = 250;

/** These end one connection; any other error ends the transfer. */
const CONNECTION_ERRORS = ['network', 'stalled', 'http-status', 'file-not-at-source'] as const;

/** A rate limit makes all connections slow: then none is stolen from. */
const NO_STEALING = { slowMs: Infinity, stalledMs: Infinity };

/**
 * Fetches what is missing of a part over several connections, from a server that has proven that it
 * serves ranges. A connection that fails leaves its bytes to the others.
 * @returns `complete`; or what one answer was, if no more segments can be requested after it
 * @throws CcxriError what the last connection failed with; of the disk; `aborted`
 */
export async function fetchInParallel(transfer: Transfer, url: string): Promise<SegmentEnd> {
  const { totalBytes } = transfer.part.origin;
  if (totalBytes === null) throw new Error(`${transfer.file.name}: ranges of an unknown length`);
  return await new Connections(transfer, url, totalBytes).run();
}

class Connections {
  readonly #transfer: Transfer;
  readonly #url: string;
  readonly #totalBytes: number;
  readonly #queue: SegmentQueue;
  readonly #open = new Set<Promise<void>>();
  /** Ends all connections. */
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  /** No more segments are requested: this is returned or thrown. */
  #outcome: SegmentEnd | { readonly kind: 'thrown'; readonly error: unknown } | undefined;
  /** After a failure no connection is opened before another one has succeeded. */
  #failure: unknown;

  constructor(transfer: Transfer, url: string, totalBytes: number) {
    const { signal, connections, rateLimit } = transfer.context;
    this.#transfer = transfer;
    this.#url = url;
    this.#totalBytes = totalBytes;
    const rules = rateLimit === undefined ? SEGMENT_RULES : { ...SEGMENT_RULES, ...NO_STEALING };
    this.#queue = new SegmentQueue(totalBytes, { ...rules, connections });
    this.#signal = AbortSignal.any([signal, this.#stop.signal]);
    setMaxListeners(0, this.#signal);
  }

  async run(): Promise<SegmentEnd> {
    const { file, part } = this.#transfer;
    const timer = setInterval(() => this.#openConnections(), CHECK_EVERY_MS);
    try {
      while (this.#outcome === undefined && !part.isComplete) {
        this.#openConnections();
        if (this.#open.size === 0) throw new Error(`${file.name}: no segment for what is missing`);
        while (this.#open.size > 0) await Promise.all(this.#open);
        if (this.#failure !== undefined) break;
      }
    } finally {
      clearInterval(timer);
      // After a listener has thrown, the others are still writing to a part that is about to be closed.
      this.#stop.abort();
      await Promise.allSettled(this.#open);
    }
    if (this.#outcome?.kind === 'thrown') throw this.#outcome.error;
    if (this.#outcome !== undefined) return this.#outcome;
    if (part.isComplete) return { kind: 'complete' };
    throw this.#failure;
  }

  /** Opens as many as may be useful; each waits for its turn before it takes a segment. */
  #openConnections(): void {
    const { context, part } = this.#transfer;
    const isOver = this.#outcome !== undefined || this.#failure !== undefined;
    if (isOver || !this.#queue.hasWork(part.spans, context.clock.nowMs())) return;
    while (this.#open.size < context.connections) {
      const connection = this.#runConnection().finally(() => this.#open.delete(connection));
      this.#open.add(connection);
    }
  }

  async #runConnection(): Promise<void> {
    const { context, part } = this.#transfer;
    const fetchNext = () => this.#fetchNext();
    try {
      while (this.#outcome === undefined) {
        if (!(await context.limiter.run(this.#url, fetchNext, this.#signal, part))) return;
      }
    } catch (error) {
      this.#onFailure(error);
    }
  }

  /** @returns false: there is nothing left to do */
  async #fetchNext(): Promise<boolean> {
    const { context, part } = this.#transfer;
    if (this.#outcome !== undefined) return false;
    const segment = this.#queue.take(part.spans, context.clock.nowMs());
    if (segment === undefined) return false;
    try {
      await this.#fetch(segment);
      this.#failure = undefined;
    } catch (error) {
      // Another connection has stolen all of it.
      if (!segment.stop.signal.aborted || !isCcxriError(error, 'aborted')) throw error;
    } finally {
      this.#queue.release(segment);
    }
    return true;
  }

  async #fetch(segment: Segment): Promise<void> {
    const { file, part } = this.#transfer;
    const end = await fetchSegment(
      this.#transfer,
      {
        url: this.#url,
        mode: 'parallel',
        fromByte: segment.from,
        toByte: segment.to,
        validator: part.origin.validator,
        totalBytes: this.#totalBytes,
        signal: AbortSignal.any([this.#signal, segment.stop.signal]),
      },
      segment,
    );
    if (end.kind === 'complete') return;
    if (end.kind !== 'ended') {
      this.#finish(end);
      return;
    }
    const isShort = end.isCut || !end.isAsRequested;
    if (!isShort || end.receivedBytes >= PROGRESS_BYTES) return;
    const message = `${file.name}: the server ended a segment after ${end.receivedBytes} bytes`;
    throw new CcxriError('network', message, { file: file.name });
  }

  #onFailure(error: unknown): void {
    const { part, context } = this.#transfer;
    if (this.#outcome !== undefined) return;
    const isStopped = context.signal.aborted;
    if (isStopped || !isCcxriError(error, ...CONNECTION_ERRORS)) {
      this.#finish({ kind: 'thrown', error: isStopped ? toAbortError(context.signal) : error });
      return;
    }
    this.#failure = error;
    // The last one's error is reported with the decision whether to retry.
    if (this.#open.size <= 1) return;
    emitRetry(this.#transfer, error, { keptBytes: part.heldBytes });
  }

  #finish(outcome: SegmentEnd | { readonly kind: 'thrown'; readonly error: unknown }): void {
    if (this.#outcome !== undefined) return;
    this.#outcome = outcome;
    this.#stop.abort();
  }
}
