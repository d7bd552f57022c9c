import { rmdir } from 'node:fs/promises';
import { errnoOf } from '../errors.ts';

/** What says that a directory is not ours to remove: something lies in it, or it is gone. */
const LEFT = ['ENOTEMPTY', 'EEXIST', 'ENOENT', 'ENOTDIR', 'EBUSY', 'EACCES', 'EPERM', 'EROFS'];

/**
 * Removes directories, one after the other, that a run has made and put nothing into. The first that
 * is not empty, or can't be removed, stays, and so do those behind it.
 */
export async function removeEmpty(paths: readonly string[]): Promise<void> {
  try {
    for (const path of paths) await rmdir(path);
  } catch (error) {
    if (!LEFT.includes(errnoOf(error) ?? '')) throw error;
  }
}
