import type { Stats } from 'node:fs';
import { link, lstat, unlink } from 'node:fs/promises';
import { CcxriError, errnoOf, isCcxriError, toDiskError } from '../errors.ts';
import { cannotLink } from '../fs/links.ts';
import { rename } from '../fs/rename.ts';
import { type HashedFile, hashFile } from '../hash/hash-file.ts';

/** What shows that a file is still the one that was read. */
export type FoundFile = Pick<Stats, 'dev' | 'ino' | 'size' | 'mtimeMs'>;

/**
 * Gives a file its final name, never over another file: a link fails if one exists, a rename would
 * replace it. If another run has just placed the same bytes, ours are not needed.
 * @param damaged the file that it replaces, if that is still there
 * @throws CcxriError `occupied`; the raw error of the disk
 */
export async function placeFile(file: HashedFile, to: string, damaged?: FoundFile): Promise<void> {
  if (damaged !== undefined && (await isStill(to, damaged))) {
    await rename(file.path, to);
    return;
  }
  if (!(await tryPlace(file.path, to)) && !(await holds(to, file))) throw occupied(to);
  await unlink(file.path).catch((error: unknown) => {
    if (errnoOf(error) !== 'ENOENT') throw error;
  });
}

async function isStill(path: string, { dev, ino, size, mtimeMs }: FoundFile): Promise<boolean> {
  const now = await lstat(path).catch(() => undefined);
  return now?.dev === dev && now.ino === ino && now.size === size && now.mtimeMs === mtimeMs;
}

async function holds(path: string, content: HashedFile): Promise<boolean> {
  try {
    const there = await hashFile(path);
    return there.md5 === content.md5 && there.bytes === content.bytes;
  } catch (error) {
    // A dangling link, or no file at all.
    if (isCcxriError(error, 'missing', 'occupied', 'changed')) return false;
    throw error;
  }
}

/** Gives a file a name that is free. @returns false: the name is taken. @throws the raw error of the disk */
export async function tryPlace(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    if (errnoOf(error) === 'EXDEV') throw onAnotherDisk(to, error);
    if (!cannotLink(error)) throw error;
  }
  if ((await kindAt(to)) !== 'nothing') return false;
  await rename(from, to);
  return true;
}

/** Whether a name is taken by something that is no regular file. @throws CcxriError of the disk */
export async function isTaken(path: string): Promise<boolean> {
  return (await kindAt(path)) === 'no file';
}

async function kindAt(path: string): Promise<'file' | 'no file' | 'nothing'> {
  try {
    return (await lstat(path)).isFile() ? 'file' : 'no file';
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return 'nothing';
    throw toDiskError(error, 'look at', { path });
  }
}

function occupied(path: string): CcxriError {
  return new CcxriError('occupied', `${path} appeared during the download, with other bytes`, {
    path,
    expected: 'nothing, or the published file',
    kept: 'the file that is there, and the download',
    next: [{ kind: 'advice', text: 'move it away' }, { kind: 'again' }],
  });
}

/** A rename stays on one file system. */
export function onAnotherDisk(path: string, cause?: unknown): CcxriError {
  return new CcxriError('not-writable', `${path} is on another file system than .ccxri/`, {
    path,
    next: [
      {
        kind: 'option',
        option: 'dest',
        purpose: 'to put all of the dataset directory on one file system, such as the larger disk',
      },
    ],
    cause,
  });
}
