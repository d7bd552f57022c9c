import { createHash } from 'node:crypto';
import { link, lstat, open, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { forEachAtOnce, whenFilesAreFree } from '../../concurrency.ts';
import { errnoOf, toDiskError } from '../../errors.ts';
import { syncFile } from '../../fs/atomic.ts';
import { makeDirectory } from '../../fs/paths.ts';
import { imagePath } from '../image-name.ts';
import type { ExportImage, ExportedImage, Exporter } from '../types.ts';

/** Images that a run which was stopped may have to write again. */
const SHARD_IMAGES = 1000;

/** Each image is flushed: while one waits for the disk, others are written. */
const AT_ONCE = 4;

/**
 * The part of an exporter that gives each image a file, `ChestDx-1/patient1_000.jpg` below a folder: a hard
 * link to the image of the dataset where it goes as it is and the disk allows it, new bytes else.
 * @param folderOf the folder of a split's images, relative to the export
 */
export function imageFiles(
  folderOf: (split: string | undefined) => string,
): Pick<Exporter, 'readsAhead' | 'linksFiles' | 'writeShard'> {
  return {
    readsAhead: true,
    linksFiles: true,
    writeShard: async (images, { directory, split, noteImage }) => {
      const folder = folderOf(split);
      let turn: Promise<ExportImage | undefined> = Promise.resolve(undefined);
      // One after the other, though several are written at once.
      const take = () => (turn = turn.then(() => images.next()));
      await forEachAtOnce(Array(SHARD_IMAGES).keys(), AT_ONCE, async () => {
        const image = await take();
        if (image === undefined) return;
        const path = `${folder}/${imagePath(image)}`;
        const written = await put(image, join(directory, path));
        if (written !== undefined) noteImage({ path, ...written });
      });
    },
  };
}

type Written = Omit<ExportedImage, 'path'>;

/** @returns undefined: the image can't be read */
async function put(
  { file, read, giveBack }: ExportImage,
  path: string,
): Promise<Written | undefined> {
  const linked = file === undefined ? undefined : await linkTo(file, path);
  if (linked !== undefined) return linked;
  const content = await read();
  if (content === undefined) return undefined;
  try {
    await make(path, () => writeNew(path, content));
  } catch (error) {
    throw toDiskError(error, 'write', { path });
  }
  const sha256 = createHash('sha256').update(content).digest('hex');
  giveBack();
  return { bytes: content.length, sha256 };
}

/** Where there can be no link, for whatever reason, the image is copied: if that fails too, it says why. */
async function linkTo(file: string, path: string): Promise<Written | undefined> {
  try {
    const stats = await lstat(file);
    // A link to a link would lead elsewhere.
    if (!stats.isFile()) return undefined;
    await make(path, () => link(file, path));
    return { bytes: stats.size, sha256: null };
  } catch {
    return undefined;
  }
}

async function writeNew(path: string, content: Uint8Array): Promise<void> {
  const handle = await whenFilesAreFree(() => open(path, 'wx'));
  try {
    await handle.writeFile(content);
    await syncFile({ sync: () => handle.datasync() });
  } finally {
    await handle.close();
  }
}

/**
 * Makes a file in place of one that an earlier run has left, which is never written to: it may be a link to
 * an image of the dataset.
 */
async function make(path: string, create: () => Promise<void>, triesLeft = 2): Promise<void> {
  try {
    await create();
  } catch (error) {
    const errno = errnoOf(error);
    if (triesLeft === 0 || (errno !== 'ENOENT' && errno !== 'EEXIST')) throw error;
    if (errno === 'ENOENT') await makeDirectory(dirname(path));
    else await unlink(path);
    await make(path, create, triesLeft - 1);
  }
}
