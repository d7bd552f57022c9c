import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CcxriError, toDiskError, toErrorRecord } from '../errors.ts';
import { makeDirectoryWithin } from '../fs/paths.ts';
import type { HashedFile } from '../hash/hash-file.ts';
import type { ManifestFile } from '../manifest/schema.ts';

export interface WrongBytes {
  readonly file: ManifestFile;
  readonly candidate: HashedFile;
  /** Printable: where they came from; absent where that is not known. */
  readonly source?: string | undefined;
  readonly error: CcxriError;
}

/**
 * Keeps wrong bytes where somebody can look at them, with what is known of them beside: both
 * hashes, where they came from, and when. Of each file the last ones are kept.
 * @param move moves them to the path that it is given
 * @returns where they lie
 * @throws CcxriError of the disk
 */
export async function putAside(
  { file, candidate, source, error }: WrongBytes,
  { badDirectory, date }: { readonly badDirectory: string; readonly date: Date },
  move: (path: string) => Promise<void>,
): Promise<string> {
  const path = join(badDirectory, file.name);
  const record = {
    file: file.name,
    expectedMd5: file.md5,
    foundMd5: candidate.md5,
    bytes: candidate.bytes,
    source: source ?? null,
    date: date.toISOString(),
    error: toErrorRecord(error),
  };
  await makeDirectoryWithin(badDirectory);
  try {
    await move(path);
    await writeFile(`${path}.json`, `${JSON.stringify(record, null, 2)}\n`);
  } catch (failure) {
    throw toDiskError(failure, 'put the wrong file aside', { path });
  }
  return path;
}
