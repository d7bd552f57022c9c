import { pipeline } from 'node:stream/promises';
import { createInflateRaw, crc32, type InflateRaw } from 'node:zlib';
import { throwIfAborted } from '../abort.ts';
import type { ArchiveOptions, Member } from './directory.ts';
import { toMemberError } from './inflate-whole.ts';
import { memberErrors } from './member-error.ts';
import type { RandomReader } from './reader.ts';

/** Hears a member's bytes, piece by piece; they are not to be kept. */
export type Sink = (bytes: Buffer) => Promise<void> | void;

/** Up to this size, packed or unpacked, a member is read and unpacked in one piece: an image is. */
export const WHOLE_BYTES = 1024 * 1024;

/** Pieces of larger members. */
const WINDOW_BYTES = 256 * 1024;

/**
 * Reads a member and checks it: its exact size, its CRC-32, and that every compressed byte is used.
 * The sink may have heard bytes before they turn out to be wrong.
 * @throws CcxriError `damaged-archive`, `unsafe-archive`; of the disk; `aborted`; what the sink throws
 */
export async function readMember(
  reader: RandomReader,
  member: Member,
  { file, signal }: ArchiveOptions,
  sink: Sink,
): Promise<void> {
  throwIfAborted(signal);
  const isSmall = Math.max(member.size, member.compressedSize) <= WHOLE_BYTES;
  const check = new ContentCheck(file, member);
  if (isSmall) {
    const content = await readWhole(reader, member, file);
    check.update(content);
    check.finish();
    await sink(content);
    return;
  }
  const checkedSink = async (bytes: Buffer) => {
    throwIfAborted(signal);
    check.update(bytes);
    await sink(bytes);
  };
  await readPieces(reader, member, file, checkedSink);
  check.finish();
}

class ContentCheck {
  readonly #member: Member;
  readonly #errors: ReturnType<typeof memberErrors>;
  #bytes = 0;
  #crc32 = 0;

  constructor(file: string, member: Member) {
    this.#member = member;
    this.#errors = memberErrors(file, member);
  }

  /** Before the bytes are handed on: not one more is than there should be. */
  update(bytes: Buffer): void {
    this.#bytes += bytes.length;
    if (this.#bytes > this.#member.size) throw this.#errors.tooLong();
    this.#crc32 = crc32(bytes, this.#crc32);
  }

  finish(): void {
    if (this.#bytes < this.#member.size) throw this.#errors.tooShort(this.#bytes);
    if (this.#crc32 !== this.#member.crc32) throw this.#errors.wrongCrc(this.#crc32);
  }
}

async function readWhole(reader: RandomReader, member: Member, file: string): Promise<Buffer> {
  const packed = Buffer.allocUnsafe(member.compressedSize);
  await reader.read(packed, member.dataStart);
  if (!member.isDeflated) return packed;
  // A little more room than is needed: where the content fills it, zlib would ask for as much again.
  const inflate = createInflateRaw({ chunkSize: member.size + 64 });
  const chunks: Buffer[] = [];
  await new Promise<void>((resolve, reject) => {
    let bytes = 0;
    inflate.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
      // What is checked behind this sees that it is too long.
      if (bytes > member.size) resolve();
    });
    inflate.on('end', resolve);
    inflate.on('error', reject);
    inflate.end(packed);
  }).catch((error: unknown) => {
    throw toMemberError(error, file, member);
  });
  const content =
    chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
  if (content.length <= member.size) assertAllUsed(inflate, file, member);
  inflate.destroy();
  return content;
}

async function readPieces(
  reader: RandomReader,
  member: Member,
  file: string,
  sink: Sink,
): Promise<void> {
  const pieces = windowsOf(reader, member);
  if (!member.isDeflated) {
    for await (const piece of pieces) await sink(piece);
    return;
  }
  const inflate = createInflateRaw({ chunkSize: WINDOW_BYTES });
  try {
    await pipeline(pieces, inflate, async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) await sink(chunk);
    });
  } catch (error) {
    // Whole pieces behind the end of the stream: the pipeline complains that nobody takes them.
    if (inflate.readableEnded) assertAllUsed(inflate, file, member);
    throw toMemberError(error, file, member);
  }
  assertAllUsed(inflate, file, member);
}

async function* windowsOf(reader: RandomReader, member: Member): AsyncGenerator<Buffer> {
  for (let done = 0; done < member.compressedSize;) {
    const window = Buffer.allocUnsafe(Math.min(WINDOW_BYTES, member.compressedSize - done));
    await reader.read(window, member.dataStart + done);
    done += window.length;
    yield window;
  }
}

/** Bytes behind the end of the deflate stream: nobody sees them, so they have no business there. */
function assertAllUsed(inflate: InflateRaw, file: string, member: Member): void {
  if (inflate.bytesWritten < member.compressedSize) throw memberErrors(file, member).unused();
}
