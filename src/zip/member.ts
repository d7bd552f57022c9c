import { constants } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { holdsContent } from '../disk/crc32.ts';
import type { MemberRecord } from '../disk/ledger-schema.ts';
import { lostOnDisk } from '../disk/path-errors.ts';
import { syncDirectory, syncFile } from '../disk/write-atomic.ts';
import { toDiskError } from '../errors.ts';
import type { ArchiveOptions, Member, ZipDirectory } from './directory.ts';
import { forEachAtOnce } from './pool.ts';
import type { RandomReader } from './random-reader.ts';
import { readMember } from './read-member.ts';

/**
 * Members worked on at once. Node's pool has four threads; more keep them busy while others wait for
 * the disk. With WHOLE_BYTES this bounds the memory: 8 x (1 + 1) MiB an archive.
 */
const MEMBERS_AT_ONCE = 8;

export interface MemberWorkOptions extends ArchiveOptions {
  /** Hears how many unpacked bytes are done, after each member or piece of a large one. */
  readonly onBytes?: (doneBytes: number) => void;
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
  await forEachAtOnce(members, MEMBERS_AT_ONCE, (member) =>
    readMember(reader, member, options, tell),
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
  await forEachAtOnce(members, MEMBERS_AT_ONCE, (member) =>
    writeMember(reader, member, options, tell),
  );
  for (const folder of [...folders, '']) await syncFolder(join(options.into, folder));
  return toMemberRecords(members);
}

export function toMemberRecords(members: readonly Member[]): MemberRecord[] {
  return members.map(({ name, size, crc32 }) => ({ path: name, bytes: size, crc32 }));
}

function teller({ onBytes }: MemberWorkOptions): (bytes: Buffer) => void {
  let doneBytes = 0;
  return (bytes) => {
    doneBytes += bytes.length;
    onBytes?.(doneBytes);
  };
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

/** Never through a link, and never over something that is there. */
const NEW_FILE = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

async function writeMember(
  reader: RandomReader,
  member: Member,
  options: ExtractMembersOptions,
  tell: (bytes: Buffer) => void,
): Promise<void> {
  const path = join(options.into, member.name);
  try {
    const handle = await open(path, NEW_FILE, 0o644);
    try {
      await readMember(reader, member, options, async (bytes) => {
        // A full disk shows first as a short write without an error, and only then as one.
        for (let done = 0; done < bytes.length;) {
          done += (await handle.write(bytes, done)).bytesWritten;
        }
        tell(bytes);
      });
      // File by file, while others unpack, so that the disk works beside the processor: on an SSD no
      // difference to no flush at all could be measured. A rename that outlives a power cut while
      // the data does not would be a false promise.
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
