import { availableParallelism } from 'node:os';
import type { Worker } from 'node:worker_threads';
import { startWorker as startThread } from '../threads/start-worker.ts';
import type { HashJob } from './hash-job.ts';
import { HashThread } from './hash-thread.ts';
import { LANES, LANES_A_GROUP } from './kernel-layout.ts';
import { hasWebAssembly } from './kernel.ts';

export interface HashPoolOptions {
  /** At most. Default: as many as there are processors, and no more than 3. */
  readonly threads?: number;
  readonly startWorker?: () => Worker;
}

/**
 * A thread takes 18 MB. Three hash 8 to 12 GB a second, more than a disk gives; with those that unpack
 * this bounds the memory, however many processors there are.
 */
const MAX_THREADS = 3;

/**
 * The MD5s of many files at once, in threads that are started when they are needed and last until
 * `close`.
 */
export class HashPool {
  readonly #maxThreads: number;
  readonly #startWorker: () => Worker;
  #threads: readonly HashThread[] = [];
  #isUnavailable = !hasWebAssembly();

  constructor({
    threads = Math.min(availableParallelism(), MAX_THREADS),
    startWorker = () => startThread('hash-worker', import.meta.url),
  }: HashPoolOptions = {}) {
    this.#maxThreads = threads;
    this.#startWorker = startWorker;
  }

  /** With so many files at once all threads are as fast as they can be. */
  get lanes(): number {
    return this.#maxThreads * LANES;
  }

  /**
   * Begins with an open file; how much of it is there is said to the job.
   * @param onBytes hears about ten times a second how much is hashed
   * @returns undefined: there are no threads here, and the caller hashes by itself
   */
  start(fd: number, onBytes?: (hashedBytes: number) => void): HashJob | undefined {
    this.#isUnavailable ||= this.#threads.some((thread) => thread.isUnavailable);
    this.#threads = this.#threads.filter((thread) => !thread.isGone);
    if (this.#isUnavailable) return undefined;
    const place = placeFor(
      this.#threads.map(({ load }) => load),
      this.#maxThreads,
    );
    const thread = this.#threads[place] ?? this.#open();
    return thread?.start(fd, onBytes);
  }

  /** Ends all threads. What is under way fails; new files are for their callers to hash. */
  async close(): Promise<void> {
    this.#isUnavailable = true;
    await Promise.all(this.#threads.map((thread) => thread.close()));
  }

  #open(): HashThread | undefined {
    try {
      const thread = new HashThread(this.#startWorker());
      this.#threads = [...this.#threads, thread];
      return thread;
    } catch {
      // The system gives no more threads: it is slower then, and as right.
      this.#isUnavailable = true;
      return undefined;
    }
  }
}

/**
 * The thread that takes the next file; `loads.length` is a new one. Four files in one thread take half
 * of the processor's time of two in each of two threads, and no more of the clock's: a thread is
 * filled so far before the next is started.
 */
export function placeFor(loads: readonly number[], maxThreads: number): number {
  const sparse = loads.findIndex((load) => load < LANES_A_GROUP);
  if (sparse >= 0) return sparse;
  if (loads.length < maxThreads) return loads.length;
  return loads.indexOf(Math.min(...loads));
}
