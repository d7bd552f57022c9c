import {
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { toDiskError } from '../errors.ts';
import { cannotSync } from '../fs/atomic.ts';
import { lostOnDisk } from '../fs/paths.ts';
import type { Reply } from '../threads/serve.ts';
import type { MemberUnpacker, UnpackedMember } from './inflate.ts';
import type { UnpackTask, UnpackTypes } from './unpack-pool.ts';

const PROGRESS_EVERY_MS = 100;

/**
 * Works through a task, as far as the first error.
 * @returns false: it was stopped
 * @throws CcxriError `damaged-archive`, `unsafe-archive`; of the disk
 */
export function unpackMembers(
  { archive, members, into }: UnpackTask,
  unpacker: MemberUnpacker,
  reply: Pick<Reply<UnpackTypes>, 'isStopped' | 'progress'>,
): boolean {
  const files = new BatchedFileWriter();
  let newBytes = 0;
  let reportedAtMs = performance.now();
  try {
    for (const unpacked of unpacker.contents(archive, members)) {
      if (reply.isStopped) return false;
      const { member, checked } = unpacked;
      if (into === null) checked();
      else files.writeAndVerify(join(into, member.name), unpacked);
      newBytes += member.size;
      if (performance.now() - reportedAtMs < PROGRESS_EVERY_MS) continue;
      reply.progress(newBytes);
      newBytes = 0;
      reportedAtMs = performance.now();
    }
    files.flush();
    reply.progress(newBytes);
    return true;
  } finally {
    files.dispose();
  }
}

/** Never follows a link, and never overwrites. */
export const NEW_FILE =
  constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
export const NEW_FILE_MODE = 0o644;

const SPAN_BYTES = 128 * 1024;
/**
 * Linux allocates pages of about the size of a write. Up to 32 KiB each processor has them at hand;
 * larger ones take twice the time (docs/performance.md).
 */
const PIECE_BYTES = 32 * 1024;

/**
 * Files that are written one after the other, and flushed together: the disk takes many at once
 * faster than each by itself, and the system has begun with the first when the last is written.
 */
export class BatchedFileWriter {
  readonly #open: { readonly path: string; readonly fd: number }[] = [];
  readonly #span = new Uint8Array(SPAN_BYTES);

  /**
   * Writes a file, and reads it back. One CRC-32 checks both: the content, and what is on the disk.
   * @throws CcxriError `damaged-archive`, `unsafe-archive`; of the disk; the raw error where something
   *   lies there
   */
  writeAndVerify(path: string, { member, unchecked, checked }: UnpackedMember): void {
    try {
      const fd = openSync(path, NEW_FILE, NEW_FILE_MODE);
      this.#open.push({ path, fd });
      const writer = openWriter(path);
      try {
        const writeAndCompare = (content: Uint8Array) => {
          writeAt(writer, content);
          return this.#crcOf(writer, content.length) === member.crc32;
        };
        if (writeAndCompare(unchecked)) return;
        const content = checked();
        // A write may report success and have lost the bytes. Reading them back is cheap: they are
        // in the page cache.
        if (content === unchecked || !writeAndCompare(content)) throw lostOnDisk(path);
      } finally {
        closeSync(writer);
      }
    } catch (error) {
      throw toDiskError(error, 'write', { path });
    }
  }

  /** Waits until all files are on the disk, and closes them. @throws CcxriError of the disk */
  flush(): void {
    for (let file = this.#open.shift(); file !== undefined; file = this.#open.shift()) {
      try {
        flushAndClose(file.fd);
      } catch (error) {
        throw toDiskError(error, 'write', { path: file.path });
      }
    }
  }

  /** undefined: the file has another length. */
  #crcOf(fd: number, bytes: number): number | undefined {
    if (fstatSync(fd).size !== bytes) return undefined;
    let crc = 0;
    for (let done = 0; done < bytes;) {
      const read = readSync(fd, this.#span, 0, SPAN_BYTES, done);
      if (read === 0) return undefined;
      crc = crc32(this.#span.subarray(0, read), crc);
      done += read;
    }
    return crc;
  }

  /** Closes what is not flushed. */
  dispose(): void {
    for (const { fd } of this.#open.splice(0)) closeQuietly(fd);
  }
}

/**
 * Another descriptor of a new, empty file. Cutting what is empty changes nothing, but has ext4 begin
 * with the disk's work when this descriptor is closed: it goes on while other files are written, and
 * the flush has little left to wait for.
 */
function openWriter(path: string): number {
  const fd = openSync(path, constants.O_RDWR | constants.O_NOFOLLOW);
  try {
    ftruncateSync(fd, 0);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** From the file's start. A full disk shows first as a short write without an error, only then as one. */
function writeAt(fd: number, content: Uint8Array): void {
  for (let done = 0; done < content.length;) {
    done += writeSync(fd, content, done, Math.min(PIECE_BYTES, content.length - done), done);
  }
}

function flushAndClose(fd: number): void {
  try {
    fdatasyncSync(fd);
  } catch (error) {
    if (!cannotSync(error)) {
      closeQuietly(fd);
      throw error;
    }
  }
  // Network shares report a full disk here.
  closeSync(fd);
}

/** For a file that will be deleted. */
function closeQuietly(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // The descriptor is gone all the same.
  }
}
