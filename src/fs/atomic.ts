import { randomBytes } from 'node:crypto';
import { lstat, mkdir, open, realpath, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { throwIfAborted } from '../abort.ts';
import { errnoOf, toDiskError } from '../errors.ts';
import { makeDirectory, noFile } from './paths.ts';

/**
 * Writes a small file whole or not at all: a new file beside it, flushed, then renamed over it.
 * `FileHandle.writeFile` loops on short writes (a full disk gives one without an error), and the
 * length is looked at before the rename, so a truncated file never replaces a good one.
 * @throws CcxriError of the disk; `occupied` where a directory lies
 */
export async function writeFileAtomic(path: string, text: string): Promise<void> {
  const temporary = join(dirname(path), `.${randomBytes(6).toString('hex')}.tmp`);
  await makeDirectory(dirname(path));
  try {
    const bytes = Buffer.from(text);
    const handle = await open(temporary, 'wx');
    try {
      await handle.writeFile(bytes);
      const { size } = await handle.stat();
      if (size !== bytes.length) {
        throw Object.assign(new Error('the file came out short'), { code: 'ENOSPC' });
      }
      await syncFile(handle);
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
    await syncDirectory(dirname(path));
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    if (errnoOf(error) === 'EISDIR') throw noFile(path, 'a file, or nothing', error);
    throw toDiskError(error, 'write', { path });
  }
}

/** What file systems say that cannot flush. */
const CANNOT_SYNC = new Set(['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOTTY', 'ENOSYS']);

/** Flushes a file to the disk; a file system without fsync (some network shares) is let pass. */
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

/** Makes a rename in this directory last; not every system lets a directory be opened. */
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

interface WriteStreamOptions {
  /** Where the new file grows; on the same file system as the final one. Default: beside it. */
  readonly temporaryDirectory?: string | undefined;
  /**
   * A link in the file's place is replaced by the file. Default: it stays, and what it points to is
   * written, which may lie anywhere: only for a path that the user has named.
   */
  readonly replacesLink?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Writes a file of any length whole or not at all, a chunk at a time: a new file, its length looked
 * at, flushed, then renamed over the old one. The older file stays as it is until then.
 * @throws CcxriError of the disk; `occupied` where something else than a file lies; `aborted`
 */
export async function writeStreamAtomic(
  path: string,
  chunks: Iterable<string> | AsyncIterable<string>,
  options: WriteStreamOptions = {},
): Promise<void> {
  try {
    const target = await replaceableTarget(path, options.replacesLink ?? false);
    const directory = options.temporaryDirectory ?? dirname(target);
    const temporary = join(directory, `.${basename(target)}.${randomBytes(6).toString('hex')}.tmp`);
    await mkdir(directory, { recursive: true });
    await mkdir(dirname(target), { recursive: true });
    try {
      await fill(temporary, chunks, options.signal);
      await rename(temporary, target);
    } catch (error) {
      await unlink(temporary).catch(() => undefined);
      throw error;
    }
    await syncDirectory(dirname(target));
  } catch (error) {
    throw toDiskError(error, 'write', { path });
  }
}

async function fill(
  path: string,
  chunks: Iterable<string> | AsyncIterable<string>,
  signal: AbortSignal | undefined,
): Promise<void> {
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
      throw Object.assign(new Error('the file came out short'), { code: 'ENOSPC' });
    }
    await syncFile(handle);
  } finally {
    await handle.close();
  }
  throwIfAborted(signal);
}

/**
 * Where a rename has to go: the file that a link points to, or the link's own place. Never over something that
 * is no file: as root, a rename onto /dev/null would replace the device for the whole machine.
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
