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
import { dirname, join, resolve } from 'node:path';
import { whenFilesAreFree } from '../concurrency.ts';
import { CcxriError, type NextStep, errnoOf, toDiskError } from '../errors.ts';
import { formatCount, toPrintable } from '../text.ts';

const AGAIN: NextStep = { kind: 'again' };

/**
 * Makes a directory and those above it, where they are missing.
 * @throws CcxriError `occupied`: a file is there; `not-writable`: one above it is a file, or takes
 *   no directory; of the disk
 */
export async function makeDirectory(path: string): Promise<void> {
  try {
    await make(path, true);
  } catch (error) {
    throw await toMakeError(error, path);
  }
}

/**
 * Makes a directory in an existing one; what is above it is never made. In the middle of a run a
 * dataset directory that has vanished (an unplugged disk) must not turn up again on another disk.
 * @throws CcxriError `disk-io`: what is above it has vanished; `occupied`: a file is there; of the disk
 */
export async function makeDirectoryWithin(path: string): Promise<void> {
  try {
    await make(path, false);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') throw directoryVanished(path, error);
    throw await toMakeError(error, path);
  }
}

/** Not by Node's `recursive`: it says ENOENT of a file system that is read-only. */
async function make(path: string, withThoseAbove: boolean): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' && withThoseAbove && dirname(path) !== path) {
      await make(dirname(path), true);
      await make(path, false);
    } else if (errnoOf(error) !== 'EEXIST' || (await pathKind(path)) !== 'directory') throw error;
  }
}

async function toMakeError(error: unknown, path: string): Promise<unknown> {
  const errno = errnoOf(error);
  if (errno === 'EEXIST') return inTheWay(path, 'directory', 'a directory, or nothing', error);
  const file = errno === 'ENOTDIR' ? await fileAbove(path) : undefined;
  // ENOENT, though what is above it exists: a file system of the kernel, as /proc, takes no directory.
  if (file === undefined && errno !== 'ENOENT') {
    return toDiskError(error, 'make the directory', { path });
  }
  const message =
    file === undefined
      ? `could not make the directory ${toPrintable(path, 4096)} (ENOENT)`
      : `${toPrintable(file, 4096)} is a file, not a directory`;
  return new CcxriError('not-writable', message, {
    path: file ?? path,
    next: [{ kind: 'option', option: 'dest', purpose: 'that you may write' }],
    cause: error,
  });
}

async function fileAbove(path: string): Promise<string | undefined> {
  for (let at = path; dirname(at) !== at; at = dirname(at)) {
    const stats = await stat(at).catch(() => undefined);
    if (stats !== undefined) return stats.isDirectory() ? undefined : at;
  }
  return undefined;
}

/** Something other than a file is in a file's place. */
export function noFile(path: string, expected = 'a file', cause?: unknown): CcxriError {
  return inTheWay(path, 'regular file', expected, cause);
}

function inTheWay(path: string, kind: string, expected: string, cause: unknown): CcxriError {
  return new CcxriError('occupied', `${path} exists and is not a ${kind}`, {
    path,
    expected,
    next: [{ kind: 'advice', text: 'move it out of the way' }, AGAIN],
    cause,
  });
}

export function directoryVanished(path: string, cause: unknown): CcxriError {
  return new CcxriError('disk-io', 'the dataset directory vanished while ccxri worked in it', {
    path,
    next: [{ kind: 'advice', text: 'make sure its disk is mounted' }, AGAIN],
    cause,
  });
}

/** A file that another program writes. `before` and `after`: its sizes in bytes, maybe the same. */
export function changedMeanwhile(path: string, before: number, after: number): CcxriError {
  return new CcxriError('changed', `${path} changed while it was being read`, {
    path,
    expected: `a file at rest, of ${formatCount(before)} bytes`,
    found: before === after ? 'other bytes in the same length' : `${formatCount(after)} bytes`,
    next: [{ kind: 'advice', text: 'wait until the other program has finished writing it' }, AGAIN],
  });
}

/** The system reported a successful write; what is there is something else. */
export function lostOnDisk(path: string): CcxriError {
  return new CcxriError('disk-io', `${path} does not hold what was written to it`, {
    path,
    next: [
      { kind: 'advice', text: 'check the disk, or the network behind it: it loses data' },
      AGAIN,
    ],
  });
}

/**
 * Checks a path given by `--output` or `--log-file` before the work whose result goes there. `-` is no file name here:
 * everywhere else it means stdout.
 * @throws CcxriError `usage`: it is there and not a file, or its directory is not there; of the disk
 */
export async function assertOutputFile(
  path: string,
  option: 'output' | 'log-file' = 'output',
): Promise<void> {
  const fail = (what: string, expected: string, next: NextStep) =>
    new CcxriError('usage', `--${option} ${what}`, { path, expected, next: [next] });
  const another: NextStep = { kind: 'option', option };
  if (path === '-') {
    const named: NextStep = { ...another, value: './-', purpose: 'for a file called "-"' };
    const next = { ...another, or: named };
    throw fail('takes a file, and - (stdout) is none', 'the path of a file', next);
  }
  const kind = await pathKind(path);
  if (kind === 'file') return;
  const [shown, above] = [toPrintable(path, 4096), toPrintable(dirname(path), 4096)];
  if (kind !== 'nothing') {
    throw fail(`${shown} exists and is not a regular file`, 'a file, or nothing', another);
  }
  if ((await pathKind(dirname(path))) === 'directory') return;
  throw fail(`${shown}: there is no directory ${above}`, 'a file in a directory that is there', {
    kind: 'advice',
    text: `make the directory ${above} first`,
  });
}

