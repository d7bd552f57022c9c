import type { RandomReader } from './reader.ts';
import { damaged, unsafe } from './report.ts';

/** The position of an archive's directory, and what its end record declares. */
export interface EndRecord {
  /** Counted from the first byte of the file. */
  readonly directoryStart: number;
  readonly directoryEnd: number;
  /** As declared. May have wrapped where `countBits` is 16. */
  readonly count: number;
  readonly countBits: 16 | 64;
  /** Bytes in front of the archive; every offset in it is relative to their end. */
  readonly prefixBytes: number;
  /** Bytes behind the archive. */
  readonly trailingBytes: number;
}

/**
 * Finds the end record, and through it the directory, which must end exactly where the end records
 * begin: only then no member is missed.
 * @param file the archive's manifest name, for the errors
 * @throws CcxriError `damaged-archive`: no zip, or its end is missing; `unsafe-archive`: more than one
 *   reading is possible, or the records contradict each other
 */
export async function findEndRecord(reader: RandomReader, file: string): Promise<EndRecord> {
  const end = pickEnd(await readCandidates(reader), reader.sizeBytes, file);
  const zip64 = await readZip64(reader, end, file);
  const declared = zip64 ?? end;
  const { at: directoryEnd, disk, directoryDisk, countHere, count, directoryBytes } = declared;
  if (disk !== 0 || directoryDisk !== 0 || countHere !== count) {
    throw unsafe(file, {
      code: 'split-archive',
      text: 'it is one part of an archive that is split over several files',
    });
  }
  const prefixBytes = directoryEnd - directoryBytes - declared.directoryStart;
  if (prefixBytes < 0) {
    throw damaged(file, 'its central directory does not fit before its end record', {
      expected: `${directoryBytes} bytes of directory from byte ${declared.directoryStart}`,
      found: `an end record at byte ${directoryEnd}`,
    });
  }
  // A zip64 record is found by an offset from the file's first byte: with a prefix it would not be.
  if (zip64 !== undefined && prefixBytes > 0) {
    throw unsafe(file, {
      code: 'directory-place',
      text: 'its directory does not end where its end records begin',
    });
  }
  return {
    directoryStart: declared.directoryStart + prefixBytes,
    directoryEnd,
    count,
    countBits: zip64 === undefined ? 16 : 64,
    prefixBytes,
    trailingBytes: reader.sizeBytes - end.end,
  };
}

/** The fields of a zip64 end record (APPNOTE 4.3.14). */
interface Zip64Record {
  /** Of the record's first byte, in the file. */
  readonly at: number;
  readonly disk: number;
  readonly directoryDisk: number;
  readonly countHere: number;
  readonly count: number;
  readonly directoryBytes: number;
  readonly directoryStart: number;
}

/** The fields of an end record (4.3.16). */
interface EndFields extends Zip64Record {
  /** Of the first byte behind its comment. */
  readonly end: number;
}

const SIGNATURE = 0x06054b50;
const FIXED_BYTES = 22;
const MAX_COMMENT_BYTES = 0xffff;

/** Everything that could be an end record by its signature, the last one first. */
async function readCandidates(reader: RandomReader): Promise<readonly EndFields[]> {
  const tail = Buffer.allocUnsafe(Math.min(reader.sizeBytes, FIXED_BYTES + MAX_COMMENT_BYTES));
  const tailStart = reader.sizeBytes - tail.length;
  await reader.read(tail, tailStart);
  const candidates: EndFields[] = [];
  for (let at = tail.length - FIXED_BYTES; at >= 0; at -= 1) {
    if (tail[at] !== 0x50 || tail.readUInt32LE(at) !== SIGNATURE) continue;
    candidates.push({
      at: tailStart + at,
      disk: tail.readUInt16LE(at + 4),
      directoryDisk: tail.readUInt16LE(at + 6),
      countHere: tail.readUInt16LE(at + 8),
      count: tail.readUInt16LE(at + 10),
      directoryBytes: tail.readUInt32LE(at + 12),
      directoryStart: tail.readUInt32LE(at + 16),
      end: tailStart + at + FIXED_BYTES + tail.readUInt16LE(at + 20),
    });
  }
  return candidates;
}

/**
 * A record whose comment ends with the file is the right one; a member's bytes may contain the
 * signature as well (a zip within the zip), so others count only if there is none such. Two such
 * records, one in the comment of the other, would let two programs see two archives.
 * @param candidates the last one first
 */
