import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { throwIfAborted } from '../abort.ts';
import { CcxriError, errnoOf, toDiskError } from '../errors.ts';
import { HashUnavailable, ShortFileError } from './hash-errors.ts';
import type { HashPool } from './hash-pool.ts';
import { SPAN_BYTES } from './kernel-layout.ts';
import { hasWebAssembly } from './kernel.ts';
import { LaneMd5 } from './lanes.ts';
import { changedMeanwhile, noFile } from '../fs/path-errors.ts';

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
  readonly onBytes?: (doneBytes: number) => void;
  /** Hashes it in a thread, together with other files. Default: here. */
  readonly pool?: HashPool | undefined;
}

export interface HashedFile {
  /** In lower-case hex. */
  readonly md5: string;
  readonly bytes: number;
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
  return { md5, bytes };
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
