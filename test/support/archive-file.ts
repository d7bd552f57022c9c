import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { ZipDirectory } from '../../src/zip/directory.ts';
import { openFileReader, type FileReader } from '../../src/zip/reader.ts';
import { buildZip, type ZipMember } from './zip-builder.ts';
import { readDirectory } from './read-directory.ts';

export const ARCHIVE_FILE = 'x.zip';

/** An archive on the disk, judged and open. It is closed when the test has ended. */
export interface ArchiveFile {
  readonly reader: FileReader;
  readonly directory: ZipDirectory;
}

export async function makeArchiveFile(
  folder: string,
  members: readonly ZipMember[],
): Promise<ArchiveFile> {
  const path = join(folder, ARCHIVE_FILE);
  await writeFile(path, buildZip(members));
  const reader = await openFileReader(path);
  onTestFinished(() => reader.close());
  return { reader, directory: await readDirectory(reader, { file: ARCHIVE_FILE }) };
}
