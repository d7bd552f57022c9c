import { availableParallelism } from 'node:os';
import type { Worker } from 'node:worker_threads';
import { throwIfAborted } from '../abort.ts';
import { startWorker as startWorkerOf } from '../threads/start-worker.ts';
import type { Member } from './directory.ts';
import type { OpenArchive } from './inflate.ts';
import { forEachAtOnce } from '../concurrency.ts';
import { sharesOf } from './shares.ts';
import { UnpackThread } from './unpack-thread.ts';

export interface UnpackPoolOptions {
  /**
   * At most. Default: as many as there are processors, and one more for those that wait for the disk;
   * no more than 5.
   */
  readonly threads?: number;
  /** What unpacks to less is done sooner than a thread is started. Default 8 MiB. */
  readonly minBytes?: number;
  readonly startWorker?: () => Worker;
}

/** A thread takes 15 MB with members of 1 MB: with those that hash, this bounds the memory. */
const MAX_THREADS = 5;
const MIN_BYTES = 8 * 1024 * 1024;

export interface UnpackWork {
  readonly archive: OpenArchive;
  readonly members: readonly Member[];
  /** As of an UnpackTask. */
  readonly into: string | null;
  readonly signal: AbortSignal | undefined;
  /** Hears about ten times a second, of each thread, how many bytes more are unpacked. */
  readonly onBytes: (bytes: number) => void;
}

/**
 * Unpacks archives in threads, which are started when they are needed and last until `close`. All
 * work on one archive, each on a share of its members, until nothing of that is left to begin with:
 * so archives are done one after the other, and a single one has all processors.
 */
export class UnpackPool {
  readonly #startWorker: () => Worker;
  readonly #minBytes: number;
  #maxThreads: number;
  #threads: readonly UnpackThread[] = [];
  readonly #idle: UnpackThread[] = [];
  #waiting: readonly Waiting[] = [];
  #lastTicket = 0;
  #isClosed = false;

  constructor({
    threads = Math.min(availableParallelism() + 1, MAX_THREADS),
    minBytes = MIN_BYTES,
    startWorker = () => startWorkerOf('unpack-worker', import.meta.url),
  }: UnpackPoolOptions = {}) {
    this.#maxThreads = threads;
    this.#minBytes = minBytes;
    this.#startWorker = startWorker;
  }

  /**
   * Unpacks members in one piece each, and checks them.
   * @returns false: there are no threads here, or it is not worth one; nothing was done, and the
   *   caller has to
   * @throws CcxriError `damaged-archive`, `unsafe-archive`; of the disk; `aborted`; the raw error of
   *   the disk; an Error where a thread dies. Nothing works on it any more then.
   */
  async unpack(work: UnpackWork): Promise<boolean> {
    const totalBytes = work.members.reduce((bytes, { size }) => bytes + size, 0);
    if (totalBytes < this.#minBytes) return false;
    this.#lastTicket += 1;
    const stop = new Int32Array(new SharedArrayBuffer(4));
    const job: Job = { ...work, ticket: this.#lastTicket, stop, begun: 0 };
    const halt = () => void Atomics.store(stop, 0, 1);
    const { signal } = work;
    signal?.addEventListener('abort', halt, { once: true });
    try {
      const shares = sharesOf(work.members, this.#maxThreads);
      // All of them wait for a thread: so the work that came first is done first.
      await forEachAtOnce(shares, shares.length, async (members) => {
        try {
          await this.#unpackShare(members, job);
        } catch (error) {
          halt();
          throw error;
        }
      });
      return true;
    } catch (error) {
      if (error instanceof NoThreads && job.begun === 0) return false;
      throw error;
    } finally {
      signal?.removeEventListener('abort', halt);
    }
  }

  /** Ends all threads; what is under way fails. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#threads.map((thread) => thread.close()));
    this.#wakeAll();
  }

  async #unpackShare(members: readonly Member[], job: Job): Promise<void> {
    const { archive, into, stop, signal, onBytes, ticket } = job;
    throwIfAborted(signal);
    const thread = await this.#acquire(ticket);
    try {
      throwIfAborted(signal);
      job.begun += 1;
      const { file, path, fd } = archive;
      const isDone = await thread.run({ file, path, fd, members, into, stop }, onBytes);
      throwIfAborted(signal);
      if (!isDone) throw new Error('stopped by what another share has met');
    } finally {
      this.#release(thread);
    }
  }

  /** @throws NoThreads there is none, and there will be none */
  async #acquire(ticket: number): Promise<UnpackThread> {
    while (!this.#isClosed && this.#maxThreads > 0) {
      const idle = this.#idle.pop();
      if (idle?.isGone === false) return idle;
      this.#threads = this.#threads.filter(({ isGone }) => !isGone);
      if (this.#threads.length < this.#maxThreads) {
        const started = await this.#start();
        if (started !== undefined) return started;
      } else {
        await new Promise<void>((resolve) => {
          this.#waiting = [...this.#waiting, { ticket, resolve }];
        });
      }
    }
    throw new NoThreads('no thread to unpack in');
  }

  /** undefined: the system gives no more threads. Those that are there go on. */
  async #start(): Promise<UnpackThread | undefined> {
    let thread: UnpackThread | undefined;
    try {
      thread = new UnpackThread(this.#startWorker());
      this.#threads = [...this.#threads, thread];
      await thread.ready;
      return thread;
    } catch {
      this.#threads = this.#threads.filter((each) => each !== thread);
      this.#maxThreads = this.#threads.length;
      // Those that wait may do so for nothing now.
      this.#wakeAll();
      return undefined;
    }
  }

  #release(thread: UnpackThread): void {
    if (thread.isGone) this.#threads = this.#threads.filter((each) => each !== thread);
    else this.#idle.push(thread);
    this.#wakeNext();
  }

  #wakeAll(): void {
    for (const { resolve } of this.#waiting) resolve();
    this.#waiting = [];
  }

  /** The work that came first: it is to be done first. */
  #wakeNext(): void {
    const [first, ...others] = [...this.#waiting].sort((a, b) => a.ticket - b.ticket);
    this.#waiting = others;
    first?.resolve();
  }
}

class NoThreads extends Error {}

interface Job extends UnpackWork {
  /** Counts up: the order of the jobs. */
  readonly ticket: number;
  readonly stop: Int32Array;
  /** Shares that a thread was given. */
  begun: number;
}

interface Waiting {
  readonly ticket: number;
  readonly resolve: () => void;
}
