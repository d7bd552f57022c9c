import { constants, type Dirent, type Stats } from 'node:fs';
import {
  type FileHandle,
  lstat,
  mkdir,
  open,
  readdir,
  rmdir,
  stat,
  statfs,
  unlink,
} from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { CcxriError, type NextStep, errnoOf, toDiskError } from '../errors.ts';
import { formatCount, toPrintable } from '../text.ts';

const OTHER_DIRECTORY: readonly NextStep[] = [
  { kind: 'option', option: 'dest', purpose: 'that you may write' },
];

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
    next: OTHER_DIRECTORY,
    cause,
  });
}

function toMakeError(error: unknown, path: string): unknown {
  // What is above it is there: a file system of the kernel's own, as /proc, takes no directory.
  if (errnoOf(error) === 'ENOENT') {
    return new CcxriError(
      'not-writable',
      `could not make the directory ${toPrintable(path, 4096)} (ENOENT)`,
      { path, next: OTHER_DIRECTORY, cause: error },
    );
  }
  if (errnoOf(error) !== 'EEXIST') return toDiskError(error, 'make the directory', { path });
  return new CcxriError('occupied', `${path} is there and is no directory`, {
    path,
    expected: 'a directory, or nothing',
    next: [{ kind: 'advice', text: 'move it out of the way' }, { kind: 'again' }],
    cause: error,
  });
}

export function directoryVanished(path: string, cause: unknown): CcxriError {
  return new CcxriError('disk-io', 'the dataset directory vanished while ccxri worked in it', {
    path,
    next: [{ kind: 'advice', text: 'make sure its disk is mounted' }, { kind: 'again' }],
    cause,
  });
}

/** Something else than a file lies in a file's place. */
export function noFile(path: string, expected = 'a file', cause?: unknown): CcxriError {
  return new CcxriError('occupied', `${path} is there and is no file`, {
    path,
    expected,
    next: [{ kind: 'advice', text: 'move it out of the way' }, { kind: 'again' }],
    cause,
  });
}

/** @param sizes before and after, in bytes: they may be the same */
export function changedMeanwhile(
  path: string,
  sizes: { readonly before: number; readonly after: number },
): CcxriError {
  const { before, after } = sizes;
  return new CcxriError('occupied', `${path} changed while it was being read`, {
    path,
    expected: `a file at rest, of ${formatCount(before)} bytes`,
    found: before === after ? 'other bytes in the same length' : `${formatCount(after)} bytes`,
    next: [
      { kind: 'advice', text: 'wait until the other program has finished writing it' },
      { kind: 'again' },
    ],
  });
}

/** The system said that a write went well; what lies there is something else. */
export function lostOnDisk(path: string): CcxriError {
  return new CcxriError('disk-io', `what was written to ${path} is not what lies there now`, {
    path,
    next: [
      { kind: 'advice', text: 'check the disk, or the network behind it: it loses data' },
      { kind: 'again' },
    ],
  });
}

/**
 * Asked before the work whose result goes to `path`, as a question of usage; the writer refuses it
 * once more by itself. `-` is no name here: as everywhere it would be taken for stdout.
 * @throws CcxriError `usage` where something lies that is no file, or there is no such directory; of
 *   the disk
 */
export async function assertOutputFile(path: string): Promise<void> {
  if (path === '-') throw notStdout();
  const kind = await pathKind(path);
  const above = dirname(path);
  if (kind === 'nothing' && (await pathKind(above)) !== 'directory') throw noDirectory(path, above);
  if (kind === 'file' || kind === 'nothing') return;
  throw new CcxriError('usage', `--output ${toPrintable(path)} is there and is no file`, {
    path,
    expected: 'a file, or nothing',
    next: [{ kind: 'option', option: 'output' }],
  });
}

function notStdout(): CcxriError {
  return new CcxriError('usage', '--output takes a file, and - (stdout) is none', {
    expected: 'the path of a file',
    next: [
      {
        kind: 'option',
        option: 'output',
        or: { kind: 'option', option: 'output', value: './-', purpose: 'for a file called "-"' },
      },
    ],
  });
}

function noDirectory(path: string, above: string): CcxriError {
  const shown = toPrintable(path, 4096);
  return new CcxriError('usage', `--output ${shown}: there is no directory ${toPrintable(above)}`, {
    path,
    expected: 'a file in a directory that is there',
    next: [{ kind: 'advice', text: `make the directory ${toPrintable(above, 4096)} first` }],
  });
}

/** What a path leads to, links followed. @throws CcxriError of the disk */
export async function pathKind(path: string): Promise<'file' | 'directory' | 'other' | 'nothing'> {
  const found = await statOrNull(path);
  if (found === null) return 'nothing';
  if (found.isFile()) return 'file';
  return found.isDirectory() ? 'directory' : 'other';
}

/** Bytes that may still be written below a path (which need not exist yet); null: not told. */
export async function freeBytesAt(path: string): Promise<number | null> {
  for (let at = resolve(path); ; at = dirname(at)) {
    try {
      const { bavail, bsize, blocks } = await statfs(at);
      // Some FUSE file systems answer with zeros: that is no full disk.
      return blocks === 0 ? null : bavail * bsize;
    } catch (error) {
      if (!['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '') || at === dirname(at)) return null;
    }
  }
}

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

/** @throws CcxriError of the disk */
export async function isLink(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isSymbolicLink();
  } catch (error) {
    throw toDiskError(error, 'look at', { path });
  }
}

/** What says that there is nothing at a path: not there, below a file, or a link in a circle. */
const ABSENT = ['ENOENT', 'ENOTDIR', 'ELOOP'];

/** Whether an error of a disk operation means that there is nothing at the path. */
export function isAbsent(error: unknown): boolean {
  return ABSENT.includes(errnoOf(error) ?? '');
}

/** The stats of what a path leads to, links followed; null: nothing. @throws CcxriError of the disk */
export async function statOrNull(path: string): Promise<Stats | null> {
  try {
    return await stat(path);
  } catch (error) {
    if (isAbsent(error)) return null;
    throw toDiskError(error, 'look at', { path });
  }
}

/** The entries of a directory; empty: there is none. @throws CcxriError of the disk */
export async function listOrEmpty(path: string): Promise<readonly Dirent[]> {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (error) {
    if (isAbsent(error)) return [];
    throw toDiskError(error, 'read', { path });
  }
}

/** Removes a file; that there is none is fine. @throws CcxriError of the disk */
export async function removeIfThere(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (!isAbsent(error)) throw toDiskError(error, 'remove', { path });
  }
}

/**
 * Opens a file to be read; null: there is none. O_NONBLOCK, since the open of a named pipe would wait
 * for a writer, and nothing could end that; on a file it changes nothing.
 * @throws CcxriError of the disk
 */
export async function openForReading(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (isAbsent(error)) return null;
    throw toDiskError(error, 'read', { path });
  }
}
