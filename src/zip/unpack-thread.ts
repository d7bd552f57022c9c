import type { Worker } from 'node:worker_threads';
import { fromErrorData } from '../threads/error-data.ts';
import type { FromUnpackThread, UnpackTask } from './unpack-messages.ts';

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
