import type { FileHandle } from 'node:fs/promises';
import { createMd5 } from './md5.ts';

/** Read back in spans of this size: large enough for the disk, small enough for the memory. */
const SPAN_BYTES = 1024 * 1024;

/** The writer waits when the hash is further behind than this: it must read from the page cache. */
const MAX_LAG_BYTES = 64 * 1024 * 1024;

/**
 * The MD5 of a growing file, of its bytes as they lie on disk: it reads back behind the writer,
 * from the page cache. A write that lied (right length, other bytes) therefore cannot pass, and
 * no pass over the file is left to do after its last byte.
 */
export class HashFollower {
  readonly #hash = createMd5();
  readonly #handle: FileHandle;
  #span: Buffer | undefined = Buffer.allocUnsafe(SPAN_BYTES);
  #hashedBytes = 0;
  #writtenBytes = 0;
  #running: Promise<void> | undefined;
  #failure: Error | undefined;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** How far the hash is behind the writer. */
  get lagBytes(): number {
    return this.#writtenBytes - this.#hashedBytes;
  }

  get hashedBytes(): number {
    return this.#hashedBytes;
  }

  /** The file is written without a gap up to here. Goes on hashing in the background. */
  advance(writtenBytes: number): void {
    this.#writtenBytes = writtenBytes;
    if (this.#running !== undefined || this.#failure !== undefined) return;
    // Whole spans only: the rest comes with the next advance, or at the end.
    if (this.lagBytes < SPAN_BYTES) return;
    this.#running = this.#follow(SPAN_BYTES).finally(() => {
      this.#running = undefined;
    });
  }

  /** Waits until the hash is at most so far behind. */
  async catchUp(maxLagBytes = MAX_LAG_BYTES): Promise<void> {
    while (this.lagBytes > maxLagBytes && this.#running !== undefined) await this.#running;
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Hashes what is left. @returns the MD5 of all that was written, in lower-case hex */
  async finish(): Promise<string> {
    await this.#running;
    await this.#follow(1);
    if (this.#failure !== undefined) throw this.#failure;
    this.#span = undefined;
    return this.#hash.digest();
  }

  /** Waits for the read under way, so that the handle can be closed. */
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
    if (this.#span === undefined) throw new Error('the hash is finished');
    const wanted = Math.min(SPAN_BYTES, this.lagBytes);
    const { bytesRead } = await this.#handle.read(this.#span, 0, wanted, this.#hashedBytes);
    if (bytesRead === 0) {
      // What was written is not there: another process cut the file, or the disk lied.
      throw Object.assign(new Error('the file is shorter than what was written'), { code: 'EIO' });
    }
    this.#hash.update(this.#span.subarray(0, bytesRead));
    this.#hashedBytes += bytesRead;
  }
}
