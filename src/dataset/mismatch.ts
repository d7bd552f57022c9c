import type { HashedFile } from '../hash/hash-file.ts';
import { describeLookAlike } from '../download/look-alike.ts';
import { isCcxriError } from '../errors.ts';
import type { ManifestFile } from '../manifest/manifest.ts';
import { type ZipDirectory, withDirectory } from '../zip/directory.ts';
import { checkMembers } from '../zip/member.ts';
import { openFileReader } from '../zip/reader.ts';
import type { UnpackPool } from '../zip/unpack-pool.ts';
import { type Ledger, type MemberContent, toMemberContents } from './ledger.ts';

interface MismatchContext {
  readonly ledger: Ledger;
  readonly signal?: AbortSignal | undefined;
  readonly unpackPool?: UnpackPool | undefined;
}

/**
 * What an archive with another MD5 than the published one is, as far as its content shows. Reads all of
 * it once more, which happens only where something is wrong.
 * @returns a clause; undefined: it is no archive, or a damaged one
 */
export async function describeMismatch(
  { name, kind }: ManifestFile,
  { path }: HashedFile,
  { ledger, signal, unpackPool: pool }: MismatchContext,
): Promise<string | undefined> {
  if (kind !== 'archive') return undefined;
  const reader = await openFileReader(path);
  try {
    return await withDirectory(reader, { file: name, signal }, async (directory) => {
      const alike = describeLookAlike(directory);
      if (alike !== undefined) return alike;
      await checkMembers(reader, directory, { file: name, signal, pool });
      return (await isAsAccepted(name, directory, ledger))
        ? 'every member is right, the archive is packed anew'
        : 'every member is right by its own CRC-32: the archive is packed anew, or of another version';
    });
  } catch (error) {
    if (isCcxriError(error, 'damaged-archive', 'unsafe-archive')) return undefined;
    throw error;
  } finally {
    await reader.close();
  }
}

/** Whether these are the members of the archive that was accepted earlier. */
async function isAsAccepted(
  archive: string,
  { members }: Pick<ZipDirectory, 'members'>,
  ledger: Ledger,
): Promise<boolean> {
  const known = await ledger.readMembers(archive);
  if (known?.isComplete !== true || known.resized !== undefined) return false;
  if (known.members.length !== members.length) return false;
  const accepted = new Set(known.members.map(keyOf));
  return toMemberContents(members).every((member) => accepted.has(keyOf(member)));
}

function keyOf({ path, bytes, crc32 }: MemberContent): string {
  return `${crc32} ${bytes} ${path}`;
}
