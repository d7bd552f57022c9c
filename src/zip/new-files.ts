import {
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs';
import { crc32 } from 'node:zlib';
import { lostOnDisk } from '../disk/path-errors.ts';
import { cannotSync } from '../disk/write-atomic.ts';
import { toDiskError } from '../errors.ts';

/** Never through a link, and never over something that is there. */
export const NEW_FILE =
  constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
export const NEW_FILE_MODE = 0o644;

const SPAN_BYTES = 128 * 1024;

/**
 * Files that are written one after the other, and flushed together: the disk takes many at once
 * faster than each by itself, and the system has begun with the first when the last is written.
 */
export class NewFiles {
  readonly #open: { readonly path: string; readonly fd: number }[] = [];
  readonly #span = new Uint8Array(SPAN_BYTES);

  /**
   * Writes a file, and reads it back.
   * @param expectedCrc32 of the content
   * @throws CcxriError of the disk; the raw error where something lies there
   */
  write(path: string, content: Uint8Array, expectedCrc32: number): void {
    try {
      const fd = openSync(path, NEW_FILE, NEW_FILE_MODE);
      this.#open.push({ path, fd });
      // A full disk shows first as a short write without an error, and only then as one.
      for (let done = 0; done < content.length;) {
        done += writeSync(fd, content, done, content.length - done, done);
      }
      // A write may say that all went well, and have lost what it was given. It is still in the page
      // cache, and in the processor's.
      if (this.#crcOf(fd, content.length) !== expectedCrc32) throw lostOnDisk(path);
    } catch (error) {
      throw toDiskError(error, 'write', { path });
    }
  }

  /** Waits until all of them are on the disk, and closes them. @throws CcxriError of the disk */
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

  /** Lets go of what is not flushed. */
  abandon(): void {
    for (const { fd } of this.#open.splice(0)) closeQuietly(fd);
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
  // Network shares tell of a full disk here.
  closeSync(fd);
}

/** Of a file that will be thrown away. */
function closeQuietly(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // It is closed all the same.
  }
}
