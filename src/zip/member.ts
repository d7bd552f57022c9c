import { lstat, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errnoOf, toDiskError } from '../errors.ts';
import { syncDirectory } from '../fs/atomic.ts';
import type { ArchiveOptions, ZipDirectory } from './directory.ts';
import type { MemberFaults } from './member-faults.ts';
import type { FileReader } from './reader.ts';
import { type UnpackPool, unpackHere } from './unpack-pool.ts';

export interface MemberWorkOptions extends ArchiveOptions {
  /** Called with the number of bytes unpacked so far. */
  readonly onBytes?: ((doneBytes: number) => void) | undefined;
  /** Absent: all is done in this thread. */
  readonly pool?: UnpackPool | undefined;
  /** A damaged member is a fault, and the others go on. Default: the first one is thrown. */
  readonly keepGood?: boolean | undefined;
}

/**
 * Unpacks every member without writing it, and so checks it: size, CRC-32, use of every packed byte.
 * @throws CcxriError `damaged-archive`, `unsafe-archive`; of the disk; `aborted`
 */
export async function checkMembers(
  reader: FileReader,
  directory: Pick<ZipDirectory, 'members'>,
  options: MemberWorkOptions,
): Promise<MemberFaults> {
  return unpackAll(reader, directory, { ...options, into: null });
}

export interface ExtractMembersOptions extends MemberWorkOptions {
  /** A folder that this process has just made, nobody else may write in, and has none of these members. */
  readonly into: string;
}

/**
 * Unpacks every member into a folder, each checked on the way (see checkMembers). When this returns,
 * all of it is on the disk, so that the folder may be renamed: a power cut leaves no half image.
 * A member that is damaged is not in the folder.
 * @throws as checkMembers; the folder is to be deleted then
 */
export async function extractMembers(
  reader: FileReader,
  directory: Pick<ZipDirectory, 'members'>,
  options: ExtractMembersOptions,
): Promise<MemberFaults> {
  const folders = foldersOf(directory).map((folder) => join(options.into, folder));
  // Created by us in a fresh folder, one by one and from the top: no link can be among them.
  for (const path of folders) {
    await mkdir(path).catch(async (error: unknown) => {
      // Of members that were unpacked into it before; a link is followed by nobody.
      if (errnoOf(error) === 'EEXIST' && (await lstat(path)).isDirectory()) return;
      throw toDiskError(error, 'make the directory', { path });
    });
  }
  const faults = await unpackAll(reader, directory, options);
  for (const path of [...folders, options.into]) {
    await syncDirectory(path).catch((error: unknown) => {
      throw toDiskError(error, 'flush', { path });
    });
  }
  return faults;
}

async function unpackAll(
  reader: FileReader,
  { members }: Pick<ZipDirectory, 'members'>,
  options: MemberWorkOptions & { readonly into: string | null },
): Promise<MemberFaults> {
  const { file, pool, signal, onBytes, into, keepGood } = options;
  let doneBytes = 0;
  const work = {
    archive: { file, path: reader.path, fd: reader.fd },
    members,
    into,
    keepGood,
    signal,
    onBytes: (bytes: number) => {
      doneBytes += bytes;
      onBytes?.(doneBytes);
    },
  };
  const faults = await (pool === undefined ? unpackHere(work) : pool.unpack(work));
  faults.sort();
  return faults;
}

/** Every folder that a member lies in, parents first. */
function foldersOf({ members }: Pick<ZipDirectory, 'members'>): readonly string[] {
  const folders = new Set<string>();
  for (const { name } of members) {
    for (let folder = dirname(name); folder !== '.'; folder = dirname(folder)) {
      if (folders.has(folder)) break;
      folders.add(folder);
    }
  }
  return [...folders].sort();
}