/** What a path leads to, links followed. @throws CcxriError of the disk */
export async function pathKind(path: string): Promise<'file' | 'directory' | 'other' | 'nothing'> {
  const found = await statOrNull(path);
  if (found === null) return 'nothing';
  if (found.isFile()) return 'file';
  return found.isDirectory() ? 'directory' : 'other';
}

/** @throws CcxriError of the disk */
export async function isLink(path: string): Promise<boolean> {
  return (await orAbsent(lstat(path), null, 'look at', path))?.isSymbolicLink() ?? false;
}

/** Bytes that may still be written below a path (which need not exist yet); null: unknown. */
export async function freeBytesAt(path: string): Promise<number | null> {
  for (let at = resolve(path); ; at = dirname(at)) {
    try {
      const { bavail, bsize, blocks } = await statfs(at);
      // Some FUSE file systems answer with zeros: that is no full disk.
      return blocks === 0 ? null : bavail * bsize;
    } catch (error) {
      if (!isAbsent(error) || at === dirname(at)) return null;
    }
  }
}

/** Errors that say that a directory is not ours to remove: it is not empty, or it is gone. */
const LEFT = ['ENOTEMPTY', 'EEXIST', 'ENOENT', 'ENOTDIR', 'EBUSY', 'EACCES', 'EPERM', 'EROFS'];

/**
 * Removes directories, one after the other, that a run has made and put nothing into. The first that
 * is not empty, or can't be removed, stays, and so do those after it.
 */
export async function removeEmpty(paths: readonly string[]): Promise<void> {
  try {
    for (const path of paths) await rmdir(path);
  } catch (error) {
    if (!LEFT.includes(errnoOf(error) ?? '')) throw error;
  }
}

/** Whether an error says that nothing is there: no entry, a path below a file, a link in a circle. */
export function isAbsent(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errnoOf(error) ?? '');
}

/** A disk operation, or what it means that nothing is there. @throws CcxriError of the disk */
async function orAbsent<T, A>(
  operation: Promise<T>,
  absent: A,
  doing: string,
  path: string,
): Promise<T | A> {
  try {
    return await operation;
  } catch (error) {
    if (isAbsent(error)) return absent;
    throw toDiskError(error, doing, { path });
  }
}

/** The stats of what a path leads to, links followed; null: nothing. @throws CcxriError of the disk */
export function statOrNull(path: string): Promise<Stats | null> {
  return orAbsent(stat(path), null, 'look at', path);
}

/** The entries of a directory; empty: there is none. @throws CcxriError of the disk */
export function listOrEmpty(path: string): Promise<readonly Dirent[]> {
  const entries = whenFilesAreFree(() => readdir(path, { withFileTypes: true }));
  return orAbsent(entries, [], 'read', path);
}

export interface WalkedEntry {
  /** Below the folder, with `/`. */
  readonly path: string;
  readonly entry: Dirent;
}

/**
 * Everything below a folder, in the order of the names, each folder before what is in it. A folder that
 * is not there is empty. Links are listed and never followed: they may lead anywhere, or in a circle.
 * @param skips folders that are listed, and not looked into
 * @throws CcxriError of the disk
 */
export async function* walkFolder(
  folder: string,
  skips: (folder: Dirent) => boolean = () => false,
): AsyncGenerator<WalkedEntry, void, void> {
  const entries = await listOrEmpty(folder);
  for (const entry of [...entries].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    yield { path: entry.name, entry };
    if (!entry.isDirectory() || skips(entry)) continue;
    for await (const below of walkFolder(join(folder, entry.name), skips)) {
      yield { ...below, path: `${entry.name}/${below.path}` };
    }
  }
}

/** Removes a file; that there is none is fine. @throws CcxriError of the disk */
export function removeIfThere(path: string): Promise<void> {
  return orAbsent(unlink(path), undefined, 'remove', path);
}

/**
 * Opens a file to be read; null: there is none. O_NONBLOCK, since the open of a named pipe would wait
 * for a writer, and nothing could end that; on a file it changes nothing.
 * @throws CcxriError of the disk
 */
export function openForReading(path: string): Promise<FileHandle | null> {
  const opened = whenFilesAreFree(() => open(path, constants.O_RDONLY | constants.O_NONBLOCK));
  return orAbsent(opened, null, 'read', path);
}

/** Closes a file. Network shares report here what they could not do before. @throws CcxriError of the disk */
export async function closeHandle(handle: FileHandle, path: string): Promise<void> {
  try {
    await handle.close();
  } catch (error) {
    throw toDiskError(error, 'close', { path });
  }
}
