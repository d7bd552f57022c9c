import { randomBytes } from 'node:crypto';
import { open, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errnoOf, toDiskError } from '../errors.ts';
import { makeDirectory } from './paths.ts';
import { noFile } from './path-errors.ts';

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
