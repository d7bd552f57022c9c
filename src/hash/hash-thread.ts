import type { Worker } from 'node:worker_threads';
import { HashUnavailable } from './hash-errors.ts';
import { HashJob } from './hash-job.ts';
import type { FromHashThread, ToHashThread } from './hash-messages.ts';

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
