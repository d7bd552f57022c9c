import type { Worker } from 'node:worker_threads';
import { throwIfAborted } from '../abort.ts';
import { unpackThreads } from '../threads/budget.ts';
import { ThreadUnavailable, WorkerClient, startWorker } from '../threads/worker.ts';
import type { LoadTask, LoadFaults, LoadTypes } from './load-task.ts';

export interface LoadPoolOptions {
  /** Default: one for each processor and one more, no more than 5. */
  readonly threads?: number | undefined;
  readonly startWorker?: (() => Worker) | undefined;
}

const ROOM_BYTES = 4 * 1024 * 1024;

/** Unpacks members into memory, in threads that are started when they are needed and kept until `close`. */
export class LoadPool {
  readonly #threads: readonly WorkerClient<LoadTypes>[];
  readonly #rooms: SharedArrayBuffer[] = [];

  constructor({
    threads = unpackThreads(),
    startWorker: start = () => startWorker('load-worker', import.meta.url),
  }: LoadPoolOptions = {}) {
    this.#threads = Array.from(
      { length: threads },
      () => new WorkerClient<LoadTypes>('load thread', start),
    );
  }

  /** Tasks that keep every thread at work while others are being used. */
  get tasksAhead(): number {
    return this.#threads.length;
  }

  /**
   * Memory for some members. Of new memory V8 collects garbage every 64 MB: over some thousand images that took a
   * third of the processor's time.
   */
  lendRoom(bytes: number): SharedArrayBuffer {
    const room = this.#rooms.pop();
    if (room !== undefined && room.byteLength >= bytes) return room;
    return new SharedArrayBuffer(Math.max(bytes, ROOM_BYTES));
  }

  /** @param room that nobody looks into any more */
  takeBack(room: SharedArrayBuffer): void {
    if (this.#rooms.length <= this.tasksAhead) this.#rooms.push(room);
  }

  /**
   * @returns undefined: there are no threads
   * @throws CcxriError of the disk; `aborted`; an Error if a thread exits
   */
  async load(task: LoadTask, signal: AbortSignal | undefined): Promise<LoadFaults | undefined> {
    for (;;) {
      throwIfAborted(signal);
      const able = this.#threads.filter(({ isUnavailable }) => !isUnavailable);
      const [thread] = able.sort((a, b) => a.load - b.load);
      if (thread === undefined) return undefined;
      try {
        return await thread.start(task, { signal }).result;
      } catch (error) {
        throwIfAborted(signal);
        if (!(error instanceof ThreadUnavailable)) throw error;
      }
    }
  }

  /** Ends all threads; calls under way fail. */
  async close(): Promise<void> {
    this.#rooms.length = 0;
    await Promise.all(this.#threads.map((thread) => thread.close()));
  }
}
