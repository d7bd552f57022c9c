import { writeSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import type { Worker } from 'node:worker_threads';
import { type ErrorData, fromErrorData } from '../threads/error-data.ts';
import { startWorker as startThread } from '../threads/start-worker.ts';

/**
 * Writes chunks one behind the other, the first of them at a place.
 * @throws an Error with the code of the disk's
 */
export type WriteChunks = (
  handle: FileHandle,
  chunks: readonly Uint8Array[],
  at: number,
) => Promise<void>;

/** With less, a message to another thread costs more than it saves. */
const MIN_BYTES = 128 * 1024;

/** By Node's own means. */
export const writeHere: WriteChunks = writePieces;

/** In a thread, as far as it can and is worth it: what comes in large pieces of shared memory. */
export function writeIn(thread: WriteThread): WriteChunks {
  return async (handle, chunks, at) => {
    if (isForThread(chunks) && (await thread.tryWrite(handle.fd, chunks, at))) return;
    await writeHere(handle, chunks, at);
  };
}

function isForThread(chunks: readonly Uint8Array[]): boolean {
  const bytes = chunks.reduce((sum, { length }) => sum + length, 0);
  return bytes >= MIN_BYTES && chunks.every(({ buffer }) => buffer instanceof SharedArrayBuffer);
}

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

/**
 * Linux takes a write into pages of the largest power of two that it fills: with just under 128 KiB
 * these are of 64 KiB and less, which cost it much less than larger ones (docs/performance.md).
 */
const PIECE_BYTES = 124 * 1024;

/** What of a FileHandle writes, here so that a test can write less than it is asked to. */
interface PlacedWriter {
  write(
    piece: Uint8Array,
    from: number,
    bytes: number,
    at: number,
  ): Promise<{ readonly bytesWritten: number }>;
}

/**
 * Chunks one behind the other. A full disk shows first as a short write without an error, and only
 * then as one.
 * @throws the raw error of the disk
 */
export async function writePieces(
  handle: PlacedWriter,
  chunks: readonly Uint8Array[],
  at: number,
): Promise<void> {
  for (const { piece, place } of piecesOf(chunks, at)) {
    for (let done = 0; done < piece.length;) {
      const left = piece.length - done;
      const { bytesWritten } = await handle.write(piece, done, left, place + done);
      done += bytesWritten;
    }
  }
}

type WriteNow = (
  ...where: [fd: number, piece: Uint8Array, from: number, bytes: number, at: number]
) => number;

/** The same, for a thread that is there for nothing else. @throws the raw error of the disk */
export function writePiecesSync(
  fd: number,
  chunks: readonly Uint8Array[],
  at: number,
  write: WriteNow = writeSync,
): void {
  for (const { piece, place } of piecesOf(chunks, at)) {
    for (let done = 0; done < piece.length;) {
      done += write(fd, piece, done, piece.length - done, place + done);
    }
  }
}

function* piecesOf(
  chunks: readonly Uint8Array[],
  at: number,
): Generator<{ readonly piece: Uint8Array; readonly place: number }> {
  let place = at;
  for (const chunk of chunks) {
    for (let from = 0; from < chunk.length; from += PIECE_BYTES) {
      const piece = chunk.subarray(from, from + PIECE_BYTES);
      yield { piece, place };
      place += piece.length;
    }
  }
}

/** To the thread that writes: some bytes of an open file. */
export interface WriteTask {
  readonly id: number;
  /** Stays open until the task's end is heard. */
  readonly fd: number;
  /** In shared memory, and left alone until then; written one behind the other. */
  readonly chunks: readonly Uint8Array[];
  /** The place of the first byte. */
  readonly at: number;
}

/** From it. */
export type FromWriteThread =
  /** First of all. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly id: number }
  | { readonly kind: 'failed'; readonly id: number; readonly error: ErrorData };
