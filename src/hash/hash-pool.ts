import type { FileHandle } from 'node:fs/promises';
import type { Worker } from 'node:worker_threads';
import { isCcxriError } from '../errors.ts';
import { LANES, hashThreads } from '../threads/budget.ts';
import {
  type ThreadCall,
  ThreadUnavailable,
  WorkerClient,
  startWorker,
} from '../threads/worker.ts';
import {
  type HashFollower,
  MAX_LAG_BYTES,
  type OnBytes,
  ShortFileError,
  followHere,
} from './hash-file.ts';
import { LANES_A_GROUP, SPAN_BYTES, hasWebAssembly } from './kernel.ts';

/** The messages of a hash thread. A call is a file. */
export interface HashTypes {
  /** Stays open until the call ends. */
  readonly request: { readonly fd: number };
  readonly update: {
    /** The file is written without a gap up to here. */
    readonly writtenBytes: number;
    /** That is all of it. */
    readonly isLast: boolean;
    /** Notify once this many bytes are hashed, without waiting for other files. `Infinity`: no waiter. */
    readonly notifyAtBytes: number;
  };
  /** How many bytes are hashed: about ten times a second at most, and when it was asked for. */
  readonly progress: number;
  /** The MD5 in lower-case hex; null: the file ends before what was written. */
  readonly result: string | null;
}

export interface HashPoolOptions {
  /** At most. Default: see `hashThreads`. */
  readonly threads?: number | undefined;
  readonly startWorker?: (() => Worker) | undefined;
}

/** Computes the MD5s of many files at once, in threads that start when needed and last until `close`. */
export class HashPool {
  readonly #threads: readonly WorkerClient<HashTypes>[];
  #isUnavailable = !hasWebAssembly();

  constructor({
    threads = hashThreads(),
    startWorker: start = () => startWorker('hash-worker', import.meta.url),
  }: HashPoolOptions = {}) {
    this.#threads = Array.from({ length: threads }, () => new WorkerClient('hash thread', start));
  }

  /** With this many files at once all threads are as fast as they can be. */
  get lanes(): number {
    return this.#threads.length * LANES;
  }