function pickEnd(candidates: readonly EndFields[], sizeBytes: number, file: string): EndFields {
  const whole = candidates.filter(({ end }) => end <= sizeBytes);
  const exact = whole.filter(({ end }) => end === sizeBytes);
  const [only] = exact.length > 1 ? exact.filter(isPlausible) : exact;
  const found = only ?? whole.find(isPlausible);
  if (found === undefined) {
    throw damaged(file, 'it has no end record: it is no zip archive, or its end is missing');
  }
  // unzip and Python's zipfile take the last one, whether or not its comment fits.
  const isLast = !candidates.some((other) => other.at > found.at && isPlausible(other));
  if (isLast && exact.filter(isPlausible).length < 2) return found;
  throw unsafe(file, {
    code: 'ambiguous-end-record',
    text: 'it has two end records, and each would give it other members',
  });
}

/** Its directory is in front of it, or a zip64 record has the position. */
function isPlausible(end: EndFields): boolean {
  return needsZip64(end) || end.directoryStart + end.directoryBytes <= end.at;
}

/** Fields that are too small for their value are filled with ones. */
function needsZip64({ directoryBytes, directoryStart }: EndFields): boolean {
  return directoryBytes === 0xffffffff || directoryStart === 0xffffffff;
}

/**
 * The zip64 end record that a locator in front of the end record points to; undefined: there is none.
 * @throws CcxriError `damaged-archive`: the end record needs it, and it is missing; `unsafe-archive`:
 *   the two contradict each other
 */
async function readZip64(
  reader: RandomReader,
  end: EndFields,
  file: string,
): Promise<Zip64Record | undefined> {
  const record = await followLocator(reader, end.at - LOCATOR_BYTES);
  if (record === undefined) {
    if (!needsZip64(end)) return undefined;
    throw damaged(file, 'its zip64 end record is missing');
  }
  if (end.directoryStart + end.directoryBytes === end.at) {
    // The directory ends at the end record, and the zip64 record would be inside of it.
    throw unsafe(file, {
      code: 'ambiguous-zip64',
      text: 'it can be read with its zip64 end record or without, with other members',
    });
  }
  const agrees = (small: number, large: number, full: number) => small === full || small === large;
  const doAgree =
    agrees(end.count, record.count, 0xffff) &&
    agrees(end.directoryBytes, record.directoryBytes, 0xffffffff) &&
    agrees(end.directoryStart, record.directoryStart, 0xffffffff);
  if (doAgree) return record;
  throw unsafe(file, {
    code: 'contradicting-end-records',
    text: 'its two end records contradict each other',
  });
}

const LOCATOR_SIGNATURE = 0x07064b50;
const LOCATOR_BYTES = 20;
const RECORD_SIGNATURE = 0x06064b50;
const RECORD_BYTES = 56;
/** The record's length counts from behind its own field. */
const UNCOUNTED_BYTES = 12;

/** undefined: no locator, or one that leads nowhere (its bytes may end a member's comment). */
async function followLocator(
  reader: RandomReader,
  locatorAt: number,
): Promise<Zip64Record | undefined> {
  if (locatorAt < 0) return undefined;
  const locator = Buffer.allocUnsafe(LOCATOR_BYTES);
  await reader.read(locator, locatorAt);
  if (locator.readUInt32LE(0) !== LOCATOR_SIGNATURE) return undefined;
  const at = toNumber(locator, 8);
  if (at + RECORD_BYTES > locatorAt) return undefined;
  const bytes = Buffer.allocUnsafe(RECORD_BYTES);
  await reader.read(bytes, at);
  if (bytes.readUInt32LE(0) !== RECORD_SIGNATURE) return undefined;
  // Behind the fixed fields there may be an extensible data sector; then comes the locator.
  if (at + UNCOUNTED_BYTES + toNumber(bytes, 4) !== locatorAt) return undefined;
  return {
    at,
    disk: bytes.readUInt32LE(16),
    directoryDisk: bytes.readUInt32LE(20),
    countHere: toNumber(bytes, 24),
    count: toNumber(bytes, 32),
    directoryBytes: toNumber(bytes, 40),
    directoryStart: toNumber(bytes, 48),
  };
}

/** Beyond 2^53 not exact, but then beyond any file as well. */
function toNumber(bytes: Buffer, at: number): number {
  return Number(bytes.readBigUInt64LE(at));
}
