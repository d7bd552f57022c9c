import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { throwIfAborted } from '../abort.ts';
import { CcxriError, errnoOf, toDiskError } from '../errors.ts';
import { changedMeanwhile, noFile } from '../fs/paths.ts';
import { type HashJob, type HashPool, HashUnavailable, ShortFileError } from './hash-pool.ts';
import { LaneMd5, SPAN_BYTES, hasWebAssembly } from './kernel.ts';

/** An MD5 under way. */
export interface Md5 {
  update(bytes: Uint8Array): void;
  /** In lower-case hex. The MD5 is over after this. */
  digest(): string;
}

/**
 * The one place that asks node:crypto for an MD5. Where a host in FIPS mode refuses it, the MD5 is
 * ccxri's own: it finds damage, and keeps no secret.
 * @throws CcxriError `usage`: this host has neither
 */
export function createMd5(): Md5 {
  try {
    const hash = createHash('md5');
    return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest('hex') };
  } catch (error) {
    if (hasWebAssembly()) return new LaneMd5();
    throw new CcxriError('usage', 'this host refuses to compute an MD5 (FIPS mode)', {
      expected: 'MD5: the dataset publishes no other checksum',
      hint: 'run ccxri with a Node.js that is not in FIPS mode (without --force-fips, and with an OPENSSL_CONF that allows md5), or that has WebAssembly (without --jitless)',
      cause: error,
    });
  }
}

export interface HashOptions {
  /** Looked at between spans of 1 MiB. */
  readonly signal?: AbortSignal | undefined;
  /** Hears after each span how many bytes are hashed; of a pool about ten times a second. */
  readonly onBytes?: ((doneBytes: number) => void) | undefined;
  /** Hashes it in a thread, together with other files. Default: here. */
  readonly pool?: HashPool | undefined;
}

/** A file and what its bytes hash to. */
export interface HashedFile {
  readonly path: string;
  readonly bytes: number;
  /** In lower-case hex. */
  readonly md5: string;
}

/**
 * The MD5 of a file, of its bytes as they lie on disk.
 * @throws CcxriError `missing`; `occupied`: it is no file, or it changed meanwhile; of the disk;
 *   `usage`: no MD5 on this host; `aborted`
 */
export async function hashFile(path: string, options: HashOptions = {}): Promise<HashedFile> {
  throwIfAborted(options.signal);
  try {
    // Without O_NONBLOCK the open of a named pipe waits for a writer, and nothing could end it.
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      return await hashUnchanged(handle, path, options);
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') throw vanished(path, error);
    throw toDiskError(error, 'read', { path });
  }
}

async function hashUnchanged(
  handle: FileHandle,
  path: string,
  options: HashOptions,
): Promise<HashedFile> {
  const before = await handle.stat({ bigint: true });
  if (!before.isFile()) throw noFile(path);
  const bytes = Number(before.size);
  const md5 = await hashAll(handle, bytes, options);
  const after = await handle.stat({ bigint: true });
  if (md5 === undefined || after.size !== before.size || after.mtimeNs !== before.mtimeNs) {
    throw changedMeanwhile(path, { before: bytes, after: Number(after.size) });
  }
  return { path, bytes, md5 };
}

/** undefined: the file is shorter than that. What grows behind `bytes` is not read. */
async function hashAll(
  handle: FileHandle,
  bytes: number,
  options: HashOptions,
): Promise<string | undefined> {
  throwIfAborted(options.signal);
  // Less than a span is not worth a thread.
  const pool = bytes < SPAN_BYTES ? undefined : options.pool;
  const job = pool?.start(handle.fd, options.onBytes);
  if (job === undefined) return hashHere(handle, bytes, options);
  const stop = () => void job.stop();
  options.signal?.addEventListener('abort', stop);
  try {
    job.advance(bytes);
    return await job.finish();
  } catch (error) {
    throwIfAborted(options.signal);
    if (error instanceof ShortFileError) return undefined;
    if (error instanceof HashUnavailable) return await hashHere(handle, bytes, options);
    throw error;
  } finally {
    options.signal?.removeEventListener('abort', stop);
  }
}

/** Two spans are in memory: one is hashed while the next is read. */
async function hashHere(
  handle: FileHandle,
  bytes: number,
  { signal, onBytes }: HashOptions,
): Promise<string | undefined> {
  const md5 = createMd5();
  const read = async (into: Buffer, at: number) => {
    const { bytesRead } = await handle.read(into, 0, Math.min(into.length, bytes - at), at);
    return into.subarray(0, bytesRead);
  };
  const size = Math.min(SPAN_BYTES, bytes);
  let [current, other] = [Buffer.allocUnsafe(size), Buffer.allocUnsafe(size)];
  let span = await read(current, 0);
  let done = 0;
  while (span.length > 0) {
    throwIfAborted(signal);
    const next = read(other, done + span.length);
    md5.update(span);
    done += span.length;
    span = await next;
    [current, other] = [other, current];
    onBytes?.(done);
  }
  return done === bytes ? md5.digest() : undefined;
}

function vanished(path: string, cause: unknown): CcxriError {
  return new CcxriError('missing', `${path} is not there any more`, {
    path,
    hint: 'look who moved it, then run the same command again',
    cause,
  });
}

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
