import { setMaxListeners } from 'node:events';
import { toAbortError } from '../abort.ts';
import { isCcxriError } from '../errors.ts';
import { isRefusedConnection } from '../http/errors.ts';
import { decideConnection } from './connection-decisions.ts';
import { type Transfer, emitRetry } from './context.ts';
import { fetchSegment } from './receive.ts';
import { SEGMENT_RULES, type Segment, SegmentQueue, everyMsOf } from './segments.ts';
import type { ConnectionEnd } from './transfer-decisions.ts';

/** How often idle connections check whether a slow one can be helped. */
const CHECK_EVERY_MS = 250;

/** A rate limit makes all connections slow: then none is stolen from. */
const NO_STEALING = { slowMs: Infinity, stalledMs: Infinity };

/**
 * Fetches what is missing of a part over several connections, from a server that has proven that it
 * serves ranges. A connection that fails leaves its bytes to the others.
 * @returns `complete`; or how the last connection ended, if no more segments can be requested
 * @throws CcxriError of the disk; `aborted`
 */
export async function fetchInParallel(transfer: Transfer, url: string): Promise<ConnectionEnd> {
  const { totalBytes } = transfer.part.origin;
  if (totalBytes === null) throw new Error(`${transfer.file.name}: ranges of an unknown length`);
  return await new Connections(transfer, url, totalBytes).run();
}

class Connections {
  readonly #transfer: Transfer;
  readonly #url: string;
  readonly #queue: SegmentQueue;
  readonly #open = new Set<Promise<void>>();
  /** Ends all connections. */
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  /** Ends the transfer, whatever the other connections do. */
  #fatal: { readonly error: unknown } | undefined;
  /** After a failure no connection is opened before another one has succeeded. */
  #failure: ConnectionEnd | undefined;

  constructor(transfer: Transfer, url: string, totalBytes: number) {
    const { signal, rateLimit } = transfer.context;
    this.#transfer = transfer;
    this.#url = url;
    const rules = rateLimit === undefined ? SEGMENT_RULES : { ...SEGMENT_RULES, ...NO_STEALING };
    this.#queue = new SegmentQueue(totalBytes, rules);
    this.#signal = AbortSignal.any([signal, this.#stop.signal]);
    setMaxListeners(0, this.#signal);
  }

  async run(): Promise<ConnectionEnd> {
    const { file, part, context } = this.#transfer;
    const timer = setInterval(() => this.#openConnections(), CHECK_EVERY_MS);
    try {
      while (this.#fatal === undefined && !part.isComplete) {
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
    if (context.signal.aborted && !part.isComplete) throw toAbortError(context.signal);
    if (this.#fatal !== undefined) throw this.#fatal.error;
    if (part.isComplete || this.#failure === undefined) return { kind: 'complete' };
    return this.#failure;
  }

  /** Opens as many as may be useful; each waits for its turn before it takes a segment. */
  #openConnections(): void {
    const { context, part } = this.#transfer;
    const isOver = this.#fatal !== undefined || this.#failure !== undefined;
    if (isOver || !this.#queue.hasWork(part.spans, context.clock.nowMs())) return;
    while (this.#open.size < context.limiter.connections) {
      const connection = this.#runConnection().finally(() => this.#open.delete(connection));
      this.#open.add(connection);
    }
  }

  async #runConnection(): Promise<void> {
    const { context, part } = this.#transfer;
    let everyMs = 0;
    const fetchNext = () => {
      // Where no segment is left, nothing is to wait for.
      everyMs = 0;
      return this.#fetchNext((segment) => {
        everyMs = everyMsOf(segment);
      });
    };
    const turn = { owner: part, everyMs: () => everyMs };
    try {
      let isOpen = true;
      while (isOpen) {
        isOpen = await context.limiter.run(this.#url, fetchNext, this.#signal, turn);
      }
    } catch (error) {
      if (isCcxriError(error)) this.#onEnd({ kind: 'failed', asked: 'segment', error }, 0);
      else this.#finish(error);
    }
  }

  /** @returns false: the connection is closed */
  async #fetchNext(onSegment: (segment: Segment) => void): Promise<boolean> {
    const { context, part } = this.#transfer;
    if (this.#fatal !== undefined) return false;
    const { fairShare } = context.limiter;
    const segment = this.#queue.take(part.spans, context.clock.nowMs(), fairShare);
    if (segment === undefined) return false;
    onSegment(segment);
    const signal = AbortSignal.any([this.#signal, segment.stop.signal]);
    const how = { mode: 'parallel', asked: 'segment' } as const;
    const request = { url: this.#url, ...how, segment, signal };
    try {
      const end = await fetchSegment(this.#transfer, request);
      return this.#onEnd(end, segment.at - segment.from);
    } catch (error) {
      if (!isCcxriError(error)) throw error;
      // Another connection has stolen all of it.
      if (segment.stop.signal.aborted && error.code === 'aborted') return true;
      return this.#onEnd({ kind: 'failed', asked: 'segment', error }, segment.at - segment.from);
    } finally {
      this.#queue.release(segment);
    }
  }

  /** @returns false: the connection is closed */
  #onEnd(end: ConnectionEnd, receivedBytes: number): boolean {
    const { file, part, context } = this.#transfer;
    if (this.#fatal !== undefined) return false;
    const action = decideConnection(end, receivedBytes, file.name);
    switch (action.kind) {
      case 'next':
        this.#failure = undefined;
        return true;
      case 'retry':
        context.limiter.onBroken();
        this.#failure = undefined;
        emitRetry(this.#transfer, action.error, { keptBytes: part.heldBytes });
        return true;
      case 'close':
        context.limiter.onBroken();
        if (isRefusedConnection(action.error.cause)) context.limiter.onRefused(this.#url);
        this.#failure = end;
        // The last one's error is reported with the decision whether to retry.
        if (this.#open.size > 1) {
          emitRetry(this.#transfer, action.error, { keptBytes: part.heldBytes });
        }
        return false;
      case 'finish':
        this.#finish(action.error);
        return false;
    }
  }

  #finish(error: unknown): void {
    this.#fatal ??= { error };
    this.#stop.abort();
  }
}
