import { randomBytes } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import {
  type FileHandle,
  constants,
  copyFile,
  link,
  lstat,
  open,
  realpath,
  stat,
  unlink,
} from 'node:fs/promises';
import { join } from 'node:path';
import { CcxriError, errnoOf, toDiskError } from '../errors.ts';
import { syncFile } from '../fs/atomic.ts';
import { changedMeanwhile, closeHandle, isAbsent, removeIfThere } from '../fs/paths.ts';
import type { HashedFile } from '../hash/hash-file.ts';
import { toPrintable } from '../text.ts';
import type { PlausibleFile } from './find-files.ts';
import type { AdoptRun } from './run.ts';

/** A found file that was hashed, and what shows that it is still the same. */
export interface HashedSeen extends PlausibleFile, HashedFile {
  readonly stats: BigIntStats;
}

/** Under a private name on the disk of the dataset. */
export interface StagedFile {
  readonly path: string;
  readonly isLinked: boolean;
}

/**
 * Brings a hashed file to a private name: by a hard link to the very file that was hashed, else by a copy, which is
 * hashed again. So what is there has the MD5, whatever happens to the found file meanwhile.
 * @throws CcxriError `changed`: it is another file now; of the disk
 */
export async function stageFile(found: HashedSeen, run: AdoptRun): Promise<StagedFile> {
  // `dataset/sweep` knows this name: it removes what a killed run leaves.
  const path = join(run.session.layout.partial, `.adopted.${randomBytes(6).toString('hex')}.tmp`);
  try {
    if (run.link !== 'copy' && (await tryLink(found, path))) {
      if (isSame(await lstat(path, { bigint: true }), found.stats)) return { path, isLinked: true };
      throw changed(found);
    }
    await copy(found.path, path);
    const { md5 } = await run.session.hash(toPrintable(found.path, 4096), path, found.bytes);
    if (md5 !== found.md5) throw changed(found);
    return { path, isLinked: false };
  } catch (error) {
    await removeIfThere(path).catch(() => undefined);
    throw error;
  }
}

/** @returns false: there can be no hard link */
async function tryLink({ path: from }: HashedSeen, to: string): Promise<boolean> {
  try {
    // A link to a link would depend on what that leads to.
    await link(await realpath(from), to);
    return true;
  } catch (error) {
    if (isAbsent(error)) throw goneFrom(from);
    return false;
  }
}

async function copy(from: string, to: string): Promise<void> {
  await statOf(from);
  try {
    // Without a byte copied where the file system can share them (reflink).
    await copyFile(from, to, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
    const handle = await openToFlush(to);
    try {
      await syncFile(handle);
    } finally {
      await closeHandle(handle, to);
    }
  } catch (error) {
    throw toDiskError(error, 'write', { path: to });
  }
}

/** For writing where that may be: Windows flushes nothing else. A copy of a file for reading only is one, too. */
async function openToFlush(path: string): Promise<FileHandle> {
  return open(path, 'r+').catch(() => open(path, 'r'));
}

/**
 * Removes a found file that was taken, if it still is the one that was, and nobody's link has led to it.
 * @returns whether it is gone
 */
export async function removeFound(
  found: Pick<HashedSeen, 'path' | 'isLinked' | 'stats'>,
): Promise<boolean> {
  if (found.isLinked) return false;
  try {
    const now = await lstat(found.path, { bigint: true });
    if (!now.isFile() || !isSame(now, found.stats)) return false;
    await unlink(found.path);
    return true;
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return false;
  }
}

export async function statOf(path: string): Promise<BigIntStats> {
  try {
    return await stat(path, { bigint: true });
  } catch (error) {
    if (isAbsent(error)) throw goneFrom(path);
    throw toDiskError(error, 'look at', { path });
  }
}

function isSame(a: BigIntStats, b: BigIntStats): boolean {
  return a.dev === b.dev && a.ino === b.ino && a.size === b.size && a.mtimeNs === b.mtimeNs;
}

/** It was there when it was found. */
export function goneFrom(path: string): CcxriError {
  const next = [{ kind: 'again' }] as const;
  return new CcxriError('changed', `${toPrintable(path, 4096)} is not there any more`, {
    path,
    next,
  });
}

function changed({ path, bytes }: HashedSeen): CcxriError {
  return changedMeanwhile(path, bytes, bytes);
}
