import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import {
  access,
  lstat,
  mkdir,
  open,
  readFile,
  rm,
  stat,
  statfs,
  writeFile,
} from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { throwIfAborted } from '../abort.ts';
import type { Clock } from '../clock.ts';
import { type DatasetLayout, layoutOf } from '../dataset/layout.ts';
import { CcxriError, errnoOf, toDiskError } from '../errors.ts';
import { cannotSync } from '../fs/atomic.ts';
import { listOrEmpty, makeDirectory, pathKind, statOrNull } from '../fs/paths.ts';
import { rename } from '../fs/rename.ts';

/** Above 4 KiB, so that a file system that keeps small files in its tables has to find room. */
const PROBE_BYTES = 64 * 1024;

/** Where a probe is made: in the dataset directory, or where that would be made. */
export interface Place {
  /** The dataset directory as an absolute path. */
  readonly dest: string;
  /** The nearest directory that is there. */
  readonly nearest: string;
}

/**
 * The nearest directory that is there: a dataset directory is not made for a look.
 * @throws CcxriError `not-writable`: a file is in the way; of the disk
 */
export async function findPlace(typed: string): Promise<Place> {
  const dest = resolve(typed);
  for (let at = dest; ; at = dirname(at)) {
    const kind = await pathKind(at);
    if (kind === 'directory') return { dest, nearest: at };
    if (kind !== 'nothing') {
      throw new CcxriError('not-writable', `${at} is a file, not a directory`, {
        path: at,
        next: [{ kind: 'option', option: 'dest', purpose: 'that you may write' }],
      });
    }
    if (dirname(at) === at) return { dest, nearest: at };
  }
}

/** What was tried in a private directory, which is removed again. */
export interface Trial {
  /** Of a file that was just written, by the disk's clock. */
  readonly writtenAtMs: number;
  /** Our clock, before and after that. */
  readonly beforeMs: number;
  readonly afterMs: number;
  /** Are `a` and `A` two names? */
  readonly distinguishesCase: boolean;
  /** false: the file system can't flush. */
  readonly flushes: boolean;
  /** What a name and a path as long as the images need met; absent: nothing. */
  readonly longPath?: { readonly characters: number; readonly errno: string } | undefined;
}

/**
 * Writes a file, flushes it, renames it, and reads it again, in a directory of its own.
 * @param longest the longest path below the dataset directory that a fetch makes
 * @throws CcxriError of the disk; `aborted`
 */
export async function tryDisk(
  place: Place,
  longest: string,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<Trial> {
  const { nearest } = place;
  const probe = join(nearest, `.ccxri-doctor-${randomBytes(6).toString('hex')}`);
  try {
    await makeDirectory(probe);
    const [first, second] = [join(probe, 'a'), join(probe, 'b')];
    const beforeMs = clock.date().getTime();
    const flushes = await writeProbe(first);
    const { mtimeMs: writtenAtMs } = await stat(first);
    const afterMs = clock.date().getTime();
    throwIfAborted(signal);
    const distinguishesCase = (await statOrNull(join(probe, 'A'))) === null;
    await renameOver(first, second);
    throwIfAborted(signal);
    const longPath = await tryLongPath(probe, place, longest);
    return { writtenAtMs, beforeMs, afterMs, distinguishesCase, flushes, longPath };
  } catch (error) {
    throw toDiskError(error, 'write in', { path: nearest });
  } finally {
    await rm(probe, { recursive: true, force: true });
  }
}

/** The directory, and the folders that earlier runs have made in it. @throws CcxriError of the disk */
export async function assertWritable({ dest, nearest }: Place): Promise<void> {
  const { state, partial, ledger, archives, labels, images } = layoutOf(dest);
  for (const path of [nearest, state, partial, ledger, archives, labels, images]) {
    try {
      if (path !== nearest && (await statOrNull(path)) === null) continue;
      await access(path, constants.W_OK | constants.X_OK);
    } catch (error) {
      throw toDiskError(error, 'write in', { path });
    }
  }
}

/** @returns false: the file system can't flush */
async function writeProbe(path: string): Promise<boolean> {
  const handle = await open(path, 'wx');
  try {
    await handle.writeFile(Buffer.alloc(PROBE_BYTES, 7));
    await handle.sync();
    return true;
  } catch (error) {
    if (cannotSync(error)) return false;
    throw error;
  } finally {
    await handle.close();
  }
}

/** As a receipt is replaced: over a file that is there. */
async function renameOver(from: string, to: string): Promise<void> {
  await writeFile(to, 'old');
  await rename(from, to);
  const bytes = await readFile(to);
  if (bytes.length !== PROBE_BYTES || bytes.some((byte) => byte !== 7)) {
    throw new CcxriError('disk-io', `what was written in ${dirname(to)} is not there`, {
      next: [{ kind: 'advice', text: 'check the disk, or the network behind it: it loses data' }],
    });
  }
}

/** Makes names as long as the longest path has, at its depth. */
async function tryLongPath(
  probe: string,
  { dest }: Place,
  longest: string,
): Promise<Trial['longPath']> {
  const target = join(dest, longest);
  const name = basename(target);
  try {
    let at = probe;
    // As long as the path will be, in steps that are no longer than a name may be.
    for (let left = target.length - join(at, name).length; left > 1;) {
      const part = Math.min(left - 1, 100);
      at = join(at, 'd'.repeat(part));
      await mkdir(at);
      left -= part + 1;
    }
    await writeFile(join(at, name), '', { flag: 'wx' });
    return undefined;
  } catch (error) {
    const errno = errnoOf(error) ?? '';
    if (errno !== 'ENAMETOOLONG' && errno !== 'EINVAL' && errno !== 'ENOENT') throw error;
    return { characters: target.length, errno };
  }
}

/** What the system says of a file system; null: nothing. */
export interface FileSystem {
  /** A magic number (statfs(2)). */
  readonly type: number;
  /** Inodes; 0: it has no fixed number of them. */
  readonly inodes: number;
  readonly freeInodes: number;
}

export async function readFileSystem(path: string): Promise<FileSystem | null> {
  try {
    const { type, files, ffree } = await statfs(path);
    return { type, inodes: files, freeInodes: ffree };
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return null;
  }
}

/** Folders of the dataset that lie on another disk than its state: a rename can't lead there. */
export async function foldersElsewhere(layout: DatasetLayout): Promise<readonly string[]> {
  const home = (await statOrNull(layout.state)) ?? (await statOrNull(layout.root));
  const elsewhere: string[] = [];
  for (const path of [layout.archives, layout.labels, layout.images]) {
    const found = await statOrNull(path);
    if (found !== null && found.dev !== home?.dev) elsewhere.push(basename(path));
  }
  return elsewhere;
}

/** What earlier runs have left: partial downloads and files in quarantine, with their bytes. */
export interface Leftovers {
  readonly parts: number;
  readonly partBytes: number;
  readonly quarantined: number;
}

export async function findLeftovers({ partial, bad }: DatasetLayout): Promise<Leftovers> {
  const parts = (await listOrEmpty(partial)).filter(({ name }) => name.endsWith('.part'));
  let partBytes = 0;
  for (const { name } of parts) {
    partBytes += (await lstat(join(partial, name)).catch(() => undefined))?.size ?? 0;
  }
  const names = (await listOrEmpty(bad)).map(({ name }) => name);
  const quarantined = names.filter((name) => !name.endsWith('.json')).length;
  return { parts: parts.length, partBytes, quarantined };
}
