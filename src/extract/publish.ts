import { rename } from 'node:fs/promises';
import { imagesPathOf } from '../dataset/layout.ts';
import type { MembersRecord } from '../dataset/ledger-schema.ts';
import { syncDirectory } from '../fs/atomic.ts';
import { CcxriError, errnoOf, toDiskError } from '../errors.ts';
import { assertOnlyOurs } from './existing-images.ts';
import type { ExtractArchiveOptions } from './archive.ts';
import type { Stage } from './stage.ts';
import { findImages, isExtracted } from '../dataset/images.ts';

export interface Publication {
  /** Filled and flushed. */
  readonly stage: Stage;
  readonly record: Omit<MembersRecord, 'ledgerVersion'>;
  /** An incomplete folder of ours stands in the way, and goes. */
  readonly replaces: boolean;
}

/**
 * Gives the images their final name. The ledger knows of them before they appear: a folder that it
 * does not know would be taken for somebody else's.
 * @returns false: another run was faster, with the same images
 * @throws CcxriError `occupied`; of the disk
 */
export async function publishImages(
  { stage, record, replaces }: Publication,
  options: ExtractArchiveOptions,
): Promise<boolean> {
  const { layout, ledger, name } = options;
  const path = imagesPathOf(layout, name);
  if (replaces) {
    // Once more: the extraction has taken its time, and what lies in the folder now will be gone.
    await assertOnlyOurs(await findImages(layout, ledger, name), options);
    // Moved first: with the new record, what is left of the old images might pass for the new ones.
    await move(path, stage.replaced);
  }
  await ledger.writeMembers(record);
  try {
    await rename(stage.images, path);
    await syncDirectory(layout.images);
    return true;
  } catch (error) {
    if (!['EEXIST', 'ENOTEMPTY', 'ENOTDIR'].includes(errnoOf(error) ?? '')) {
      throw toMoveError(error, path);
    }
    if ((await isExtracted(layout, ledger, name)) === 'complete') return false;
    throw new CcxriError('occupied', `${path} is in the way: it appeared during the extraction`, {
      file: name,
      path,
      kept: 'everything in it, as it is',
      hint: `move ${path} away, then run the same command again`,
      cause: error,
    });
  }
}

async function move(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    throw toMoveError(error, from);
  }
}

function toMoveError(error: unknown, path: string): unknown {
  const errno = errnoOf(error) ?? '';
  if (!['EXDEV', 'ENOENT', 'EBUSY'].includes(errno)) return toDiskError(error, 'move', { path });
  return new CcxriError('disk-io', `could not give the images their place at ${path} (${errno})`, {
    path,
    hint: 'let no other program work in the dataset directory, then run the same command again',
    cause: error,
  });
}
