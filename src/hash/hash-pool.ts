import { availableParallelism } from 'node:os';
import type { Worker } from 'node:worker_threads';
import { startWorker as startThread } from '../threads/start-worker.ts';
import { LANES, LANES_A_GROUP, SPAN_BYTES, hasWebAssembly } from './kernel.ts';

export interface HashPoolOptions {
  /** At most. Default: as many as there are processors, and no more than 3. */
  readonly threads?: number | undefined;
  readonly startWorker?: (() => Worker) | undefined;
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

/** A thread that hashes many files at once. It keeps the process alive only while it has some. */
export class HashThread {
  readonly #worker: Worker;
  readonly #jobs = new Map<number, HashJob>();
  readonly #gone: Promise<void>;
  #lastId = 0;
  #hasStarted = false;
  #isClosing = false;
  #isGone = false;
  #failure: unknown;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.unref();
    worker.on('message', (message: FromHashThread) => this.#hear(message));
    worker.on('error', (error: unknown) => {
      this.#failure = error;
    });
    this.#gone = new Promise((resolve) => {
      worker.on('exit', () => {
        this.#end();
        resolve();
      });
    });
  }

  /** Files under way. */
  get load(): number {
    return this.#jobs.size;
  }

  /** It has died, or was closed. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /** It has died before it could do anything. */
  get isUnavailable(): boolean {
    return this.#isGone && !this.#hasStarted && !this.#isClosing;
  }

  /** @param onBytes hears about ten times a second how much is hashed */
  start(fd: number, onBytes?: (hashedBytes: number) => void): HashJob {
    this.#lastId += 1;
    const id = this.#lastId;
    const job = new HashJob(id, (message) => this.#post(message), onBytes);
    this.#jobs.set(id, job);
    this.#worker.ref();
    this.#post({ kind: 'start', id, fd });
    return job;
  }

  /** Ends the thread; what it has not finished fails. */
  async close(): Promise<void> {
    this.#isClosing = true;
    // Not `terminate`'s own promise: the jobs must know before anybody goes on.
    void this.#worker.terminate();
    await this.#gone;
  }

  #post(message: ToHashThread): void {
    this.#worker.postMessage(message);
  }

  #hear(message: FromHashThread): void {
    this.#hasStarted = true;
    if (message.kind === 'ready') return;
    const job = this.#jobs.get(message.id);
    job?.hear(message);
    if (job?.isOver === true) this.#jobs.delete(message.id);
    if (this.#jobs.size === 0) this.#worker.unref();
  }

  #end(): void {
    this.#isGone = true;
    const text = 'a thread that computes MD5s has ended';
    const cause = this.#failure;
    const error = this.isUnavailable
      ? new HashUnavailable(text, { cause })
      : new Error(text, { cause });
    for (const job of this.#jobs.values()) job.fail(error);
    this.#jobs.clear();
  }
}

type End =
  | { readonly kind: 'done'; readonly md5: string }
  | { readonly kind: 'failed'; readonly error: Error };

/**
 * The MD5 of a file that a thread hashes, of its bytes as they lie on disk: whole, or behind a
 * writer. The file must stay open until `finish` or `stop` has ended.
 */
export class HashJob {
  readonly #id: number;
  readonly #post: (message: ToHashThread) => void;
  readonly #onBytes: ((hashedBytes: number) => void) | undefined;
  #writtenBytes = 0;
  /** As the thread knows it. */
  #postedBytes = 0;
  #hashedBytes = 0;
  #tellAtBytes = Infinity;
  #end: End | undefined;
  /** What the listener has thrown: the thread has yet to hear of it. */
  #thrown: Error | undefined;
  #waiting: (() => void)[] = [];

  constructor(
    id: number,
    post: (message: ToHashThread) => void,
    onBytes?: (hashedBytes: number) => void,
  ) {
    this.#id = id;
    this.#post = post;
    this.#onBytes = onBytes;
  }

  /** How far the hash is behind the writer, at most. */
  get lagBytes(): number {
    return this.#writtenBytes - this.#hashedBytes;
  }

  /** The thread reads the file no more. */
  get isOver(): boolean {
    return this.#end !== undefined;
  }