  /**
   * Hashes an open file: in a thread, from its first full span on, or in this one if there are none.
   * @param onBytes called about ten times a second with how much is hashed
   */
  follow(handle: FileHandle, onBytes?: OnBytes): HashFollower {
    return new ThreadFollower(handle, () => this.#nextThread(), onBytes);
  }

  #nextThread(): WorkerClient<HashTypes> | undefined {
    this.#isUnavailable ||= this.#threads.some(({ isUnavailable }) => isUnavailable);
    if (this.#isUnavailable) return undefined;
    return this.#threads[nextThread(this.#threads.map(({ load }) => load))];
  }

  /** Ends all threads. Files under way fail; later ones are hashed in this thread. */
  async close(): Promise<void> {
    this.#isUnavailable = true;
    await Promise.all(this.#threads.map((thread) => thread.close()));
  }
}

/**
 * The thread that takes the next file. Four files in one thread take half of the processor time of two
 * in each of two threads and no more wall time, so a thread gets four files before another is started.
 */
export function nextThread(loads: readonly number[]): number {
  const sparse = loads.findIndex((load) => load < LANES_A_GROUP);
  return sparse >= 0 ? sparse : loads.indexOf(Math.min(...loads));
}

class ThreadFollower implements HashFollower {
  readonly #handle: FileHandle;
  readonly #takeThread: () => WorkerClient<HashTypes> | undefined;
  readonly #onBytes: OnBytes;
  /** undefined: there is too little yet to be worth a thread. */
  #call: ThreadCall<HashTypes> | undefined;
  #md5: Promise<string> | undefined;
  /** Instead of a thread. */
  #local: HashFollower | undefined;
  #writtenBytes = 0;
  /** As the thread knows it. */
  #postedBytes = 0;
  #hashedBytes = 0;
  #isLast = false;
  #failure: { readonly error: unknown } | undefined;
  #waiters: readonly { readonly atBytes: number; readonly resolve: () => void }[] = [];

  constructor(
    handle: FileHandle,
    takeThread: () => WorkerClient<HashTypes> | undefined,
    onBytes: OnBytes,
  ) {
    this.#handle = handle;
    this.#takeThread = takeThread;
    this.#onBytes = onBytes;
  }

  get lagBytes(): number {
    return this.#local?.lagBytes ?? this.#writtenBytes - this.#hashedBytes;
  }

  advance(writtenBytes: number): void {
    this.#writtenBytes = writtenBytes;
    this.#local?.advance(writtenBytes);
    if (this.#local !== undefined || writtenBytes < SPAN_BYTES) return;
    if (this.#call === undefined) this.#start();
    // The thread takes whole spans, and every message costs.
    if (writtenBytes - this.#postedBytes >= SPAN_BYTES) this.#post();
  }

  async catchUp(maxLagBytes = MAX_LAG_BYTES): Promise<void> {
    // The last part of a span is hashed by finish.
    const spans = this.#writtenBytes - (this.#writtenBytes % SPAN_BYTES);
    const atBytes = Math.min(this.#writtenBytes - maxLagBytes, spans);
    if (this.#call !== undefined && this.#failure === undefined && this.#hashedBytes < atBytes) {
      await new Promise<void>((resolve) => {
        this.#waiters = [...this.#waiters, { atBytes, resolve }];
        this.#post();
      });
    }
    await this.#local?.catchUp(maxLagBytes);
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async finish(): Promise<string> {
    this.#isLast = true;
    this.#post();
    try {
      if (this.#md5 !== undefined) return await this.#md5;
    } catch (error) {
      if (this.#local === undefined) throw error;
    }
    return await this.#startHere().finish();
  }

  async stop(): Promise<void> {
    this.#call?.stop();
    await this.#md5?.catch(() => undefined);
    await this.#local?.stop();
  }

  #start(): void {
    const thread = this.#takeThread();
    if (thread === undefined) {
      this.#startHere();
      return;
    }
    const onProgress = (hashedBytes: number) => this.#advanceTo(hashedBytes);
    this.#call = thread.start({ fd: this.#handle.fd }, { onProgress });
    this.#md5 = this.#call.result.then((md5) => {
      if (md5 === null) throw new ShortFileError();
      this.#advanceTo(this.#writtenBytes);
      return md5;
    });
    this.#md5.catch((error: unknown) => {
      // Nothing is lost: all that was written is still in the file.
      const isOfThread = error instanceof ThreadUnavailable || isCcxriError(error, 'process-limit');
      if (isOfThread) this.#startHere();
      else this.#failure = { error };
      this.#wake(Infinity);
    });
  }

  #startHere(): HashFollower {
    if (this.#local === undefined) {
      this.#call = undefined;
      this.#local = followHere(this.#handle, this.#onBytes);
      this.#local.advance(this.#writtenBytes);
    }
    return this.#local;
  }

  #advanceTo(hashedBytes: number): void {
    if (hashedBytes === this.#hashedBytes) return;
    this.#hashedBytes = hashedBytes;
    this.#wake(hashedBytes);
    this.#onBytes?.(hashedBytes);
  }

  #wake(hashedBytes: number): void {
    for (const { atBytes, resolve } of this.#waiters) if (atBytes <= hashedBytes) resolve();
    this.#waiters = this.#waiters.filter(({ atBytes }) => atBytes > hashedBytes);
    if (this.#waiters.length > 0) this.#post();
  }

  #post(): void {
    this.#postedBytes = this.#writtenBytes;
    this.#call?.update({
      writtenBytes: this.#writtenBytes,
      isLast: this.#isLast,
      notifyAtBytes: Math.min(...this.#waiters.map(({ atBytes }) => atBytes)),
    });
  }
}
