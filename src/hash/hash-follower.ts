import type { FileHandle } from 'node:fs/promises';
import { HashUnavailable, ShortFileError } from './hash-errors.ts';
import type { HashJob } from './hash-job.ts';
import type { HashPool } from './hash-pool.ts';
import { SPAN_BYTES } from './kernel-layout.ts';
import { createMd5 } from './hash-file.ts';

/** The writer waits when the hash is further behind than this: it must read from the page cache. */
const MAX_LAG_BYTES = 64 * 1024 * 1024;

/**
 * The MD5 of a growing file, of its bytes as they lie on disk: it reads back behind the writer,
 * from the page cache. A write that lied (right length, other bytes) therefore cannot pass, and
 * no pass over the file is left to do after its last byte.
 */
export interface HashFollower {
  /** How far the hash is behind the writer. */
  readonly lagBytes: number;
  /** The file is written without a gap up to here. Goes on hashing in the background. */
  advance(writtenBytes: number): void;
  /** Waits until the hash is at most so far behind. @throws what went wrong behind the writer */
  catchUp(maxLagBytes?: number): Promise<void>;
  /** Hashes what is left. @returns the MD5 of all that was written, in lower-case hex */
  finish(): Promise<string>;
  /** Waits for the read under way, so that the handle can be closed. */
  stop(): Promise<void>;
}

export type FollowFile = (handle: FileHandle) => HashFollower;

/** In this thread: for what is too small for another, and where there is no other. */
export const followHere: FollowFile = (handle) => new OwnFollower(handle);

/** In a thread of the pool's, once there is a whole span. */
export function followIn(pool: HashPool): FollowFile {
  return (handle) => new ThreadFollower(handle, pool);
}

class OwnFollower implements HashFollower {
  readonly #hash = createMd5();
  readonly #handle: FileHandle;
  #span: Buffer | undefined;
  #hashedBytes = 0;
  #writtenBytes = 0;
  #running: Promise<void> | undefined;
  #failure: Error | undefined;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  get lagBytes(): number {
    return this.#writtenBytes - this.#hashedBytes;
  }

  advance(writtenBytes: number): void {
    this.#writtenBytes = writtenBytes;
    if (this.#running !== undefined || this.#failure !== undefined) return;
    // Whole spans only: the rest comes with the next advance, or at the end.
    if (this.lagBytes < SPAN_BYTES) return;
    this.#running = this.#follow(SPAN_BYTES).finally(() => {
      this.#running = undefined;
    });
  }

  async catchUp(maxLagBytes = MAX_LAG_BYTES): Promise<void> {
    while (this.lagBytes > maxLagBytes && this.#running !== undefined) await this.#running;
    if (this.#failure !== undefined) throw this.#failure;
  }

  async finish(): Promise<string> {
    await this.#running;
    await this.#follow(1);
    if (this.#failure !== undefined) throw this.#failure;
    this.#span = undefined;
    return this.#hash.digest();
  }

  async stop(): Promise<void> {
    this.#writtenBytes = this.#hashedBytes;
    await this.#running;
  }

  async #follow(atLeastBytes: number): Promise<void> {
    try {
      while (this.lagBytes >= atLeastBytes) await this.#hashSpan();
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error(String(error));
    }
  }

  async #hashSpan(): Promise<void> {
    const wanted = Math.min(SPAN_BYTES, this.lagBytes);
    this.#span ??= Buffer.allocUnsafe(SPAN_BYTES);
    const { bytesRead } = await this.#handle.read(this.#span, 0, wanted, this.#hashedBytes);
    if (bytesRead === 0) throw new ShortFileError();
    this.#hash.update(this.#span.subarray(0, bytesRead));
    this.#hashedBytes += bytesRead;
  }
}

class ThreadFollower implements HashFollower {
  readonly #handle: FileHandle;
  readonly #pool: HashPool;
  #writtenBytes = 0;
  /** undefined: there is too little as yet to be worth a thread. */
  #worker: HashJob | OwnFollower | undefined;

  constructor(handle: FileHandle, pool: HashPool) {
    this.#handle = handle;
    this.#pool = pool;
  }

  get lagBytes(): number {
    return this.#worker?.lagBytes ?? this.#writtenBytes;
  }

  advance(writtenBytes: number): void {
    this.#writtenBytes = writtenBytes;
    if (writtenBytes >= SPAN_BYTES) {
      this.#worker ??= this.#pool.start(this.#handle.fd) ?? this.#startHere();
    }
    this.#worker?.advance(writtenBytes);
  }

  async catchUp(maxLagBytes = MAX_LAG_BYTES): Promise<void> {
    if (this.#worker !== undefined) await this.#ask((worker) => worker.catchUp(maxLagBytes));
  }

  async finish(): Promise<string> {
    this.#worker ??= this.#startHere();
    return await this.#ask((worker) => worker.finish());
  }

  async stop(): Promise<void> {
    await this.#worker?.stop();
  }

  async #ask<T>(question: (worker: HashJob | OwnFollower) => Promise<T>): Promise<T> {
    const worker = this.#worker ?? this.#startHere();
    try {
      return await question(worker);
    } catch (error) {
      if (!(error instanceof HashUnavailable)) throw error;
    }
    // Nothing is lost: all that was written lies there still.
    this.#worker = this.#startHere();
    return await question(this.#worker);
  }

  #startHere(): OwnFollower {
    const own = new OwnFollower(this.#handle);
    own.advance(this.#writtenBytes);
    return own;
  }
}
