import { closeSync, openSync } from 'node:fs';
import { createRequire } from 'node:module';
import { devNull } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Worker, type WorkerOptions } from 'node:worker_threads';
import { toLimitError } from '../errors.ts';
import { type ErrorData, fromErrorData } from './error-data.ts';

/**
 * Starts a thread with the code of a file next to the caller's: a module of the sources or of the
 * library, or an entry among the program's chunks.
 * @param name of that file, without its extension
 * @param beside the caller's `import.meta.url`
 */
export function startWorker(name: string, beside: string): Worker {
  assertRoomForFiles();
  const options: WorkerOptions = {
    name: `ccxri-${name}`,
    // Not the options of the program itself: a worker fails with `--input-type` and the like.
    execArgv: [],
  };
  if (!beside.endsWith('.ts')) return new Worker(new URL(`./${name}.js`, beside), options);
  return new Worker(fromSource(fileURLToPath(new URL(`./${name}.ts`, beside))), {
    ...options,
    eval: true,
  });
}

/** The code of threads that were started from source, by file. */
const builtFrom = new Map<string, string>();

/**
 * From source, in tests: Node 20 runs no TypeScript, and a worker has none of vitest's loaders. To load each module
 * through tsx would take each thread ten times as long as this bundle, which is made once.
 */
function fromSource(path: string): string {
  let code = builtFrom.get(path);
  if (code === undefined) {
    // Only here: who installs ccxri has no esbuild.
    const load: (name: 'esbuild') => typeof import('esbuild') = createRequire(import.meta.url);
    const { outputFiles } = load('esbuild').buildSync({
      entryPoints: [path],
      bundle: true,
      write: false,
      platform: 'node',
      target: 'node20.19',
    });
    code = outputFiles.map(({ text }) => text).join('');
    builtFrom.set(path, code);
  }
  return code;
}

/** A thread itself opens four, and its work some more; the rest is left to the others. */
const FILES_FOR_A_THREAD = 32;

/** @throws the system's error: the process may not open as many files any more as a thread takes */
function assertRoomForFiles(): void {
  const opened: number[] = [];
  try {
    while (opened.length < FILES_FOR_A_THREAD) opened.push(openSync(devNull, 'r'));
  } finally {
    for (const fd of opened) closeSync(fd);
  }
}

/** The messages of one kind of thread. */
export interface ThreadTypes {
  /** Begins a call. */
  readonly request: unknown;
  /** Sent to a call under way. */
  readonly update: unknown;
  /** Sent by a call under way. */
  readonly progress: unknown;
  /** Ends a call. */
  readonly result: unknown;
}

/** To the thread. `id` names a call. */
export type ToThread<T extends ThreadTypes> =
  | {
      readonly kind: 'request';
      readonly id: number;
      readonly request: T['request'];
      /** Shared memory: 1 once the call is to stop. */
      readonly stopFlag: Int32Array;
    }
  | { readonly kind: 'update'; readonly id: number; readonly update: T['update'] }
  | { readonly kind: 'stop'; readonly id: number };

/** From the thread. `done`, `stopped` and `failed` end a call; the thread no longer uses its files. */
export type FromThread<T extends ThreadTypes> =
  /** The first message. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'progress'; readonly id: number; readonly progress: T['progress'] }
  | { readonly kind: 'done'; readonly id: number; readonly result: T['result'] }
  | { readonly kind: 'stopped'; readonly id: number }
  | { readonly kind: 'failed'; readonly id: number; readonly error: ErrorData };

/** The thread could not be started and has done nothing: the caller can work in its own thread. */
export class ThreadUnavailable extends Error {
  override readonly name = 'ThreadUnavailable';
}

/** The call was stopped before its end. */
export class ThreadStopped extends Error {
  override readonly name = 'ThreadStopped';
}

export interface CallOptions<T extends ThreadTypes> {
  /** If it throws, the call is stopped and fails with that error. */
  readonly onProgress?: ((progress: T['progress']) => void) | undefined;
  /** Stops the call. */
  readonly signal?: AbortSignal | undefined;
}

export interface ThreadCall<T extends ThreadTypes> {
  /**
   * Settles once the thread no longer uses the files of the call, which can be closed then. A failure
   * may be ignored.
   * @throws ThreadUnavailable; ThreadStopped; what the thread threw; an Error if the thread exits
   */
  readonly result: Promise<T['result']>;
  readonly update: (update: T['update']) => void;
  /** Asks the thread to stop. */
  readonly stop: () => void;
}

interface PendingCall<T extends ThreadTypes> extends CallOptions<T> {
  readonly resolve: (result: T['result']) => void;
  readonly reject: (error: unknown) => void;
  readonly stop: () => void;
  /** What `onProgress` has thrown. */
  thrown?: { readonly error: unknown };
}

