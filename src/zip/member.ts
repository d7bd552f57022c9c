import { mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type InflateRaw, crc32, createInflateRaw } from 'node:zlib';
import { throwIfAborted } from '../abort.ts';
import { forEachAtOnce } from '../concurrency.ts';
import { toDiskError } from '../errors.ts';
import { syncDirectory, syncFile } from '../fs/atomic.ts';
import { holdsContent } from '../fs/content.ts';
import { lostOnDisk } from '../fs/paths.ts';
import type { ArchiveOptions, Member, ZipDirectory } from './directory.ts';
import { fitsInMemory, inflateWhole, memberErrors, toMemberError } from './inflate.ts';
import type { RandomReader } from './reader.ts';
import type { UnpackPool } from './unpack-pool.ts';
import { NEW_FILE, NEW_FILE_MODE } from './unpack-task.ts';

/**
 * Members worked on at once. Node's pool has four threads; more keep them busy while others wait for
 * the disk. With WHOLE_BYTES this bounds the memory: 8 x (1 + 1) MiB an archive.
 */
const MEMBERS_AT_ONCE = 8;

export interface MemberWorkOptions extends ArchiveOptions {
  /** Called with the number of bytes unpacked so far, after each member or piece of a large one. */
  readonly onBytes?: ((doneBytes: number) => void) | undefined;
  /** Threads, and the open file that they read. Absent: all is done in this thread. */
  readonly pool?: UnpackPool | undefined;
  readonly openFile?: { readonly path: string; readonly fd: number } | undefined;
}

/**
 * Unpacks every member into nothing, and so checks it: size, CRC-32, use of every compressed byte.
 * @throws CcxriError `damaged-archive`, `unsafe-archive`; of the disk; `aborted`
 */
export async function checkMembers(
  reader: RandomReader,
  { members }: Pick<ZipDirectory, 'members'>,
  options: MemberWorkOptions,
): Promise<void> {
  const onUnpacked = countBytes(options);
  const { file } = options;
  await workOnAll(members, { ...options, into: null, onUnpacked }, (member, signal) =>
    readMember(reader, member, { file, signal }, ({ length }) => onUnpacked(length)),
  );
}

export interface ExtractMembersOptions extends MemberWorkOptions {
  /** An empty folder that this process has just made, and nobody else may write in. */
  readonly into: string;
}

/**
 * Unpacks every member into a folder, each checked on the way (see checkMembers). When this returns,
 * all of it is on the disk, so that the folder may be renamed: a power cut leaves no half image.
 * @throws as checkMembers; the folder is to be thrown away then
 */
export async function extractMembers(
  reader: RandomReader,
  { members }: Pick<ZipDirectory, 'members'>,
  options: ExtractMembersOptions,
): Promise<void> {
  const onUnpacked = countBytes(options);
  const folders = foldersOf(members);
  // Made by us in a fresh folder, one by one and from the top: no link can be among them.
  for (const folder of folders) await makeFolder(join(options.into, folder));
  await workOnAll(members, { ...options, onUnpacked }, (member, signal) =>
    writeMember(reader, member, { ...options, signal }, onUnpacked),
  );
  for (const folder of [...folders, '']) await syncFolder(join(options.into, folder));
}

function countBytes({ onBytes }: MemberWorkOptions): (bytes: number) => void {
  let doneBytes = 0;
  return (bytes) => {
    doneBytes += bytes;
    onBytes?.(doneBytes);
  };
}

interface AllWork extends MemberWorkOptions {
  readonly into: string | null;
  readonly onUnpacked: (bytes: number) => void;
}

/**
 * Members that fit in memory go to the threads; large ones are done here, in pieces.
 * @param work one member, here
 */
