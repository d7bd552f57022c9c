import { open, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { throwIfAborted } from '../abort.ts';
import { forEachAtOnce, whenFilesAreFree } from '../concurrency.ts';
import type { Resized } from '../dataset/ledger.ts';
import { toDiskError } from '../errors.ts';
import { syncDirectory, syncFile } from '../fs/atomic.ts';
import { type ContentRecord, compareContent } from '../fs/content.ts';
import { lostOnDisk } from '../fs/paths.ts';
import { rename } from '../fs/rename.ts';
import { isImagePath } from '../labels/join.ts';
import { count } from '../text.ts';
import type { Member } from '../zip/directory.ts';
import type { Extraction } from './types.ts';

/** What was made smaller of an archive's members. */
export interface ResizedMembers {
  readonly how: Resized;
  /** By path; a member that is not in it lies there as it was published. */
  readonly contents: ReadonlyMap<string, ContentRecord>;
}

/** Each is decoded in one of the four threads of Node's own pool. */
const AT_ONCE = 4;

/**
 * Makes the images in a stage smaller, which have been checked against the archive. What is no larger, is no
 * image, or can't be decoded stays as it is. Under its name an image is whole at any moment.
 * @returns undefined: nothing was to be resized
 * @throws CcxriError of the disk; `aborted`
 */
export async function resizeStaged(
  folder: string,
  members: readonly Member[],
  { name: file, resizer, context: { signal, onEvent } }: Extraction,
): Promise<ResizedMembers | undefined> {
  if (resizer === undefined) return undefined;
  const contents = new Map<string, ContentRecord>();
  const folders = new Set<string>();
  let undecodable = 0;
  let temporaries = 0;
  await forEachAtOnce(
    members.map(({ name }) => name).filter(isImagePath),
    AT_ONCE,
    async (path) => {
      throwIfAborted(signal);
      const place = join(folder, path);
      try {
        const made = await resizer.resize(await readFile(place));
        if (made === 'undecodable') undecodable += 1;
        else if (made !== 'small') {
          temporaries += 1;
          // Beside the folder: in it a member may have any name.
          const temporary = `${folder}.resized${temporaries}`;
          contents.set(path, await replaceWith(made, place, temporary));
          folders.add(dirname(place));
        }
      } catch (error) {
        throw toDiskError(error, 'resize', { file, path: place });
      }
    },
  );
  // As the unpacking does: the archive may be removed next.
  for (const path of folders) {
    await syncDirectory(path).catch((error: unknown) => {
      throw toDiskError(error, 'flush', { path });
    });
  }
  if (undecodable > 0) {
    const message = `${file}: ${count(undecodable, 'image')} can't be decoded, and can't be resized: as published`;
    onEvent({ event: 'warning', code: 'archive-oddity', file, message });
  }
  return { how: resizer.how, contents };
}

/** Writes, flushes and reads back. */
async function replaceWith(
  bytes: Uint8Array,
  path: string,
  temporary: string,
): Promise<ContentRecord> {
  const written = { bytes: bytes.length, crc32: crc32(bytes) };
  const handle = await whenFilesAreFree(() => open(temporary, 'wx'));
  try {
    await handle.writeFile(bytes);
    await syncFile(handle);
  } finally {
    await handle.close();
  }
  await rename(temporary, path);
  if ((await compareContent(path, written)) !== 'same') throw lostOnDisk(path);
  return written;
}
