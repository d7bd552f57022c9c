import type { Worker } from 'node:worker_threads';
import { fromErrorData } from '../threads/error-data.ts';
import { startWorker as startThread } from '../threads/start-worker.ts';
import type { FromWriteThread, WriteTask } from './write-messages.ts';

/**
 * Into the page cache a write takes a millisecond. Where one takes so long, the disk is waited for, and
 * likes several at once: who comes then is better off elsewhere.
 */
const STUCK_MS = 10;

interface Waiting {
  readonly resolve: (isWritten: boolean) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A thread that writes, started when it is first needed; it lasts until `close`, and keeps the process
 * alive only while it writes. Node's own writes go through a pool of threads, which for many small
 * pieces takes more of the processor's time than the writes themselves.
 */
export class WriteThread {
  readonly #startWorker: () => Worker;
  readonly #nowMs: () => number;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #lastId = 0;
  /** Since when it is at the first of those that wait. */
  #sinceMs = 0;
  #hasStarted = false;
  /** There is no thread, and there will be none. */
  #isUnavailable = false;
  #failure: unknown;

  /** @param nowMs a clock that does not jump */
  constructor(
    startWorker = () => startThread('write-worker', import.meta.url),
    nowMs = () => performance.now(),
  ) {
    this.#startWorker = startWorker;
    this.#nowMs = nowMs;
  }

  /**
   * @param fd stays open until the promise settles
   * @param chunks in shared memory, left alone until then; written one behind the other
   * @param at the place of the first byte
   * @returns false: the thread is held up by the disk, or there is none. Nothing counts as written.
   * @throws an Error with the code of the disk's; one where the thread dies
   */
  async tryWrite(fd: number, chunks: readonly Uint8Array[], at: number): Promise<boolean> {
    if (this.#isUnavailable || this.#isStuck) return false;
    const worker = this.#open();
    if (worker === undefined) return false;
    this.#lastId += 1;
    const task: WriteTask = { id: this.#lastId, fd, chunks, at };
    if (this.#waiting.size === 0) this.#sinceMs = this.#nowMs();
    return await new Promise((resolve, reject) => {
      worker.postMessage(task);
      worker.ref();
      this.#waiting.set(task.id, { resolve, reject });
    });
  }

  /** Ends the thread. What is to be written is waited for by whoever asked for it, before this. */
  async close(): Promise<void> {
    this.#isUnavailable = true;
    await this.#worker?.terminate();
  }

  get #isStuck(): boolean {
    return this.#waiting.size > 0 && this.#nowMs() - this.#sinceMs > STUCK_MS;
  }

  #open(): Worker | undefined {
    if (this.#worker !== undefined) return this.#worker;
    try {
      const worker = this.#startWorker();
      worker.on('message', (message: FromWriteThread) => this.#hear(message));
      worker.on('error', (error: unknown) => {
        this.#failure = error;
      });
      worker.on('exit', () => this.#end());
      this.#worker = worker;
      return worker;
    } catch {
      // The system gives no more threads: it is slower then, and as right.
      this.#isUnavailable = true;
      return undefined;
    }
  }

  #hear(message: FromWriteThread): void {
    this.#hasStarted = true;
    if (message.kind === 'ready') return;
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    this.#sinceMs = this.#nowMs();
    if (this.#waiting.size === 0) this.#worker?.unref();
    if (message.kind === 'done') waiting?.resolve(true);
    else waiting?.reject(fromErrorData(message.error));
  }

  /** Where it could not begin, others can do its work; where it dies later, something is wrong. */
  #end(): void {
    this.#isUnavailable = true;
    const error = new Error('the thread that writes has ended', { cause: this.#failure });
    for (const { resolve, reject } of this.#waiting.values()) {
      if (this.#hasStarted) reject(error);
      else resolve(false);
    }
    this.#waiting.clear();
  }
}
