import {
  closeSync,
  constants,
  copyFileSync,
  fdatasyncSync,
  fstatSync,
  linkSync,
  lstatSync,
  openSync,
  readSync,
  realpathSync,
  unlinkSync,
} from 'node:fs';
import { crc32 } from 'node:zlib';
import { cannotSync } from '../fs/atomic.ts';
import { ImageCheck, type ImageFault, imageFaultOf } from '../fs/image-content.ts';
import { errnoOf, toDiskError } from '../errors.ts';

/** A file that is to be taken, and what it should be. */
export interface TakeItem {
  readonly from: string;
  /** A free name; null: it is read where it is. */
  readonly to: string | null;
  /** null: not known. */
  readonly bytes: number | null;
  readonly crc32: number | null;
  /** Whether a hard link may be made. */
  readonly mayLink: boolean;
}

/** What came of it. Nothing is under `to` unless it was taken. */
export type Taken =
  | {
      readonly kind: 'taken';
      readonly bytes: number;
      readonly crc32: number;
      /** It is the found file itself, under another name. */
      readonly isLinked: boolean;
      readonly fault: ImageFault | null;
      /** Of the found file. */
      readonly mtimeMs: number;
    }
  | { readonly kind: 'differs'; readonly bytes: number; readonly crc32: number | null }
  | { readonly kind: 'unreadable'; readonly why: string };

/** The messages of a take thread. */
export interface TakeTypes {
  readonly request: readonly TakeItem[];
  readonly update: never;
  /** Bytes read since the last one. */
  readonly progress: number;
  readonly result: readonly Taken[];
}

/** Stays in the cache of one processor, where the CRC-32 finds it: with 1 MiB reading takes twice the time. */
const READ_BYTES = 256 * 1024;
/** Without O_NONBLOCK the open of a named pipe waits for a writer. */
const READ = constants.O_RDONLY | constants.O_NONBLOCK;

/**
 * Takes files one after the other. What is checked is what was taken: the linked file or the copy is read, never
 * the one that it came from, which may change in between.
 */
export class Taker {
  readonly #buffer = Buffer.allocUnsafe(READ_BYTES);

  /** @throws CcxriError of the disk that is written to */
  take(item: TakeItem): Taken {
    const { from, to } = item;
    try {
      const link = lstatSync(from);
      // The way to it need not be known: only a link to a link depends on what that leads to.
      const real = link.isSymbolicLink() ? realpathSync(from) : from;
      const found = real === from ? link : lstatSync(real);
      if (!found.isFile()) return { kind: 'unreadable', why: 'it is no file' };
      const { size: bytes, mtimeMs } = found;
      if (item.bytes !== null && item.bytes !== bytes) {
        return { kind: 'differs', bytes, crc32: null };
      }
      const isLinked = to !== null && bring({ ...item, from: real }, to);
      const read = this.#read(to ?? from, to !== null && !isLinked);
      const isRight = item.crc32 === null || item.crc32 === read.crc32;
      if (isRight && read.bytes === bytes && read.isUnchanged) {
        return { kind: 'taken', ...read, isLinked, mtimeMs };
      }
      if (to !== null) unlinkSync(to);
      if (!read.isUnchanged) return { kind: 'unreadable', why: 'it changed while it was read' };
      return { kind: 'differs', bytes: read.bytes, crc32: read.crc32 };
    } catch (error) {
      if (to !== null) remove(to);
      if (error instanceof WriteError)
        throw toDiskError(error.cause, 'write', { path: to ?? from });
      const errno = errnoOf(error);
      if (errno === undefined || !/^E[A-Z]+$/.test(errno) || errno === 'EMFILE') throw error;
      return { kind: 'unreadable', why: errno };
    }
  }

  #read(path: string, isOurs: boolean) {
    const fd = isOurs ? openToFlush(path) : openSync(path, READ);
    try {
      const before = fstatSync(fd, { bigint: true });
      let [crc, bytes] = [0, 0];
      const total = Number(before.size);
      // Many are read in one piece, and then nothing has to be copied.
      const picture = total > READ_BYTES ? new ImageCheck() : undefined;
      let fault = total === 0 ? imageFaultOf(this.#buffer.subarray(0, 0)) : undefined;
      for (;;) {
        const read = readSync(fd, this.#buffer, 0, READ_BYTES, bytes);
        if (read === 0) break;
        const piece = this.#buffer.subarray(0, read);
        crc = crc32(piece, crc);
        bytes += read;
        picture?.add(piece);
        if (read === total) fault = imageFaultOf(piece);
        if (bytes >= total) break;
      }
      if (isOurs) flush(fd);
      const after = fstatSync(fd, { bigint: true });
      const isUnchanged = after.size === before.size && after.mtimeNs === before.mtimeNs;
      return { bytes, crc32: crc, fault: picture?.fault ?? fault ?? null, isUnchanged };
    } finally {
      closeSync(fd);
    }
  }
}

/** The disk of the dataset has failed, not the found file. */
class WriteError extends Error {
  override readonly name = 'WriteError';
}

/** @returns true: by a hard link; false: by a copy */
function bring({ from, mayLink }: TakeItem, to: string): boolean {
  if (mayLink) {
    try {
      linkSync(from, to);
      return true;
    } catch (error) {
      if (errnoOf(error) === 'EEXIST') throw new WriteError('in the way', { cause: error });
    }
  }
  // Opened here, so that an error of it is one of the found file.
  closeSync(openSync(from, READ));
  try {
    copyFileSync(from, to, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
  } catch (error) {
    throw new WriteError('not copied', { cause: error });
  }
  return false;
}

/** For writing where that may be: Windows flushes nothing else. A copy of a file for reading only is one, too. */
function openToFlush(path: string): number {
  try {
    return openSync(path, constants.O_RDWR);
  } catch {
    return openSync(path, READ);
  }
}

function flush(fd: number): void {
  try {
    fdatasyncSync(fd);
  } catch (error) {
    if (!cannotSync(error)) throw new WriteError('not flushed', { cause: error });
  }
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Nothing is there, or it goes with the folder that it is in.
  }
}