/**
 * One worker thread: started by its first call, and again by the next call after it has died. It
 * keeps the process alive only while calls are under way.
 */
export class WorkerClient<T extends ThreadTypes> {
  readonly #name: string;
  readonly #startWorker: () => Worker;
  readonly #calls = new Map<number, PendingCall<T>>();
  #worker: Worker | undefined;
  #exit: Promise<void> | undefined;
  #lastId = 0;
  #isUnavailable = false;
  #isClosed = false;

  /** @param name for messages: `hash thread` */
  constructor(name: string, startWorker: () => Worker) {
    this.#name = name;
    this.#startWorker = startWorker;
  }

  /** The number of calls under way. */
  get load(): number {
    return this.#calls.size;
  }

  /** The thread could not be started. */
  get isUnavailable(): boolean {
    return this.#isUnavailable;
  }

  start(request: T['request'], options: CallOptions<T> = {}): ThreadCall<T> {
    const { signal } = options;
    this.#lastId += 1;
    const id = this.#lastId;
    const stopFlag = new Int32Array(new SharedArrayBuffer(4));
    const post = (message: ToThread<T>) => this.#worker?.postMessage(message);
    const stop = () => {
      Atomics.store(stopFlag, 0, 1);
      post({ kind: 'stop', id });
    };
    const result = new Promise<T['result']>((resolve, reject) => {
      this.#calls.set(id, { ...options, resolve, reject, stop });
    }).finally(() => signal?.removeEventListener('abort', stop));
    // Without this, a failure of a call that nobody awaits would end the process.
    result.catch(() => undefined);
    this.#open();
    post({ kind: 'request', id, request, stopFlag });
    if (signal?.aborted === true) stop();
    else signal?.addEventListener('abort', stop);
    return { result, stop, update: (update) => post({ kind: 'update', id, update }) };
  }

  /** Ends the thread. Calls under way fail, and so do later ones. */
  async close(): Promise<void> {
    this.#isClosed = true;
    // Not the promise of `terminate`: calls must have failed before the caller goes on.
    void this.#worker?.terminate();
    await this.#exit;
  }

  #open(): void {
    try {
      if (!this.#isClosed && !this.#isUnavailable) this.#worker ??= this.#launch();
    } catch (error) {
      // The system gives no more threads.
      this.#isUnavailable = true;
      this.#failAll(error);
    }
    if (this.#worker === undefined) this.#failAll();
    else this.#worker.ref();
  }

  #launch(): Worker {
    const worker = this.#startWorker();
    let isReady = false;
    let failure: unknown;
    worker.on('message', (message: FromThread<T>) => {
      isReady = true;
      if (message.kind !== 'ready') this.#receive(message);
    });
    worker.on('error', (error: unknown) => {
      failure = error;
    });
    this.#exit = new Promise((resolve) => {
      worker.on('exit', () => {
        this.#worker = undefined;
        this.#isUnavailable = !isReady && !this.#isClosed;
        this.#failAll(failure);
        resolve();
      });
    });
    return worker;
  }

  #receive(message: Exclude<FromThread<T>, { readonly kind: 'ready' }>): void {
    const call = this.#calls.get(message.id);
    if (call === undefined) return;
    if (message.kind === 'progress') {
      report(call, message.progress);
      return;
    }
    this.#calls.delete(message.id);
    if (this.#calls.size === 0) this.#worker?.unref();
    if (call.thrown !== undefined) call.reject(call.thrown.error);
    else if (message.kind === 'done') call.resolve(message.result);
    else if (message.kind === 'failed') call.reject(fromErrorData(message.error));
    else call.reject(new ThreadStopped(`the ${this.#name} was stopped`));
  }

  #failAll(cause?: unknown): void {
    const error = this.#exitError(cause);
    for (const { reject, thrown } of this.#calls.values()) reject(thrown?.error ?? error);
    this.#calls.clear();
  }

  #exitError(cause: unknown): Error {
    if (this.#isClosed) return new Error(`the ${this.#name} was closed`, { cause });
    if (!this.#isUnavailable) {
      const error = new Error(`the ${this.#name} exited unexpectedly`, { cause });
      const limit = toLimitError(error, `the ${this.#name} ended: `);
      return limit instanceof Error ? limit : error;
    }
    return new ThreadUnavailable(`the ${this.#name} could not be started`, { cause });
  }
}

function report<T extends ThreadTypes>(call: PendingCall<T>, progress: T['progress']): void {
  if (call.thrown !== undefined) return;
  try {
    call.onProgress?.(progress);
  } catch (error) {
    // The thread still uses the call's files: the call fails when it has stopped.
    call.thrown = { error };
    call.stop();
  }
}
