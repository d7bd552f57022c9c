import { readSync } from 'node:fs';
import { crc32, inflateRawSync } from 'node:zlib';
import { type CcxriError, errnoOf, toDiskError } from '../errors.ts';
import type { Member } from './directory.ts';
import { Inflater, type Kernel, MAX_STREAM_BYTES, loadKernel } from './inflate-kernel/inflater.ts';
import { endsBefore } from './reader.ts';
import { damaged, toName, unsafe } from './report.ts';

/** An open archive. */
export interface OpenArchive {
  /** Manifest name, for the errors. */
  readonly file: string;
  readonly path: string;
  readonly fd: number;
}

/** A member that has the right size. Its content is there until the next one is asked for. */
export interface UnpackedMember {
  readonly member: Member;
  /** For whoever compares the CRC-32 anyhow, of what was made of it. */
  readonly unchecked: Uint8Array;
  /**
   * The content that has the right CRC-32: the same, or what zlib makes of it.
   * @throws CcxriError `damaged-archive`, `unsafe-archive`; of the disk
   */
  readonly checked: () => Uint8Array;
}

/** Whether a member is small enough to be unpacked in one piece, as images are. */
export function fitsInMemory({ size, compressedSize }: Member): boolean {
  return Math.max(size, compressedSize) <= MAX_STREAM_BYTES;
}

/**
 * Reads and unpacks members in one piece each, and checks them: their exact size, that every packed
 * byte is used, and, for who asks for that, the CRC-32. Meanwhile its thread does nothing else.
 */
export class MemberUnpacker {
  readonly #inflater: Inflater<Member> | undefined;
  #buffer: Uint8Array | undefined;

  /** @param kernel null: zlib unpacks all, as where there is no WebAssembly */
  constructor(kernel: Kernel | null = loadKernel() ?? null) {
    if (kernel !== null) this.#inflater = new Inflater(kernel);
  }

  /**
   * The contents of some members, about in their order.
   * @param members of which `fitsInMemory` is true
   * @throws CcxriError `damaged-archive`, `unsafe-archive`; of the disk
   */
  *contents(archive: OpenArchive, members: Iterable<Member>): Generator<UnpackedMember> {
    const inflater = this.#inflater;
    try {
      for (const member of members) {
        if (inflater === undefined || !member.isDeflated) {
          yield this.#alone(archive, member);
          continue;
        }
        while (!inflater.hasRoom) yield* this.#settle(inflater, archive);
        readPacked(archive, member, inflater.room(member.compressedSize));
        inflater.begin(member, member.compressedSize, member.size);
      }
      while (inflater !== undefined && inflater.load > 0) yield* this.#settle(inflater, archive);
    } finally {
      inflater?.reset();
    }
  }

  *#settle(inflater: Inflater<Member>, archive: OpenArchive): Generator<UnpackedMember> {
    for (const { item: member, content } of inflater.run()) {
      // zlib has the last word, and says what is wrong.
      const alone = () => this.#alone(archive, member);
      if (content === undefined) yield alone();
      else {
        const checked = () => (crc32(content) === member.crc32 ? content : alone().checked());
        yield { member, unchecked: content, checked };
      }
    }
  }

  /** By zlib, or as it is stored; and checked. */
  #alone(archive: OpenArchive, member: Member): UnpackedMember {
    this.#buffer ??= new Uint8Array(MAX_STREAM_BYTES);
    const packed = this.#buffer.subarray(0, member.compressedSize);
    readPacked(archive, member, packed);
    const content = member.isDeflated ? inflateWhole(packed, member, archive.file) : packed;
    const found = crc32(content);
    if (found !== member.crc32) throw memberErrors(archive.file, member).wrongCrc(found);
    return { member, unchecked: content, checked: () => content };
  }
}

function readPacked({ fd, path }: OpenArchive, { dataStart }: Member, into: Uint8Array): void {
  try {
    for (let done = 0; done < into.length;) {
      const bytes = readSync(fd, into, done, into.length - done, dataStart + done);
      if (bytes === 0) throw endsBefore(path, dataStart + into.length);
      done += bytes;
    }
  } catch (error) {
    throw toDiskError(error, 'read', { path });
  }
}

/** zlib's complaints. Z_BUF_ERROR: the stream is not whole. */
const ZLIB_CODES = new Set(['Z_DATA_ERROR', 'Z_BUF_ERROR', 'Z_NEED_DICT', 'Z_STREAM_ERROR']);

/** zlib's complaints in ccxri's words; all else as it came. */
export function toMemberError(error: unknown, file: string, member: Member): unknown {
  const code = errnoOf(error) ?? '';
  if (!(error instanceof Error) || !ZLIB_CODES.has(code)) return error;
  return memberErrors(file, member).undecodable(error.message);
}

/**
 * A member's content, unpacked by zlib in one go while the thread waits.
 * @param packed all its packed bytes
 * @throws CcxriError `damaged-archive`, `unsafe-archive`: it is not of its size, not whole, or there
 *   are bytes behind its end
 */
export function inflateWhole(packed: Uint8Array, member: Member, file: string): Uint8Array {
  const errors = memberErrors(file, member);
  const { content, usedBytes } = inflate(packed, member, file);
  if (content.length > member.size) throw errors.tooLong();
  if (usedBytes < packed.length) throw errors.unused();
  if (content.length < member.size) throw errors.tooShort(content.length);
  return content;
}

function inflate(packed: Uint8Array, member: Member, file: string) {
  // A little more room than is needed: where the content fills it, zlib would ask for as much again.
  const room = member.size + 64;
  try {
    return splitInfo(
      inflateRawSync(packed, { info: true, chunkSize: room, maxOutputLength: room }),
    );
  } catch (error) {
    if (errnoOf(error) === 'ERR_BUFFER_TOO_LARGE') throw memberErrors(file, member).tooLong();
    throw toMemberError(error, file, member);
  }
}

/** With `info` there come two things back; Node's types know of one. */
function splitInfo(result: object) {
  if ('buffer' in result && result.buffer instanceof Uint8Array && 'engine' in result) {
    const { buffer: content, engine } = result;
    if (typeof engine === 'object' && engine !== null && 'bytesWritten' in engine) {
      return { content, usedBytes: Number(engine.bytesWritten) };
    }
  }
  throw new Error('zlib did not report how many bytes it used');
}

/** What can turn out wrong with a member's bytes; the texts are the same however they are read. */
export const memberErrors = (file: string, { name, size, crc32 }: Member) => ({
  tooLong: (): CcxriError =>
    unsafe(file, {
      code: 'expands-beyond-size',
      text: `${toName(name)}: expands beyond its declared size of ${size} bytes`,
    }),
  unused: (): CcxriError =>
    unsafe(file, {
      code: 'trailing-data',
      text: `${toName(name)}: has trailing data after the deflate stream`,
    }),
  tooShort: (found: number): CcxriError =>
    damaged(file, `${toName(name)} expands to fewer bytes than its declared size`, {
      expected: `${size} bytes`,
      found: `${found} bytes`,
    }),
  wrongCrc: (found: number): CcxriError =>
    damaged(file, `${toName(name)} has the wrong content`, {
      expected: `CRC-32 ${toHex(crc32)}`,
      found: `CRC-32 ${toHex(found)}`,
    }),
  undecodable: (why: string): CcxriError =>
    damaged(file, `${toName(name)} can't be unpacked: ${why}`),
});

function toHex(crc32: number): string {
  return crc32.toString(16).padStart(8, '0');
}
