import { FLAG } from './entry.ts';
import type { EndRecord } from './end-record.ts';
import type { RandomReader } from './reader.ts';
import { toName, unsafe, type Verdict } from './verdict.ts';

/**
 * Far above the dataset's 2,000 images an archive, a little above what an end record of 16 bits counts
 * (some writers let it wrap). With both of these one directory takes some 100 MB while it is judged.
 */
const MAX_ENTRIES = 70_000;
const MAX_DIRECTORY_BYTES = 6 * 1024 ** 2;

const SIGNATURE = 0x02014b50;
const FIXED_BYTES = 46;

/** An archive's directory as it stands in the file, walked through from end to end. */
export interface DirectoryBytes {
  readonly bytes: Buffer;
  /** The headers that are really there. */
  readonly count: number;
}

/**
 * Reads the directory in one go, and counts what is in it: the count that the end record tells may
 * be wrong, and a member that is not counted would be lost.
 * @throws CcxriError `unsafe-archive`: it doesn't add up, or is absurdly large
 */
export async function readDirectoryBytes(
  reader: RandomReader,
  end: EndRecord,
  { file, verdict }: { readonly file: string; readonly verdict: Verdict },
): Promise<DirectoryBytes> {
  const length = end.directoryEnd - end.directoryStart;
  if (length > MAX_DIRECTORY_BYTES) throw unsafe(file, `its directory has ${length} bytes`);
  const bytes = Buffer.allocUnsafe(length);
  await reader.read(bytes, end.directoryStart);
  const count = walk(bytes, verdict);
  if (count === undefined) {
    throw unsafe(file, 'its directory does not end where its end record begins');
  }
  if (count > MAX_ENTRIES) throw unsafe(file, `it has ${count} entries`);
  const hasWrapped = end.countBits === 16 && count > 0xffff && count % 0x10000 === end.count;
  if (hasWrapped) verdict.warn(`it has ${count} entries, more than its end record can count`);
  else if (count !== end.count) {
    throw unsafe(file, `it says that it has ${end.count} entries, and has ${count}`);
  }
  return { bytes, count };
}

/** @returns the number of headers; undefined: they do not fill the directory exactly */
function walk(bytes: Buffer, verdict: Verdict): number | undefined {
  let count = 0;
  let at = 0;
  while (at < bytes.length) {
    if (at + FIXED_BYTES > bytes.length || bytes.readUInt32LE(at) !== SIGNATURE) return undefined;
    const nameEnd = at + FIXED_BYTES + bytes.readUInt16LE(at + 28);
    const extraEnd = nameEnd + bytes.readUInt16LE(at + 30);
    const next = extraEnd + bytes.readUInt16LE(at + 32);
    if (next > bytes.length) return undefined;
    const nameOf = () => toName(bytes.toString('utf8', at + FIXED_BYTES, nameEnd));
    judgeHeader(bytes.subarray(at, at + FIXED_BYTES), nameOf, verdict);
    if (!isWellFormed(bytes.subarray(nameEnd, extraEnd))) {
      // yauzl would refuse the archive. Blanked out, the field is one that says nothing.
      bytes.fill(0, nameEnd, extraEnd);
      verdict.warn('a member has extra fields that can not be read', nameOf());
    }
    count += 1;
    at = next;
  }
  return count;
}

/** What yauzl does not tell, or stumbles over. */
function judgeHeader(header: Buffer, nameOf: () => string, verdict: Verdict): void {
  const flags = header.readUInt16LE(8);
  if ((flags & FLAG.stronglyEncrypted) !== 0) {
    verdict.refuse('is encrypted, which ccxri does not read', nameOf());
  }
  const disk = header.readUInt16LE(34);
  if (disk !== 0 && disk !== 0xffff)
    verdict.refuse('lies in another file of the archive', nameOf());
}

/** Fields of two bytes id and two bytes length; up to three bytes of padding may follow. */
function isWellFormed(extra: Buffer): boolean {
  let at = 0;
  while (at + 4 <= extra.length) at += 4 + extra.readUInt16LE(at + 2);
  return at <= extra.length;
}
