import { randomBytes } from 'node:crypto';
import { lstat, open, realpath, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { throwIfAborted } from '../abort.ts';
import { whenFilesAreFree } from '../concurrency.ts';
import { errnoOf, toDiskError } from '../errors.ts';
import { closeHandle, isAbsent, makeDirectory, noFile } from './paths.ts';
import { rename } from './rename.ts';

type Chunks = Iterable<string> | AsyncIterable<string>;

export interface WriteOptions {
  /** Where the new file grows; on the same file system as the final one. Default: beside it. */
  readonly temporaryDirectory?: string | undefined;
  /**
   * A link at this path stays, and its target is written, which may be anywhere: only for a path that
   * the user has named. Default: the file replaces it.
   */
  readonly followsLink?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Writes a file whole or not at all: a new file is filled and flushed, then renamed over the old one.
 * @throws CcxriError of the disk; `occupied`: something other than a file is there; `aborted`
 */
export async function writeFileAtomic(
  path: string,
  content: string | Chunks,
  { temporaryDirectory, followsLink = false, signal }: WriteOptions = {},
): Promise<void> {
  try {
    const target = await targetOf(path, followsLink);
    const directory = temporaryDirectory ?? dirname(target);
    await makeDirectory(directory);
    await makeDirectory(dirname(target));
    // `dataset/sweep` knows these names: it removes what a killed run has left.
    const name = `.${basename(target)}.${randomBytes(6).toString('hex')}.tmp`;
    const temporary = join(directory, name);
    try {
      await fill(temporary, typeof content === 'string' ? [content] : content, signal);
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

/**
 * Where the rename goes. Never over something that is not a file: as root, a rename onto /dev/null
 * would replace the device for the whole machine.
 */
async function targetOf(path: string, followsLink: boolean): Promise<string> {
  try {
    const stats = await (followsLink ? stat(path) : lstat(path));
    if (stats.isSymbolicLink()) return path;
    if (stats.isFile()) return followsLink ? await realpath(path) : path;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || (isAbsent(error) && !followsLink)) return path;
    throw error;
  }
  throw noFile(path, 'a file, or nothing');
}

/** Checks the length before the rename, so that a truncated file never replaces a good one. */
async function fill(path: string, chunks: Chunks, signal: AbortSignal | undefined): Promise<void> {
  const handle = await whenFilesAreFree(() => open(path, 'wx'));
  try {
    let written = 0;
    for await (const chunk of chunks) {
      throwIfAborted(signal);
      const bytes = Buffer.from(chunk);
      // Loops on short writes: a full disk gives one without an error.
      await handle.appendFile(bytes);
      written += bytes.length;
    }
    if ((await handle.stat()).size !== written) {
      throw Object.assign(new Error('the file is shorter than written'), { code: 'ENOSPC' });
    }
    await syncFile(handle);
  } finally {
    await handle.close();
  }
  throwIfAborted(signal);
}

/**
 * Errors of file systems that cannot flush (some network shares): that is no failure of the write. EPERM: Windows
 * flushes nothing that is open for reading alone, and a directory never is otherwise.
 */
const CANNOT_SYNC = new Set(['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOTTY', 'ENOSYS', 'EPERM']);

export function cannotSync(error: unknown): boolean {
  return CANNOT_SYNC.has(errnoOf(error) ?? '');
}

/** Flushes a file to the disk, where its file system can. */
export async function syncFile(handle: { sync(): Promise<void> }): Promise<void> {
  try {
    await handle.sync();
  } catch (error) {
    if (!cannotSync(error)) throw error;
  }
}

/** Makes a rename in this directory durable; not every system lets a directory be opened. */
export async function syncDirectory(path: string): Promise<void> {
  let handle;
  try {
    handle = await whenFilesAreFree(() => open(path, 'r'));
  } catch (error) {
    if (['EISDIR', 'EPERM', 'EACCES'].includes(errnoOf(error) ?? '')) return;
    throw error;
  }
  try {
    await syncFile(handle);
  } finally {
    await closeHandle(handle, path);
  }
}
