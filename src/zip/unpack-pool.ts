import { availableParallelism } from 'node:os';
import type { Worker } from 'node:worker_threads';
import { throwIfAborted } from '../abort.ts';
import { forEachAtOnce } from '../concurrency.ts';
import { type ErrorData, fromErrorData } from '../threads/error-data.ts';
import { startWorker as startWorkerOf } from '../threads/worker.ts';
import type { Member } from './directory.ts';
import type { OpenArchive } from './inflate.ts';

export interface UnpackPoolOptions {
  /**
   * At most. Default: as many as there are processors, and one more for those that wait for the disk;
   * no more than 5.
   */
  readonly threads?: number | undefined;
  /** What unpacks to less is done sooner than a thread is started. Default 8 MiB. */
  readonly minBytes?: number | undefined;
  readonly startWorker?: (() => Worker) | undefined;
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

/** A thread that unpacks. It keeps the process alive only while it works. */
export class UnpackThread {
  readonly #worker: Worker;
  /** Rejects where it has died before it could do anything. */
  readonly ready: Promise<void>;
  readonly #gone: Promise<void>;
  #isGone = false;
  #failure: unknown;
  #task: RunningTask | undefined;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.on('error', (error: unknown) => {
      this.#failure = error;
    });
    this.ready = new Promise((resolve, reject) => {
      worker.on('message', (message: FromUnpackThread) => {
        if (message.kind === 'ready') {
          worker.unref();
          resolve();
        } else this.#hear(message);
      });
      worker.on('exit', () => reject(this.#death()));
    });
    this.#gone = new Promise((resolve) => {
      worker.on('exit', () => {
        this.#isGone = true;
        this.#end((task) => task.reject(this.#death()));
        resolve();
      });
    });
  }

  /** It has died, or was closed. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /**
   * Gives it a task; it must have none.
   * @param onBytes hears about ten times a second how many bytes more are unpacked
   * @returns false: it was stopped
   * @throws what the task meets; an Error where the thread dies of it
   */
  run(task: UnpackTask, onBytes: (bytes: number) => void): Promise<boolean> {
    return new Promise((resolve, reject) => {
      if (this.#isGone) {
        reject(this.#death());
        return;
      }
      this.#task = { resolve, reject, stop: task.stop, onBytes, toldBytes: 0 };
      this.#worker.ref();
      this.#worker.postMessage(task);
    });
  }

  /** Ends the thread; its task fails. */
  async close(): Promise<void> {
    void this.#worker.terminate();
    await this.#gone;
  }

  #hear(message: Exclude<FromUnpackThread, { readonly kind: 'ready' }>): void {
    switch (message.kind) {
      case 'progress':
        this.#progress(message.doneBytes);
        break;
      case 'done':
        this.#end((task) => task.resolve(true));
        break;
      case 'stopped':
        this.#end((task) => task.resolve(false));
        break;
      case 'failed':
        this.#end((task) => task.reject(fromErrorData(message.error)));
    }
  }

  /** A listener that throws fails the task; but the thread is busy with that until it ends. */
  #progress(doneBytes: number): void {
    const task = this.#task;
    if (task === undefined || task.failure !== undefined) return;
    try {
      task.onBytes(doneBytes - task.toldBytes);
      task.toldBytes = doneBytes;
    } catch (error) {
      task.failure = { error };
      Atomics.store(task.stop, 0, 1);
    }
  }

  #end(how: (task: RunningTask) => void): void {
    const task = this.#task;
    this.#task = undefined;
    if (!this.#isGone) this.#worker.unref();
    if (task?.failure !== undefined) task.reject(task.failure.error);
    else if (task !== undefined) how(task);
  }

  #death(): Error {
    return new Error('a thread that unpacks has ended', { cause: this.#failure });
  }
}

interface RunningTask {
  readonly resolve: (isDone: boolean) => void;
  readonly reject: (error: unknown) => void;
  readonly stop: Int32Array;
  readonly onBytes: (bytes: number) => void;
  toldBytes: number;
  failure?: { readonly error: unknown };
}

/** A thread is given so much at a time; less where an archive would be done by some threads alone. */
const MAX_SHARE_BYTES = 32 * 1024 * 1024;
const MIN_SHARE_BYTES = 4 * 1024 * 1024;
/** Its files are open until all of them are written. */
const MAX_SHARE_MEMBERS = 64;

/**
 * Members in shares, neighbours together.
 * @param threads that there are for them
 */
export function sharesOf(
  members: readonly Member[],
  threads: number,
): readonly (readonly Member[])[] {
  const totalBytes = members.reduce((bytes, member) => bytes + bytesOf(member), 0);
  const wantedBytes = Math.ceil(totalBytes / (2 * threads));
  const shareBytes = Math.min(MAX_SHARE_BYTES, Math.max(MIN_SHARE_BYTES, wantedBytes));
  const shares: Member[][] = [];
  let bytes = Infinity;
  for (const member of members) {
    let share = shares.at(-1);
    if (share === undefined || bytes >= shareBytes || share.length >= MAX_SHARE_MEMBERS) {
      share = [];
      shares.push(share);
      bytes = 0;
    }
    share.push(member);
    bytes += bytesOf(member);
  }
  return shares;
}

/** What takes time. */
function bytesOf({ size, compressedSize }: Member): number {
  return Math.max(size, compressedSize);
}

/** To a thread that unpacks: some members of an archive. It has one such task at a time. */
export interface UnpackTask {
  /** The archive's manifest name, for the errors. */
  readonly file: string;
  readonly path: string;
  /** Of the archive; stays open until the task's end is heard. */
  readonly fd: number;
  readonly members: readonly Member[];
  /** The folder that their names are below, and whose folders are there; null: they are only checked. */
  readonly into: string | null;
  /** In shared memory. Not 0: begin no other member. */
  readonly stop: Int32Array;
}

/** From it. */
export type FromUnpackThread =
  /** First of all. */
  | { readonly kind: 'ready' }
  /** About ten a second at most. Unpacked bytes of this task. */
  | { readonly kind: 'progress'; readonly doneBytes: number }
  /** All members are right, and on the disk where they were to be written. */
  | { readonly kind: 'done' }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'failed'; readonly error: ErrorData };
