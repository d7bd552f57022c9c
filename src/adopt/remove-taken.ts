import { lstat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { forEachAtOnce } from '../concurrency.ts';
import { errnoOf } from '../errors.ts';
import type { TakenImage } from './take-images.ts';

/** Files at once: most of it is waiting for a share. */
const FILES_AT_ONCE = 8;

/**
 * Removes found images that are in their place now: those that are still the file that was taken, and that no
 * link of the user has led to. What can't be removed stays.
 * @param root images/<archive>
 */
export async function removeTaken(taken: readonly TakenImage[], root: string): Promise<void> {
  await forEachAtOnce(taken, FILES_AT_ONCE, async ({ find, placed, mtimeMs }) => {
    if (find.place.kind !== 'file' || find.place.isLinked) return;
    try {
      const ourPath = join(root, placed.path);
      const [found, ours] = await Promise.all([lstat(find.path), lstat(ourPath)]);
      const isAsTaken = found.size === placed.size && found.mtimeMs === mtimeMs;
      // Where case does not matter, one file with one name has many paths.
      const isOurs = found.dev === ours.dev && found.ino === ours.ino && found.nlink === 1;
      if (found.isFile() && isAsTaken && !isOurs) await unlink(find.path);
    } catch (error) {
      if (errnoOf(error) === undefined) throw error;
    }
  });
}
