import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CcxriError, toDiskError, toErrorRecord } from '../errors.ts';
import { makeDirectoryWithin, removeIfThere } from '../fs/paths.ts';
import type { HashedFile } from '../hash/hash-file.ts';
import type { ManifestFile } from '../manifest/manifest.ts';

export interface WrongBytes {
  readonly file: ManifestFile;
  /** In the quarantine. Default: that of `file`. */
  readonly name?: string | undefined;
  readonly candidate: HashedFile;
  /** Printable; undefined: not known. */
  readonly source?: string | undefined;
  readonly error: CcxriError;
  readonly date: Date;
  /** false: the record alone is kept, for there is little disk. Default true. */
  readonly keepsBytes?: boolean | undefined;
}

/**
 * Moves wrong bytes to where they can be inspected, with a record beside them: both hashes, their
 * source, and when. Of each name the last wrong bytes are kept.
 * @param move moves them to the path that it is given
 * @returns where they are, in words
 * @throws CcxriError of the disk
 */
export async function quarantine(
  { file, name = file.name, candidate, source, error, date, keepsBytes = true }: WrongBytes,
  quarantineDir: string,
  move: (path: string) => Promise<void>,
): Promise<string> {
  const path = join(quarantineDir, name);
  const record = {
    file: file.name,
    expectedMd5: file.md5,
    foundMd5: candidate.md5,
    bytes: candidate.bytes,
    source: source ?? null,
    date: date.toISOString(),
    error: toErrorRecord(error),
  };
  await makeDirectoryWithin(quarantineDir);
  try {
    await move(path);
    if (!keepsBytes) await removeIfThere(path);
    await writeFile(`${path}.json`, `${JSON.stringify(record, null, 2)}\n`);
  } catch (failure) {
    throw toDiskError(failure, 'quarantine the wrong file', { path });
  }
  return keepsBytes ? path : `${path}.json, without the bytes`;
}
