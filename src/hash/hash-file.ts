import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { throwIfAborted } from '../abort.ts';
import { CcxriError, toDiskError } from '../errors.ts';
import { changedMeanwhile, closeHandle, noFile, openForReading } from '../fs/paths.ts';
import { LaneMd5, SPAN_BYTES, hasWebAssembly } from './kernel.ts';

/** An MD5 under way. */
export interface Md5 {
  update(bytes: Uint8Array): void;
  /** In lower-case hex. The MD5 can't be used after this. */
  digest(): string;
}

/**
 * The only place that asks node:crypto for an MD5. Where a host in FIPS mode refuses it, ccxri uses
 * its own: the MD5 finds damage and protects no secret.
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
      next: [
        {
          kind: 'advice',
          text: 'use a Node.js that has WebAssembly (not started as jitless), or one that is not in FIPS mode (its OPENSSL_CONF allows md5)',
        },
      ],
      cause: error,
    });
  }
}

export interface HashOptions {
  /** Checked after each span of 1 MiB. */
  readonly signal?: AbortSignal | undefined;
  /** Called with how many bytes are hashed: after each span, or with a pool ten times a second. */
  readonly onBytes?: ((hashedBytes: number) => void) | undefined;
  /** Hashes the file together with others, in threads. Default: in this thread. */
  readonly pool?: { readonly follow: FollowFile } | undefined;
}

/** A file and the MD5 of its bytes. */
export interface HashedFile {
  readonly path: string;
  readonly bytes: number;
  /** In lower-case hex. */
  readonly md5: string;
}

/**
 * The MD5 of a file as it is on disk.
 * @throws CcxriError `missing`; `occupied`: it is not a regular file; `changed`; of the
 *   disk; `usage`: no MD5 on this host; `aborted`
 */
export async function hashFile(path: string, options: HashOptions = {}): Promise<HashedFile> {
  throwIfAborted(options.signal);
  const handle = await openForReading(path);
  if (handle === null) throw vanished(path);
  try {
    const before = await handle.stat({ bigint: true });
    if (!before.isFile()) throw noFile(path);
    const bytes = Number(before.size);
    const md5 = await hashAll(handle, bytes, options);
    const after = await handle.stat({ bigint: true });
    if (md5 === undefined || after.size !== before.size || after.mtimeNs !== before.mtimeNs) {
      throw changedMeanwhile(path, bytes, Number(after.size));
    }
    return { path, bytes, md5 };
  } catch (error) {
    throw toDiskError(error, 'read', { path });
  } finally {
    await closeHandle(handle, path);
  }
}

/** undefined: the file is shorter than that. Bytes beyond it are not read. */
async function hashAll(
  handle: FileHandle,
  bytes: number,
  { signal, onBytes, pool }: HashOptions,
): Promise<string | undefined> {
  throwIfAborted(signal);
  const follower = pool?.follow(handle, onBytes) ?? followHere(handle, onBytes);
  const stop = () => void follower.stop();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    follower.advance(bytes);
    return await follower.finish();
  } catch (error) {
    throwIfAborted(signal);
    if (error instanceof ShortFileError) return undefined;
    throw error;
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

function vanished(path: string): CcxriError {
  return new CcxriError('missing', `${path} does not exist any more`, {
    path,
    next: [{ kind: 'advice', text: 'check whether another program moved it' }, { kind: 'again' }],
  });
}

/** A writer waits when the hash is further behind, where it might miss the page cache. */
export const MAX_LAG_BYTES = 64 * 1024 * 1024;

/**
 * The MD5 of a growing file as it is on disk: reads back what was written, from the page cache. A
 * write that lost or changed bytes is noticed, and little is left to do after the last byte.
 */
export interface HashFollower {
  /** How far the hash is behind the writer. */
  readonly lagBytes: number;
  /** The file is written without a gap up to here. Hashes on in the background. */
  advance(writtenBytes: number): void;
  /** Waits until the hash is at most this far behind. @throws what failed in the background */
  catchUp(maxLagBytes?: number): Promise<void>;
  /** Hashes the rest. @returns the MD5 of all that was written, in lower-case hex */
  finish(): Promise<string>;
  /** Waits for the read under way, so that the handle can be closed. `finish` fails after this. */
  stop(): Promise<void>;
}

export type OnBytes = HashOptions['onBytes'];
export type FollowFile = (handle: FileHandle, onBytes?: OnBytes) => HashFollower;

/** In this thread. */
export const followHere: FollowFile = (handle, onBytes) => new LocalFollower(handle, onBytes);

/** What was written is not there: another process has cut the file, or the disk has lied. */
export class ShortFileError extends Error {
  override readonly name = 'ShortFileError';
  readonly code = 'EIO';

  constructor() {
    super('the file is shorter than what was written');
  }
}

class LocalFollower implements HashFollower {
  readonly #hash = createMd5();
  readonly #handle: FileHandle;
  readonly #onBytes: OnBytes;
  #span: Buffer | undefined;
  #hashedBytes = 0;
  #writtenBytes = 0;
  #running: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(handle: FileHandle, onBytes?: OnBytes) {
    this.#handle = handle;
    this.#onBytes = onBytes;
  }

  get lagBytes(): number {
    return this.#writtenBytes - this.#hashedBytes;
  }

  advance(writtenBytes: number): void {
    this.#writtenBytes = writtenBytes;
    if (this.#running !== undefined || this.#failure !== undefined) return;
    // Whole spans only: the rest is hashed after another advance, or by finish.
    if (this.lagBytes < SPAN_BYTES) return;
    this.#running = this.#follow(SPAN_BYTES).finally(() => {
      this.#running = undefined;
    });
  }

  async catchUp(maxLagBytes = MAX_LAG_BYTES): Promise<void> {
    while (this.lagBytes > maxLagBytes && this.#running !== undefined) await this.#running;
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async finish(): Promise<string> {
    await this.#running;
    await this.#follow(1);
    if (this.#failure !== undefined) throw this.#failure.error;
    this.#span = undefined;
    return this.#hash.digest();
  }

  async stop(): Promise<void> {
    this.#failure ??= { error: new Error('the hash was stopped') };
    await this.#running;
  }

  async #follow(atLeastBytes: number): Promise<void> {
    try {
      while (this.#failure === undefined && this.lagBytes >= atLeastBytes) await this.#hashSpan();
    } catch (error) {
      this.#failure ??= { error };
    }
  }

  async #hashSpan(): Promise<void> {
    const wanted = Math.min(SPAN_BYTES, this.lagBytes);
    this.#span ??= Buffer.allocUnsafe(wanted);
    const { bytesRead } = await this.#handle.read(this.#span, 0, wanted, this.#hashedBytes);
    if (bytesRead === 0) throw new ShortFileError();
    this.#hash.update(this.#span.subarray(0, bytesRead));
    this.#hashedBytes += bytesRead;
    this.#onBytes?.(this.#hashedBytes);
  }
}
