import type { Worker } from 'node:worker_threads';
import { startWorker as startThread } from '../threads/start-worker.ts';
import { type ThreadCall, WorkerClient, hashThreads } from '../threads/worker.ts';
import { LANES, LANES_A_GROUP, SPAN_BYTES, hasWebAssembly } from './kernel.ts';

/** The messages of a hash thread. A call is a file. */
export interface HashTypes {
  /** Stays open until the call ends. */
  readonly request: { readonly fd: number };
  readonly update: {
    /** The file is written without a gap up to here. */
    readonly writtenBytes: number;
    /** That is all of it. */
    readonly isLast: boolean;
    /** Hurry, and report once this many bytes are hashed. `Infinity`: nobody waits. */
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
    startWorker = () => startThread('hash-worker', import.meta.url),
  }: HashPoolOptions = {}) {
    this.#threads = Array.from(
      { length: threads },
      () => new WorkerClient('hash thread', startWorker),
    );
  }

  /** With this many files at once all threads are as fast as they can be. */
  get lanes(): number {
    return this.#threads.length * LANES;
  }

  /**
   * Begins with an open file; `advance` says how much of it there is.
   * @param onBytes called about ten times a second with how much is hashed
   * @returns undefined: there are no threads, so the caller has to hash the file
   */
  start(fd: number, onBytes?: (hashedBytes: number) => void): HashJob | undefined {
    this.#isUnavailable ||= this.#threads.some(({ isUnavailable }) => isUnavailable);
    if (this.#isUnavailable) return undefined;
    const thread = this.#threads[nextThread(this.#threads.map(({ load }) => load))];
    return thread && new HashJob(thread, fd, onBytes);
  }

  /** Ends all threads. Jobs under way fail; the caller has to hash later files. */
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

/** What was written is not there: another process has cut the file, or the disk has lied. */
export class ShortFileError extends Error {
  override readonly name = 'ShortFileError';
  readonly code = 'EIO';

  constructor() {
    super('the file is shorter than what was written');
  }
}

/**
 * The MD5 of a file as it is on disk, computed in a thread while the file is written. The file must
 * stay open until `finish` or `stop` has settled.
 */
export class HashJob {
  readonly #call: ThreadCall<HashTypes>;
  readonly #md5: Promise<string>;
  readonly #onBytes: ((hashedBytes: number) => void) | undefined;
  #writtenBytes = 0;
  /** As the thread knows it. */
  #postedBytes = 0;
  #hashedBytes = 0;
  #isLast = false;
  #failure: { readonly error: unknown } | undefined;
  #waiters: readonly { readonly atBytes: number; readonly resolve: () => void }[] = [];

  constructor(
    thread: WorkerClient<HashTypes>,
    fd: number,
    onBytes?: (hashedBytes: number) => void,
  ) {
    this.#onBytes = onBytes;
    const onProgress = (hashedBytes: number) => this.#advanceTo(hashedBytes);
    this.#call = thread.start({ fd }, { onProgress });
    this.#md5 = this.#call.result.then((md5) => {
      if (md5 === null) throw new ShortFileError();
      this.#advanceTo(this.#writtenBytes);
      return md5;
    });
    this.#md5.catch((error: unknown) => {
      this.#failure = { error };
      this.#wake(Infinity);
    });
  }

  /** How far the hash is behind the writer, at most. */
  get lagBytes(): number {
    return this.#writtenBytes - this.#hashedBytes;
  }

  /** The file is written without a gap up to here. */
  advance(writtenBytes: number): void {
    this.#writtenBytes = writtenBytes;
    // The thread takes whole spans, and every message costs.
    if (writtenBytes - this.#postedBytes >= SPAN_BYTES) this.#post();
  }

  /** Waits until the hash is at most this far behind, apart from the last part of a span. */
  async catchUp(maxLagBytes: number): Promise<void> {
    const spans = this.#writtenBytes - (this.#writtenBytes % SPAN_BYTES);
    const atBytes = Math.min(this.#writtenBytes - maxLagBytes, spans);
    if (this.#failure === undefined && this.#hashedBytes < atBytes) {
      await new Promise<void>((resolve) => {
        this.#waiters = [...this.#waiters, { atBytes, resolve }];
        this.#post();
      });
    }
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** @returns the MD5 of all that was written, in lower-case hex */
  async finish(): Promise<string> {
    this.#isLast = true;
    this.#post();
    return await this.#md5;
  }

  /** Waits until the thread no longer reads the file; `finish` has no result then. */
  async stop(): Promise<void> {
    this.#call.stop();
    await this.#md5.catch(() => undefined);
  }

  #advanceTo(hashedBytes: number): void {
    if (hashedBytes === this.#hashedBytes) return;
    this.#hashedBytes = hashedBytes;
    this.#wake(hashedBytes);
    if (this.#waiters.length > 0) this.#post();
    this.#onBytes?.(hashedBytes);
  }

  #wake(hashedBytes: number): void {
    for (const { atBytes, resolve } of this.#waiters) if (atBytes <= hashedBytes) resolve();
    this.#waiters = this.#waiters.filter(({ atBytes }) => atBytes > hashedBytes);
  }

  #post(): void {
    this.#postedBytes = this.#writtenBytes;
    this.#call.update({
      writtenBytes: this.#writtenBytes,
      isLast: this.#isLast,
      notifyAtBytes: Math.min(...this.#waiters.map(({ atBytes }) => atBytes)),
    });
  }
}
