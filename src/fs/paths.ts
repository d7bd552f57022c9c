import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CcxriError, errnoOf, toDiskError } from '../errors.ts';
import { toPrintable } from '../text.ts';

/**
 * Makes a directory and those above it, where they are missing.
 * @throws CcxriError `occupied`: a file lies there; `not-writable`: one above it is a file, or takes
 *   no directory; of the disk
 */
export async function makeDirectory(path: string): Promise<void> {
  try {
    await makeFromBelow(path);
  } catch (error) {
    const file = errnoOf(error) === 'ENOTDIR' ? await fileAbove(path) : undefined;
    if (file !== undefined) throw notADirectory(file, error);
    throw toMakeError(error, path);
  }
}

/**
 * Makes a directory in one that is there; what is above it is never made. In the middle of a run a
 * dataset directory that has vanished (an unplugged disk) must not turn up again on another disk.
 * @throws CcxriError `disk-io`: what is above it has vanished; `occupied`: a file lies there; of the disk
 */
export async function makeDirectoryWithin(path: string): Promise<void> {
  try {
    await makeOne(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') throw directoryVanished(path, error);
    throw toMakeError(error, path);
  }
}

/** Node's own `recursive` says ENOENT of a file system that is read-only. */
async function makeFromBelow(path: string): Promise<void> {
  try {
    await makeOne(path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' || dirname(path) === path) throw error;
    await makeFromBelow(dirname(path));
    await makeOne(path);
  }
}

async function makeOne(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
    const stats = await stat(path).catch(() => undefined);
    if (stats?.isDirectory() !== true) throw error;
  }
}

/** What is in the way, where a directory above `path` is none. */
async function fileAbove(path: string): Promise<string | undefined> {
  for (let at = path; dirname(at) !== at; at = dirname(at)) {
    const stats = await stat(at).catch(() => undefined);
    if (stats !== undefined) return stats.isDirectory() ? undefined : at;
  }
  return undefined;
}

function notADirectory(path: string, cause: unknown): CcxriError {
  return new CcxriError('not-writable', `${toPrintable(path, 4096)} is a file, not a directory`, {
    path,
    expected: 'a directory, or nothing',
    hint: 'choose a directory that you may write with --dest DIR',
    cause,
  });
}

function toMakeError(error: unknown, path: string): unknown {
  // What is above it is there: a file system of the kernel's own, as /proc, takes no directory.
  if (errnoOf(error) === 'ENOENT') {
    return new CcxriError(
      'not-writable',
      `could not make the directory ${toPrintable(path, 4096)} (ENOENT)`,
      { path, hint: 'choose a directory that you may write with --dest DIR', cause: error },
    );
  }
  if (errnoOf(error) !== 'EEXIST') return toDiskError(error, 'make the directory', { path });
  return new CcxriError('occupied', `${path} is there and is no directory`, {
    path,
    expected: 'a directory, or nothing',
    hint: 'move it out of the way, then run the same command again',
    cause: error,
  });
}

export function directoryVanished(path: string, cause: unknown): CcxriError {
  return new CcxriError('disk-io', 'the dataset directory vanished while ccxri worked in it', {
    path,
    hint: 'see that its disk is there, then run the same command again',
    cause,
  });
}
