import { mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { holdsContent } from '../fs/content.ts';
import type { MemberRecord } from '../dataset/ledger-schema.ts';
import { lostOnDisk } from '../fs/path-errors.ts';
import { syncDirectory, syncFile } from '../fs/atomic.ts';
import { toDiskError } from '../errors.ts';
import type { ArchiveOptions, Member, ZipDirectory } from './directory.ts';
import { isWhole } from './inflate.ts';
import { NEW_FILE, NEW_FILE_MODE } from './new-files.ts';
import { forEachAtOnce } from '../concurrency.ts';
import type { RandomReader } from './reader.ts';
import { readMember } from './read-member.ts';
import type { UnpackPool } from './unpack-pool.ts';

/**
 * Members worked on at once. Node's pool has four threads; more keep them busy while others wait for
 * the disk. With WHOLE_BYTES this bounds the memory: 8 x (1 + 1) MiB an archive.
 */
const MEMBERS_AT_ONCE = 8;

export interface MemberWorkOptions extends ArchiveOptions {
  /** Hears how many unpacked bytes are done, after each member or piece of a large one. */
  readonly onBytes?: (doneBytes: number) => void;
  /** Threads for what is read from a file. Absent: all is done in this one. */
  readonly pool?: UnpackPool | undefined;
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
  const tell = teller(options);
  const { file } = options;
  await workOnAll(reader, members, { ...options, into: null, tell }, (member, signal) =>
    readMember(reader, member, { file, signal }, ({ length }) => tell(length)),
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
): Promise<readonly MemberRecord[]> {
  const tell = teller(options);
  const folders = foldersOf(members);
  // Made by us in a fresh folder, one by one and from the top: no link can be among them.
  for (const folder of folders) await makeFolder(join(options.into, folder));
  await workOnAll(reader, members, { ...options, tell }, (member, signal) =>
    writeMember(reader, member, { ...options, signal }, tell),
  );
  for (const folder of [...folders, '']) await syncFolder(join(options.into, folder));
  return toMemberRecords(members);
}

export function toMemberRecords(members: readonly Member[]): MemberRecord[] {
  return members.map(({ name, size, crc32 }) => ({ path: name, bytes: size, crc32 }));
}

function teller({ onBytes }: MemberWorkOptions): (bytes: number) => void {
  let doneBytes = 0;
  return (bytes) => {
    doneBytes += bytes;
    onBytes?.(doneBytes);
  };
}

interface AllWork extends MemberWorkOptions {
  readonly into: string | null;
  readonly tell: (bytes: number) => void;
}

/**
 * What threads can take, images above all, goes to them; the rest is done here, in pieces.
 * @param work one member, here
 */
async function workOnAll(
  reader: RandomReader,
  members: readonly Member[],
  { file, signal, pool, into, tell }: AllWork,
  work: (member: Member, signal: AbortSignal | undefined) => Promise<void>,
): Promise<void> {
  const workHere = (some: readonly Member[], stop = signal) =>
    forEachAtOnce(some, MEMBERS_AT_ONCE, (member) => work(member, stop));
  const { openFile } = reader;
  if (pool === undefined || openFile === undefined) return workHere(members);
  const stop = new AbortController();
  const either = AbortSignal.any(signal === undefined ? [stop.signal] : [signal, stop.signal]);
  const [whole, large] = [members.filter(isWhole), members.filter((member) => !isWhole(member))];
  const inThreads = async () => {
    const archive = { file, ...openFile };
    const isDone = await pool.unpack({
      archive,
      members: whole,
      into,
      signal: either,
      onBytes: tell,
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
  tell: (bytes: number) => void,
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
        tell(bytes.length);
      });
      // A rename that outlives a power cut while the data does not would be a false promise.
      await syncFile({ sync: () => handle.datasync() });
      // A write may say that all went well, and have lost what it was given.
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
