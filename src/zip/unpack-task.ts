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
import { toErrorData } from '../threads/error-data.ts';
import type { MemberUnpacker, UnpackedMember } from './inflate.ts';
import type { FromUnpackThread, UnpackTask } from './unpack-pool.ts';

const PROGRESS_EVERY_MS = 100;

/**
 * Works through a task, to its end or to the first thing that goes wrong.
 * @param tell hears of the progress
 * @returns the last message
 */
export function workThrough(
  task: UnpackTask,
  unpacker: MemberUnpacker,
  tell: (message: FromUnpackThread) => void,
): FromUnpackThread {
  const files = new NewFiles();
  try {
    const progress = new Progress(tell);
    for (const unpacked of unpacker.contents(task, task.members)) {
      // In every turn: a stop is heard within a member.
      if (Atomics.load(task.stop, 0) !== 0) return { kind: 'stopped' };
      const { member, checked } = unpacked;
      if (task.into === null) checked();
      else files.write(join(task.into, member.name), unpacked);
      progress.add(member.size);
    }
    files.flush();
    progress.end();
    return { kind: 'done' };
  } catch (error) {
    return { kind: 'failed', error: toErrorData(error) };
  } finally {
    files.abandon();
  }
}

class Progress {
  readonly #tell: (message: FromUnpackThread) => void;
  #doneBytes = 0;
  #toldAtMs = performance.now();

  constructor(tell: (message: FromUnpackThread) => void) {
    this.#tell = tell;
  }

  add(bytes: number): void {
    this.#doneBytes += bytes;
    if (performance.now() - this.#toldAtMs >= PROGRESS_EVERY_MS) this.end();
  }

  end(): void {
    this.#toldAtMs = performance.now();
    this.#tell({ kind: 'progress', doneBytes: this.#doneBytes });
  }
}

/** Never through a link, and never over something that is there. */
export const NEW_FILE =
  constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
export const NEW_FILE_MODE = 0o644;

const SPAN_BYTES = 128 * 1024;
/**
 * Linux takes a write of some size into pages of about that size. Up to 32 KiB it has them at hand,
 * for each processor; larger ones cost it twice the time (docs/performance.md).
 */
const PIECE_BYTES = 32 * 1024;

/**
 * Files that are written one after the other, and flushed together: the disk takes many at once
 * faster than each by itself, and the system has begun with the first when the last is written.
 */
export class NewFiles {
  readonly #open: { readonly path: string; readonly fd: number }[] = [];
  readonly #span = new Uint8Array(SPAN_BYTES);

  /**
   * Writes a file, and reads it back. One CRC-32 shows both: that the content is right, and that it
   * is what lies there.
   * @throws CcxriError `damaged-archive`, `unsafe-archive`; of the disk; the raw error where something
   *   lies there
   */
  write(path: string, { member, unchecked, checked }: UnpackedMember): void {
    try {
      const fd = openSync(path, NEW_FILE, NEW_FILE_MODE);
      this.#open.push({ path, fd });
      const writer = openWriter(path);
      try {
        const put = (content: Uint8Array) => {
          writeAt(writer, content);
          return this.#crcOf(writer, content.length) === member.crc32;
        };
        if (put(unchecked)) return;
        const content = checked();
        // A write may say that all went well, and have lost what it was given. It is still in the
        // page cache, and in the processor's.
        if (content === unchecked || !put(content)) throw lostOnDisk(path);
      } finally {
        closeSync(writer);
      }
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
