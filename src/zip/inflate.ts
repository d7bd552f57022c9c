import { readSync } from 'node:fs';
import { pipeline } from 'node:stream';
import { crc32, createInflateRaw, inflateRaw, inflateRawSync } from 'node:zlib';
import { type CcxriError, type ErrorFacts, errnoOf, isCcxriError, toDiskError } from '../errors.ts';
import type { Member } from './directory.ts';
import { Inflater, type Kernel, MAX_STREAM_BYTES, loadKernel } from './inflate-kernel/inflater.ts';
import { type RandomReader, endsBefore } from './reader.ts';
import { type RejectCode, damaged, toName, unsafe } from './report.ts';

/** An open archive. */
export interface OpenArchive {
  /** Manifest name, for the errors. */
  readonly file: string;
  readonly path: string;
  readonly fd: number;
}

/** An unpacked member. Its content is valid until the next one is requested. */
export interface UnpackedMember {
  readonly member: Member;
  /**
   * Of the right size, for a caller that compares the CRC-32 anyway, of what it has written; undefined:
   * only `checked` has the content.
   */
  readonly unchecked: Uint8Array | undefined;
  /**
   * The content with the right size and CRC-32: the same bytes, or what zlib makes of the member.
   * @throws CcxriError `damaged-archive`, `unsafe-archive`; of the disk
   */
  readonly checked: () => Uint8Array;
}

/** Whether a member is small enough to be unpacked in one piece, as images are. */
export function fitsInMemory({ size, compressedSize }: Member): boolean {
  return Math.max(size, compressedSize) <= MAX_STREAM_BYTES;
}

/**
 * Reads and unpacks members in one piece each, and checks them: the exact size, that every packed byte
 * is used, and the CRC-32 if the caller requests it. Blocks its thread.
 */
export class MemberUnpacker {
  readonly #inflater: Inflater<Member> | undefined;
  #buffer: Uint8Array | undefined;

  /** @param kernel null: zlib unpacks all, as it does without WebAssembly */
  constructor(kernel: Kernel | null = loadKernel() ?? null) {
    if (kernel !== null) this.#inflater = new Inflater(kernel);
  }

  /**
   * The contents of some members, roughly in their order.
   * @param members of which `fitsInMemory` is true
   * @throws CcxriError of the disk. What is wrong with a member is thrown by its `checked`: the next
   *   members can be unpacked all the same
   */
  *contents(archive: OpenArchive, members: Iterable<Member>): Generator<UnpackedMember> {
    const inflater = this.#inflater;
    try {
      for (const member of members) {
        if (inflater === undefined || !member.isDeflated) {
          const checked = () => this.#alone(archive, member);
          yield { member, unchecked: undefined, checked };
          continue;
        }
        while (!inflater.hasRoom) yield* this.#settle(inflater, archive);
        readFully(archive, inflater.room(member.compressedSize), member.dataStart);
        inflater.begin(member, member.compressedSize, member.size);
      }
      while (inflater !== undefined && inflater.load > 0) yield* this.#settle(inflater, archive);
    } finally {
      inflater?.reset();
    }
  }

  *#settle(inflater: Inflater<Member>, archive: OpenArchive): Generator<UnpackedMember> {
    for (const { item: member, content } of inflater.run()) {
      // zlib decides, and reports what is wrong.
      const alone = () => this.#alone(archive, member);
      const checked = () => (content && crc32(content) === member.crc32 ? content : alone());
      yield { member, unchecked: content, checked };
    }
  }

  /** By zlib or stored, and checked. */
  #alone(archive: OpenArchive, member: Member): Uint8Array {
    this.#buffer ??= new Uint8Array(MAX_STREAM_BYTES);
    const packed = this.#buffer.subarray(0, member.compressedSize);
    readFully(archive, packed, member.dataStart);
    const content = member.isDeflated ? inflateWhole(packed, member, archive.file) : packed;
    const found = crc32(content);
    if (found !== member.crc32) throw memberErrors(archive.file, member).wrongCrc(found);
    return content;
  }
}

/** A large member is read, inflated and written this much at a time. */
const WINDOW_BYTES = 256 * 1024;