  /** The file is written without a gap up to here. */
  advance(writtenBytes: number): void {
    this.#writtenBytes = writtenBytes;
    // The thread takes whole spans, and every message costs.
    if (writtenBytes - this.#postedBytes >= SPAN_BYTES) this.#tellThread(false);
  }

  /** Waits until the hash is at most so far behind; the rest of a span comes with the next ones. */
  async catchUp(maxLagBytes: number): Promise<void> {
    const spans = this.#writtenBytes - (this.#writtenBytes % SPAN_BYTES);
    const wantedBytes = Math.min(this.#writtenBytes - maxLagBytes, spans);
    if (!this.#isAt(wantedBytes)) {
      this.#tellAtBytes = wantedBytes;
      this.#tellThread(false);
      while (!this.#isAt(wantedBytes)) await this.#news();
      this.#tellAtBytes = Infinity;
    }
    if (this.#end?.kind === 'failed') throw this.#end.error;
  }

  /** @returns the MD5 of all that was written, in lower-case hex */
  async finish(): Promise<string> {
    if (!this.isOver) this.#tellThread(true);
    while (this.#end === undefined) await this.#news();
    if (this.#end.kind === 'failed') throw this.#end.error;
    return this.#end.md5;
  }

  /** Waits until the thread reads the file no more; `finish` has no result then. */
  async stop(): Promise<void> {
    if (!this.isOver) this.#post({ kind: 'stop', id: this.#id });
    while (!this.isOver) await this.#news();
  }

  /** The thread's word. */
  hear(message: Exclude<FromHashThread, { readonly kind: 'ready' }>): void {
    switch (message.kind) {
      case 'progress':
        this.#advanceTo(message.hashedBytes);
        break;
      case 'done':
        this.#advanceTo(this.#writtenBytes);
        this.#end = this.#failedOr({ kind: 'done', md5: message.md5 });
        break;
      case 'short':
        this.#end = { kind: 'failed', error: new ShortFileError() };
        break;
      case 'failed': {
        const { code } = message;
        this.#end = { kind: 'failed', error: Object.assign(new Error(message.message), { code }) };
        break;
      }
      case 'stopped':
        this.#end = this.#failedOr({ kind: 'failed', error: new Error('the hash was stopped') });
    }
    this.#wake();
  }

  /** The thread is gone. */
  fail(error: Error): void {
    this.#end ??= { kind: 'failed', error };
    this.#wake();
  }

  #isAt(hashedBytes: number): boolean {
    return this.isOver || this.#hashedBytes >= hashedBytes;
  }

  #advanceTo(hashedBytes: number): void {
    if (hashedBytes === this.#hashedBytes) return;
    this.#hashedBytes = hashedBytes;
    try {
      this.#onBytes?.(hashedBytes);
    } catch (error) {
      // It must reach who has asked for the hash, not whoever hears the thread's messages.
      this.#thrown ??= error instanceof Error ? error : new Error(String(error));
      this.#post({ kind: 'stop', id: this.#id });
    }
  }

  #failedOr(end: End): End {
    return this.#thrown === undefined ? end : { kind: 'failed', error: this.#thrown };
  }

  #tellThread(isLast: boolean): void {
    this.#postedBytes = this.#writtenBytes;
    this.#post({
      kind: 'advance',
      id: this.#id,
      writtenBytes: this.#writtenBytes,
      isLast,
      tellAtBytes: this.#tellAtBytes,
    });
  }

  #news(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** No thread could be started: whoever asked can hash by itself. */
export class HashUnavailable extends Error {
  override readonly name = 'HashUnavailable';
}

/** What was written is not there: another process has cut the file, or the disk has lied. */
export class ShortFileError extends Error {
  override readonly name = 'ShortFileError';
  readonly code = 'EIO';

  constructor() {
    super('the file is shorter than what was written');
  }
}

/** To a thread that hashes. `id` names a file; its descriptor stays open until its end is heard. */
export type ToHashThread =
  | { readonly kind: 'start'; readonly id: number; readonly fd: number }
  | {
      readonly kind: 'advance';
      readonly id: number;
      /** The file is written without a gap up to here. */
      readonly writtenBytes: number;
      /** That is all of it. */
      readonly isLast: boolean;
      /** Hurry, and tell when so much is hashed; Infinity: nobody waits. */
      readonly tellAtBytes: number;
    }
  | { readonly kind: 'stop'; readonly id: number };

/** From it. After `done`, `short`, `failed` or `stopped` it reads the file no more. */
export type FromHashThread =
  /** First of all. */
  | { readonly kind: 'ready' }
  /** About ten a second at most, and where it was asked for. */
  | { readonly kind: 'progress'; readonly id: number; readonly hashedBytes: number }
  | { readonly kind: 'done'; readonly id: number; readonly md5: string }
  /** The file ends before what was said to be written. */
  | { readonly kind: 'short'; readonly id: number }
  | {
      readonly kind: 'failed';
      readonly id: number;
      /** The errno's name, as `EIO`. */
      readonly code: string | undefined;
      readonly message: string;
    }
  | { readonly kind: 'stopped'; readonly id: number };