async function workOnAll(
  members: readonly Member[],
  { file, signal, pool, openFile, into, onUnpacked }: AllWork,
  work: (member: Member, signal: AbortSignal | undefined) => Promise<void>,
): Promise<void> {
  const workHere = (some: readonly Member[], stop = signal) =>
    forEachAtOnce(some, MEMBERS_AT_ONCE, (member) => work(member, stop));
  if (pool === undefined || openFile === undefined) return workHere(members);
  const stop = new AbortController();
  const either = AbortSignal.any(signal === undefined ? [stop.signal] : [signal, stop.signal]);
  const [whole, large] = [
    members.filter(fitsInMemory),
    members.filter((member) => !fitsInMemory(member)),
  ];
  const inThreads = async () => {
    const archive = { file, ...openFile };
    const isDone = await pool.unpack({
      archive,
      members: whole,
      into,
      signal: either,
      onBytes: onUnpacked,
    });
    if (!isDone) await workHere(whole, either);
  };
  // Where one of the two fails, the other is not to go on for minutes.
  await forEachAtOnce([inThreads, () => workHere(large, either)], 2, async (each) => {
    try {
      await each();
    } catch (error) {
      stop.abort(error);
      throw error;
    }
  });
}

/** Every folder that a member lies in, those above before those below. */
function foldersOf(members: readonly Member[]): readonly string[] {
  const folders = new Set<string>();
  for (const { name } of members) {
    for (let folder = dirname(name); folder !== '.'; folder = dirname(folder)) {
      if (folders.has(folder)) break;
      folders.add(folder);
    }
  }
  return [...folders].sort();
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    throw toDiskError(error, 'make the directory', { path });
  }
}

async function syncFolder(path: string): Promise<void> {
  try {
    await syncDirectory(path);
  } catch (error) {
    throw toDiskError(error, 'flush', { path });
  }
}

async function writeMember(
  reader: RandomReader,
  member: Member,
  options: ExtractMembersOptions,
  onUnpacked: (bytes: number) => void,
): Promise<void> {
  const path = join(options.into, member.name);
  try {
    const handle = await open(path, NEW_FILE, NEW_FILE_MODE);
    try {
      await readMember(reader, member, options, async (bytes) => {
        // A full disk shows first as a short write without an error, and only then as one.
        for (let done = 0; done < bytes.length;) {
          done += (await handle.write(bytes, done)).bytesWritten;
        }
        onUnpacked(bytes.length);
      });
      // Else a power cut might keep the rename and lose the data.
      await syncFile({ sync: () => handle.datasync() });
      // A write may report success and have lost the bytes.
      if (!(await holdsContent(handle, { bytes: member.size, crc32: member.crc32 }))) {
        throw lostOnDisk(path);
      }
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw toDiskError(error, 'write', { path });
  }
}

/** Receives a member's bytes, piece by piece, and must not keep them. */
export type Sink = (bytes: Uint8Array) => Promise<void> | void;

/** Up to this size, packed or unpacked, a member is read and unpacked in one piece: an image is. */
export const WHOLE_BYTES = 1024 * 1024;

/** Pieces of larger members. */
const WINDOW_BYTES = 256 * 1024;

/**
 * Reads a member and checks it: its exact size, its CRC-32, and that every compressed byte is used.
 * The sink may receive bytes before they turn out to be wrong.
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
  const checkedSink = async (bytes: Uint8Array) => {
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
  update(bytes: Uint8Array): void {
    this.#bytes += bytes.length;
    if (this.#bytes > this.#member.size) throw this.#errors.tooLong();
    this.#crc32 = crc32(bytes, this.#crc32);
  }

  finish(): void {
    if (this.#bytes < this.#member.size) throw this.#errors.tooShort(this.#bytes);
    if (this.#crc32 !== this.#member.crc32) throw this.#errors.wrongCrc(this.#crc32);
  }
}

async function readWhole(reader: RandomReader, member: Member, file: string): Promise<Uint8Array> {
  const packed = Buffer.allocUnsafe(member.compressedSize);
  await reader.read(packed, member.dataStart);
  return member.isDeflated ? inflateWhole(packed, member, file) : packed;
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
    // With whole pieces behind the end of the stream the pipeline fails: nobody reads them.
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

/** Nobody would see bytes behind the end of the deflate stream. */
function assertAllUsed(inflate: InflateRaw, file: string, member: Member): void {
  if (inflate.bytesWritten < member.compressedSize) throw memberErrors(file, member).unused();
}