/**
 * Unpacks a member that does not fit in memory, in pieces. Asynchronous, since Node has no synchronous
 * inflate that keeps its state between two pieces. It checks the same as `MemberUnpacker`, but a
 * caller receives the pieces before the last check.
 * @throws CcxriError `damaged-archive`, `unsafe-archive`; of the disk
 */
export async function* unpackLarge(
  archive: OpenArchive,
  member: Member,
): AsyncGenerator<Uint8Array, void, void> {
  const errors = memberErrors(archive.file, member);
  const windows = packedWindows(archive, member);
  let bytes = 0;
  let crc = 0;
  const pieces = member.isDeflated ? inflateWindows(windows, archive, member) : windows;
  for await (const piece of pieces) {
    bytes += piece.length;
    if (bytes > member.size) throw errors.tooLong();
    crc = crc32(piece, crc);
    yield piece;
  }
  if (bytes < member.size) throw errors.tooShort(bytes);
  if (crc !== member.crc32) throw errors.wrongCrc(crc);
}

async function* inflateWindows(
  windows: Iterable<Uint8Array>,
  { file }: OpenArchive,
  member: Member,
): AsyncGenerator<Uint8Array, void, void> {
  const inflate = createInflateRaw({ chunkSize: WINDOW_BYTES });
  // The loop below receives its errors; windows left behind the end of the stream are checked after it.
  pipeline(windows, inflate, () => undefined);
  try {
    for await (const piece of inflate) yield piece;
  } catch (error) {
    throw toMemberError(error, file, member);
  }
  if (inflate.bytesWritten < member.compressedSize) throw memberErrors(file, member).unused();
}

function* packedWindows(archive: OpenArchive, member: Member): Generator<Uint8Array, void, void> {
  for (let done = 0; done < member.compressedSize;) {
    const window = Buffer.allocUnsafe(Math.min(WINDOW_BYTES, member.compressedSize - done));
    readFully(archive, window, member.dataStart + done);
    done += window.length;
    yield window;
  }
}

function readFully({ fd, path }: OpenArchive, into: Uint8Array, position: number): void {
  try {
    for (let done = 0; done < into.length;) {
      const bytes = readSync(fd, into, done, into.length - done, position + done);
      if (bytes === 0) throw endsBefore(path, position + into.length);
      done += bytes;
    }
  } catch (error) {
    throw toDiskError(error, 'read', { path });
  }
}

/** zlib's complaints. Z_BUF_ERROR: the stream is not whole. */
const ZLIB_CODES = new Set(['Z_DATA_ERROR', 'Z_BUF_ERROR', 'Z_NEED_DICT', 'Z_STREAM_ERROR']);

/** zlib's complaints in ccxri's words; any other error unchanged. */
function toMemberError(error: unknown, file: string, member: Member): unknown {
  const code = errnoOf(error) ?? '';
  if (!(error instanceof Error) || !ZLIB_CODES.has(code)) return error;
  return memberErrors(file, member).undecodable(error.message);
}

/** What zlib has made of a member, if it is all of it. @throws CcxriError as `inflateWhole` */
function judgeInflated(result: object, member: Member, file: string): Uint8Array {
  const errors = memberErrors(file, member);
  const { content, usedBytes } = splitInfo(result);
  if (content.length > member.size) throw errors.tooLong();
  if (usedBytes < member.compressedSize) throw errors.unused();
  if (content.length < member.size) throw errors.tooShort(content.length);
  return content;
}

function inflateErrorOf(error: unknown, member: Member, file: string): unknown {
  if (errnoOf(error) === 'ERR_BUFFER_TOO_LARGE') return memberErrors(file, member).tooLong();
  return toMemberError(error, file, member);
}

/** A little more room than is needed: if the content fills it, zlib requests as much again. */
function optionsFor({ size }: Member) {
  const room = size + 64;
  return { info: true, chunkSize: room, maxOutputLength: room };
}

/**
 * A member's content, unpacked by zlib in one go.
 * @param packed all its packed bytes
 * @throws CcxriError `damaged-archive`, `unsafe-archive`: wrong size, truncated, or trailing data
 */
function inflateWhole(packed: Uint8Array, member: Member, file: string): Uint8Array {
  try {
    return judgeInflated(inflateRawSync(packed, optionsFor(member)), member, file);
  } catch (error) {
    throw inflateErrorOf(error, member, file);
  }
}

