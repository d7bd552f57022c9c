import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { ZipDirectory } from '../../src/zip/directory.ts';
import { type OpenArchive, unpackLarge } from '../../src/zip/inflate.ts';
import { openFileReader, type FileReader } from '../../src/zip/reader.ts';
import type { UnpackWork } from '../../src/zip/unpack-pool.ts';
import { type ZipMember, type ZipShape, buildZip } from './zip-builder.ts';
import { readDirectory } from './read-directory.ts';

export const ARCHIVE_FILE = 'x.zip';

/** An archive on the disk, checked and open. It is closed when the test has ended. */
export interface ArchiveFile {
  readonly reader: FileReader;
  readonly directory: ZipDirectory;
}

export async function makeArchiveFile(
  folder: string,
  members: readonly ZipMember[],
  shape?: ZipShape,
): Promise<ArchiveFile> {
  const path = join(folder, ARCHIVE_FILE);
  await writeFile(path, buildZip(members, shape));
  const reader = await openFileReader(path);
  onTestFinished(() => reader.close());
  return { reader, directory: await readDirectory(reader, { file: ARCHIVE_FILE }) };
}

/** A check of an archive in threads, with nothing around it. */
export function workOn(
  { reader, directory }: ArchiveFile,
  onBytes: UnpackWork['onBytes'] = () => undefined,
): UnpackWork {
  return {
    archive: { file: ARCHIVE_FILE, path: reader.path, fd: reader.fd },
    members: directory.members,
    ...{ into: null, signal: undefined, onBytes },
  };
}

/** An open file that holds one archive after the other. */
export function scratchArchive(folder: string): { fill(bytes: Uint8Array): OpenArchive } {
  const path = join(folder, ARCHIVE_FILE);
  const fd = openSync(path, 'w+');
  onTestFinished(() => closeSync(fd));
  return {
    fill(bytes) {
      ftruncateSync(fd, 0);
      writeSync(fd, bytes, 0, bytes.length, 0);
      return { file: ARCHIVE_FILE, path, fd };
    },
  };
}

/** Each member's content, unpacked as the large ones are, whatever its size. */
export async function contentsInPieces(
  archive: OpenArchive,
  { members }: Pick<ZipDirectory, 'members'>,
): Promise<ReadonlyMap<string, Buffer>> {
  const contents = new Map<string, Buffer>();
  for (const member of members) {
    const pieces: Uint8Array[] = [];
    for await (const piece of unpackLarge(archive, member)) pieces.push(piece);
    contents.set(member.name, Buffer.concat(pieces));
  }
  return contents;
}
