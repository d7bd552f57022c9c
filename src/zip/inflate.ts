import { readSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { toDiskError } from '../errors.ts';
import { Inflater } from './inflate-kernel/inflater.ts';
import { loadKernel, type Kernel } from './inflate-kernel/kernel.ts';
import { MAX_STREAM_BYTES } from './inflate-kernel/kernel-layout.ts';
import type { Member } from './directory.ts';
import { inflateWhole } from './inflate-whole.ts';
import { memberErrors } from './member-error.ts';
import { endsBefore } from './reader.ts';

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

/** Whether a member is small enough to be unpacked in one piece, as an image is. */
export function isWhole({ size, compressedSize }: Member): boolean {
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
   * @param members of which `isWhole` is true
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