/**
 * Memory for packed bytes that is used again. Each 64 MB of new buffers make V8 collect garbage: with a new one for
 * each of some thousand images that takes as long as inflating them.
 */
export class PackedRooms {
  readonly #free: Buffer[] = [];

  /** @param use must be done with the room when its promise is settled */
  async lend<T>(bytes: number, use: (room: Buffer) => Promise<T>): Promise<T> {
    const found = this.#free.pop();
    const room = found !== undefined && found.length >= bytes ? found : Buffer.allocUnsafe(bytes);
    try {
      return await use(room.subarray(0, bytes));
    } finally {
      this.#free.push(room);
    }
  }
}

/**
 * Reads one member, has it unpacked in one of Node's own threads, and checks it: the exact size, that every
 * packed byte is used, the CRC-32. Several may be under way at once.
 * @param member of which `fitsInMemory` is true
 * @param file manifest name of the archive, for the errors
 * @param rooms for the packed bytes
 * @throws CcxriError `damaged-archive`, `unsafe-archive`; of the disk
 */
export async function readMember(
  reader: RandomReader,
  member: Member,
  file: string,
  rooms: PackedRooms,
): Promise<Uint8Array> {
  const read = async (packed: Buffer) => {
    await reader.read(packed, member.dataStart);
    return packed;
  };
  const { compressedSize, isDeflated } = member;
  const content = isDeflated
    ? await rooms.lend(compressedSize, async (room) =>
        inflateInThread(await read(room), member, file),
      )
    : await read(Buffer.allocUnsafe(compressedSize));
  const found = crc32(content);
  if (found !== member.crc32) throw memberErrors(file, member).wrongCrc(found);
  return content;
}

async function inflateInThread(packed: Buffer, member: Member, file: string): Promise<Uint8Array> {
  try {
    const inflated = await new Promise<object>((resolve, reject) => {
      inflateRaw(packed, optionsFor(member), (error, result) =>
        error === null ? resolve(result) : reject(error),
      );
    });
    return judgeInflated(inflated, member, file);
  } catch (error) {
    throw inflateErrorOf(error, member, file);
  }
}

/** `info` makes zlib return two things; Node's types know of one. */
export function splitInfo(result: object) {
  if ('buffer' in result && result.buffer instanceof Uint8Array && 'engine' in result) {
    const { buffer: content, engine } = result;
    if (typeof engine === 'object' && engine !== null && 'bytesWritten' in engine) {
      return { content, usedBytes: Number(engine.bytesWritten) };
    }
  }
  throw new Error('zlib did not report how many bytes it used');
}

/** What can be wrong with a member's bytes; the texts are the same however they are unpacked. */
const memberErrors = (file: string, { name, size, crc32 }: Member) => {
  const unsafeMember = (code: RejectCode, memberFault: string): CcxriError =>
    unsafe(file, { code, text: `${toName(name)}: ${memberFault}` }, { memberFault });
  const damagedMember = (memberFault: string, facts: ErrorFacts = {}): CcxriError =>
    damaged(file, `${toName(name)} ${memberFault}`, { memberFault, ...facts });
  return {
    tooLong: () =>
      unsafeMember('expands-beyond-size', `expands beyond its declared size of ${size} bytes`),
    unused: () => unsafeMember('trailing-data', 'has trailing data after the deflate stream'),
    tooShort: (found: number) =>
      damagedMember('expands to fewer bytes than its declared size', {
        expected: `${size} bytes`,
        found: `${found} bytes`,
      }),
    wrongCrc: (found: number) =>
      damagedMember('has the wrong content', {
        expected: `CRC-32 ${toHex(crc32)}`,
        found: `CRC-32 ${toHex(found)}`,
      }),
    undecodable: (why: string) => damagedMember(`can't be unpacked: ${why}`),
  };
};

/**
 * What is wrong with one member, in words, without its name; undefined: the error is not of the member
 * alone.
 */
export function memberFaultOf(error: unknown): string | undefined {
  if (!isCcxriError(error)) return undefined;
  const { memberFault, expected, found } = error.facts;
  if (memberFault === undefined || found === undefined) return memberFault;
  return `${memberFault} (${String(expected)}, got ${found})`;
}

function toHex(crc32: number): string {
  return crc32.toString(16).padStart(8, '0');
}
