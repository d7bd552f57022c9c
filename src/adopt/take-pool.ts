import { setImmediate } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { throwIfAborted } from '../abort.ts';
import { forEachAtOnce } from '../concurrency.ts';
import { unpackThreads } from '../threads/budget.ts';
import { ThreadStopped, ThreadUnavailable, WorkerClient, startWorker } from '../threads/worker.ts';
import { type TakeItem, type TakeTypes, type Taken, Taker } from './take-task.ts';

/** Fewer are done sooner than a thread is started. */
const MIN_ITEMS = 100;
/** Of one call: progress is shown, and a stop comes, between two. */
const ITEMS_A_CALL = 32;

interface TakePoolOptions {
  /** Default: one for each processor and one more, no more than 5. */
  readonly threads?: number | undefined;
  readonly minItems?: number | undefined;
  readonly startWorker?: (() => Worker) | undefined;
}

interface TakeOptions {
  readonly signal: AbortSignal;
  /** Called with the bytes that were read since the last call. */
  readonly onBytes: (bytes: number) => void;
}

/** Takes many files at once, in threads that are started when they are needed and kept until `close`. */
export class TakePool {
  readonly #threads: readonly WorkerClient<TakeTypes>[];
  readonly #minItems: number;
  #taker: Taker | undefined;

  constructor({
    threads = unpackThreads(),
    minItems = MIN_ITEMS,
    startWorker: start = () => startWorker('take-worker', import.meta.url),
  }: TakePoolOptions = {}) {
    this.#minItems = minItems;
    this.#threads = Array.from(
      { length: threads },
      () => new WorkerClient<TakeTypes>('take thread', start),
    );
  }

  /**
   * Starts the threads before the first images are there for them.
   * @param expected how many images there may be
   */
  prepare(expected: number): void {
    if (expected < this.#minItems) return;
    // A thread that can't be started is found out by the first call with items.
    for (const thread of this.#threads) void thread.start([]);
  }

  /**
   * @returns one for each item, in their order
   * @throws CcxriError of the disk that is written to; `aborted`; bugs
   */
  async take(items: readonly TakeItem[], options: TakeOptions): Promise<readonly Taken[]> {
    const taken: Taken[] = [];
    const calls: (readonly [number, readonly TakeItem[]])[] = [];
    for (let at = 0; at < items.length; at += ITEMS_A_CALL) {
      calls.push([at, items.slice(at, at + ITEMS_A_CALL)]);
    }
    const queue = calls.values();
    const run = async (call: readonly TakeItem[], at: number, thread?: WorkerClient<TakeTypes>) => {
      for (const [index, one] of (await this.#takeSome(call, options, thread)).entries()) {
        taken[at + index] = one;
      }
    };
    const threads = items.length < this.#minItems ? [] : this.#threads;
    const lanes = threads.length === 0 ? [undefined] : threads;
    await forEachAtOnce(lanes, lanes.length, async (thread) => {
      for (const [at, call] of queue) await run(call, at, thread);
    });
    return taken;
  }

  /** Ends all threads; calls under way fail. */
  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.close()));
  }

  async #takeSome(
    items: readonly TakeItem[],
    { signal, onBytes }: TakeOptions,
    thread: WorkerClient<TakeTypes> | undefined,
  ): Promise<readonly Taken[]> {
    throwIfAborted(signal);
    if (thread?.isUnavailable === false) {
      try {
        return await thread.start(items, { onProgress: onBytes, signal }).result;
      } catch (error) {
        throwIfAborted(signal);
        if (error instanceof ThreadStopped) throw error;
        if (!(error instanceof ThreadUnavailable)) throw error;
      }
    }
    return this.#takeHere(items, { signal, onBytes });
  }

  async #takeHere(items: readonly TakeItem[], { signal, onBytes }: TakeOptions) {
    this.#taker ??= new Taker();
    const taken: Taken[] = [];
    for (const item of items) {
      throwIfAborted(signal);
      const one = this.#taker.take(item);
      if (one.kind === 'taken') onBytes(one.bytes);
      taken.push(one);
      await setImmediate();
    }
    return taken;
  }
}
