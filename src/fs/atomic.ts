import { randomBytes } from 'node:crypto';
import { lstat, open, realpath, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { throwIfAborted } from '../abort.ts';
import { errnoOf, toDiskError } from '../errors.ts';
import { makeDirectory, noFile } from './paths.ts';

type Chunks = Iterable<string> | AsyncIterable<string>;

/**
 * Writes a small file whole or not at all, over whatever file or link is there.
 * @throws CcxriError of the disk; `occupied` where a directory lies
 */
export async function writeFileAtomic(path: string, text: string): Promise<void> {
  try {
    await replace(path, [text], { temporary: join(dirname(path), `.${randomName()}`) });
  } catch (error) {
    if (errnoOf(error) === 'EISDIR') throw noFile(path, 'a file, or nothing', error);
    throw toDiskError(error, 'write', { path });
  }
}

interface WriteStreamOptions {
  /** Where the new file grows; on the same file system as the final one. Default: beside it. */
  readonly temporaryDirectory?: string | undefined;
  /**
   * A link at this path is replaced by the file. Default: it stays, and its target is written, which
   * may be anywhere: only for a path that the user has named.
   */
  readonly replacesLink?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Writes a file of any length whole or not at all; the older file stays as it is until then.
 * @throws CcxriError of the disk; `occupied` where something other than a file lies; `aborted`
 */
export async function writeStreamAtomic(
  path: string,
  chunks: Chunks,
  { temporaryDirectory, replacesLink = false, signal }: WriteStreamOptions = {},
): Promise<void> {
  try {
    const target = await replaceableTarget(path, replacesLink);
    const name = `.${basename(target)}.${randomName()}`;
    const temporary = join(temporaryDirectory ?? dirname(target), name);
    await replace(target, chunks, { temporary, signal });
  } catch (error) {
    throw toDiskError(error, 'write', { path });
  }
}

/** `dataset/sweep` knows these names: it removes what a killed run has left. */
function randomName(): string {
  return `${randomBytes(6).toString('hex')}.tmp`;
}

/** Writes a new file, flushes it, then renames it over the old one. */
async function replace(
  target: string,
  chunks: Chunks,
  { temporary, signal }: { readonly temporary: string; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  await makeDirectory(dirname(temporary));
  await makeDirectory(dirname(target));
  try {
    await fill(temporary, chunks, signal);
    await rename(temporary, target);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  await syncDirectory(dirname(target));
}

/** Checks the length before the rename, so that a truncated file never replaces a good one. */
async function fill(path: string, chunks: Chunks, signal: AbortSignal | undefined): Promise<void> {
  const handle = await open(path, 'wx');
  try {
    let written = 0;
    for await (const chunk of chunks) {
      throwIfAborted(signal);
      const bytes = Buffer.from(chunk);
      // Loops on short writes: a full disk gives one without an error.
      await handle.appendFile(bytes);
      written += bytes.length;
    }
    const { size } = await handle.stat();
    if (size !== written) {
      throw Object.assign(new Error('the file is shorter than written'), { code: 'ENOSPC' });
    }
    await syncFile(handle);
  } finally {
    await handle.close();
  }
  throwIfAborted(signal);
}

/**
 * Where a rename has to go: the target of a link, or the link's own place. Never over something that
 * is not a file: as root, a rename onto /dev/null would replace the device for the whole machine.
 */
async function replaceableTarget(path: string, replacesLink: boolean): Promise<string> {
  try {
    if (replacesLink && (await lstat(path)).isSymbolicLink()) return path;
    if ((await stat(path)).isFile()) return await realpath(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return path;
    throw error;
  }
  throw noFile(path, 'a file, or nothing');
}

/** Errors of file systems that cannot flush. */
const CANNOT_SYNC = new Set(['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOTTY', 'ENOSYS']);

/** Flushes a file to the disk, where its file system can (some network shares have no fsync). */
export async function syncFile(handle: { sync(): Promise<void> }): Promise<void> {
  try {
    await handle.sync();
  } catch (error) {
    if (!cannotSync(error)) throw error;
  }
}

/** Whether a flush failed because the file system has none: that is no failure of the write. */
export function cannotSync(error: unknown): boolean {
  return CANNOT_SYNC.has(errnoOf(error) ?? '');
}

/** Makes a rename in this directory durable; not every system lets a directory be opened. */
export async function syncDirectory(path: string): Promise<void> {
  let handle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    if (['EISDIR', 'EPERM', 'EACCES'].includes(errnoOf(error) ?? '')) return;
    throw error;
  }
  try {
    await syncFile(handle);
  } finally {
    await handle.close();
  }
}
