import {
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { isOfOpenFiles } from '../errnos.ts';
import { errnoOf, toDiskError } from '../errors.ts';
import { cannotSync } from '../fs/atomic.ts';
import { ImageCheck, imageFaultOf } from '../fs/image-content.ts';
import { lostOnDisk } from '../fs/paths.ts';
import type { Member } from './directory.ts';
import {
  type MemberUnpacker,
  type OpenArchive,
  type UnpackedMember,
  fitsInMemory,
  memberFaultOf,
  unpackLarge,
} from './inflate.ts';
import type { MemberFaults } from './member-faults.ts';

/** Some members of an archive. */
export interface UnpackTask {
  /** Its descriptor must stay open until the task has ended. */
  readonly archive: OpenArchive;
  readonly members: readonly Member[];
  /** The folder for their names, with all folders made; null: they are only checked. */
  readonly into: string | null;
  /** A damaged member is a fault, and the others are unpacked. Default: the first one is thrown. */
  readonly keepGood?: boolean | undefined;
}

/** The messages of an unpack thread. */
export interface UnpackTypes {
  readonly request: UnpackTask;
  readonly update: never;
  /** The number of bytes unpacked since the last one, about ten times a second. */
  readonly progress: number;
  /** All members are right but those that were found damaged, and on the disk if they were to be written. */
  readonly result: Pick<MemberFaults, 'damaged' | 'broken'>;
}

/** The two halves of the work: bytes from the archive, files on the disk. */
interface UnpackTools {
  readonly unpacker: MemberUnpacker;
  /** Takes what is noticed about members. */
  readonly faults: MemberFaults;
}

/**
 * Unpacks and checks members, in a thread or, where there is none, in the caller's. When it has ended,
 * all of them are on the disk; a caller that stops before that leaves no file open.
 * @yields the number of bytes unpacked since the last time, often 0: a place to stop
 * @throws CcxriError `damaged-archive`, `unsafe-archive`; of the disk
 */
export async function* unpackMembers(
  task: UnpackTask,
  { unpacker, faults }: UnpackTools,
): AsyncGenerator<number, void, void> {
  const { archive, members, into } = task;
  const files = new BatchedFileWriter();
  const pathOf = ({ name }: Member) => (into === null ? null : join(into, name));
  /** @throws what is wrong, unless it is the member alone */
  const handle = (error: unknown, member: Member) => {
    const why = task.keepGood === true ? memberFaultOf(error) : undefined;
    if (why === undefined) throw error;
    faults.damaged.push({ path: member.name, why });
    const path = pathOf(member);
    if (path !== null) files.discard(path);
  };
  try {
    for (const unpacked of unpacker.contents(archive, members.filter(fitsInMemory))) {
      const { member } = unpacked;
      const path = pathOf(member);
      try {
        const content = path === null ? unpacked.checked() : files.writeAndVerify(path, unpacked);
        faults.addPicture(member.name, () => imageFaultOf(content));
      } catch (error) {
        handle(error, member);
      }
      yield member.size;
    }
    for (const member of members) {
      if (fitsInMemory(member)) continue;
      const pieces = unpackLarge(archive, member);
      const path = pathOf(member);
      const checked = path === null ? pieces : files.writeLarge(path, member, pieces);
      const picture = new ImageCheck();
      try {
        for await (const piece of checked) {
          picture.add(piece);
          yield piece.length;
        }
        faults.addPicture(member.name, () => picture.fault);
      } catch (error) {
        handle(error, member);
      }
    }
    while (files.flushOne()) yield 0;
  } finally {
    files.dispose();
  }
}

/** Never follows a link, and never overwrites. */
const NEW_FILE = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
const NEW_FILE_MODE = 0o644;

const SPAN_BYTES = 128 * 1024;

/** How long it waits for a file to be closed: the caller's thread stands still. */
const WAIT_MS = 50;
const WAITS = 40;

/**
 * Linux allocates pages of about the size of a write. Up to 32 KiB each processor has them cached;
 * larger ones take twice the time (docs/performance.md).
 */
const PIECE_BYTES = 32 * 1024;

/**
 * New files that are flushed together: the disk takes many at once faster than one after the other,
 * and the system has begun with the first when the last is written.
 */
export class BatchedFileWriter {
  readonly #open: { readonly path: string; readonly fd: number }[] = [];
  readonly #span = new Uint8Array(SPAN_BYTES);
  readonly #sleeper = new Int32Array(new SharedArrayBuffer(4));
  /** Fewer once the process has too many open. */
  #maxOpen = Infinity;

  /**
   * Writes a file, and reads it back. One CRC-32 checks both: the content, and what is on the disk.
   * @returns the content
   * @throws CcxriError `damaged-archive`, `unsafe-archive`; of the disk; the raw error if the path exists
   */
  writeAndVerify(path: string, { member, unchecked, checked }: UnpackedMember): Uint8Array {
    try {
      const first = unchecked ?? checked();
      const fd = this.#create(path);
      const writer = openWriter(path) ?? fd;
      try {
        const writeAndCompare = (content: Uint8Array) => {
          writeAt(writer, content, 0);
          return this.#crcOf(writer, content.length) === member.crc32;
        };
        if (writeAndCompare(first)) return first;
        const content = unchecked === undefined ? first : checked();
        // A write may report success and have lost the bytes. Reading them back is cheap: they are
        // in the page cache.
        if (content === first || !writeAndCompare(content)) throw lostOnDisk(path);
        return content;
      } finally {
        if (writer !== fd) closeSync(writer);
      }
    } catch (error) {
      throw toDiskError(error, 'write', { path });
    }
  }

  /**
   * The same for a file in pieces, which are checked on their way.
   * @yields each piece when it is written
   * @throws as writeAndVerify; what `pieces` throws
   */
  async *writeLarge(
    path: string,
    member: Member,
    pieces: AsyncIterable<Uint8Array>,
  ): AsyncGenerator<Uint8Array, void, void> {
    try {
      const fd = this.#create(path);
      let bytes = 0;
      for await (const piece of pieces) {
        writeAt(fd, piece, bytes);
        bytes += piece.length;
        yield piece;
      }
      if (this.#crcOf(fd, bytes) !== member.crc32) throw lostOnDisk(path);
    } catch (error) {
      throw toDiskError(error, 'write', { path });
    }
  }

  /**
   * Waits until the next file is on the disk, and closes it.
   * @returns false: there was none left
   * @throws CcxriError of the disk
   */
  flushOne(): boolean {
    const file = this.#open.shift();
    if (file === undefined) return false;
    try {
      flushAndClose(file.fd);
      return true;
    } catch (error) {
      throw toDiskError(error, 'write', { path: file.path });
    }
  }

  /** Removes the file of a member that has turned out to be damaged. @throws CcxriError of the disk */
  discard(path: string): void {
    const at = this.#open.findIndex((file) => file.path === path);
    const [file] = at < 0 ? [] : this.#open.splice(at, 1);
    if (file === undefined) return;
    closeQuietly(file.fd);
    try {
      unlinkSync(path);
    } catch (error) {
      throw toDiskError(error, 'remove', { path });
    }
  }

  /** Closes what is not flushed. */
  dispose(): void {
    for (const { fd } of this.#open.splice(0)) closeQuietly(fd);
  }

  #create(path: string): number {
    while (this.#open.length >= this.#maxOpen) this.flushOne();
    const fd = this.#openNew(path);
    this.#open.push({ path, fd });
    return fd;
  }

  /**
   * Where too many files are open already, it flushes and closes those of the batch, and then waits for
   * others. It holds none while it waits: threads that each kept one would wait for each other.
   */
  #openNew(path: string): number {
    for (let waits = 0; ; waits += 1) {
      try {
        return openSync(path, NEW_FILE, NEW_FILE_MODE);
      } catch (error) {
        if (!isOfOpenFiles(errnoOf(error)) || waits >= WAITS) throw error;
      }
      const isAlone = this.#open.length === 0;
      this.#maxOpen = Math.max(1, Math.floor(this.#open.length / 2));
      while (this.flushOne());
      if (isAlone) Atomics.wait(this.#sleeper, 0, 0, WAIT_MS);
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
}

/**
 * Another descriptor of a new, empty file. Truncating an empty file changes nothing, but makes ext4
 * start writing to the disk when this descriptor is closed: that continues while other files are
 * written, and the flush has little left to wait for.
 * @returns undefined: too many files are open, and it is written without that
 */
function openWriter(path: string): number | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDWR | constants.O_NOFOLLOW);
  } catch (error) {
    if (isOfOpenFiles(errnoOf(error))) return undefined;
    throw error;
  }
  try {
    ftruncateSync(fd, 0);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** A full disk first shows as a short write without an error, and only then as an error. */
function writeAt(fd: number, content: Uint8Array, position: number): void {
  for (let done = 0; done < content.length;) {
    const length = Math.min(PIECE_BYTES, content.length - done);
    done += writeSync(fd, content, done, length, position + done);
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
