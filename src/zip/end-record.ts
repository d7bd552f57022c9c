import type { RandomReader } from './reader.ts';
import { damaged, unsafe } from './report.ts';

/** Where an archive's directory lies, and what its end record says of it. */
export interface EndRecord {
  /** Counted from the first byte of the file. */
  readonly directoryStart: number;
  readonly directoryEnd: number;
  /** As declared. May have wrapped where `countBits` is 16. */
  readonly count: number;
  readonly countBits: 16 | 64;
  /** Bytes in front of the archive; every offset in it counts from behind them. */
  readonly prefixBytes: number;
  /** Bytes behind the archive. */
  readonly trailingBytes: number;
}

const MAX_COMMENT_BYTES = 0xffff;

/**
 * Finds the end record, and through it the directory, which must end exactly where the end records
 * begin: only so no member is passed over.
 * @param file the archive's manifest name, for the errors
 * @throws CcxriError `damaged-archive`: no zip, or its end is missing; `unsafe-archive`: more than one
 *   reading is possible, or the records contradict each other
 */
export async function findEndRecord(reader: RandomReader, file: string): Promise<EndRecord> {
  const tail = Buffer.allocUnsafe(Math.min(reader.sizeBytes, END_FIXED_BYTES + MAX_COMMENT_BYTES));
  const tailStart = reader.sizeBytes - tail.length;
  await reader.read(tail, tailStart);
  const found = pickEnd(toEndCandidates(tail, tailStart), reader.sizeBytes);
  if (found === 'none') {
    throw damaged(file, 'it has no end record: it is no zip archive, or its end is missing');
  }
  if (found === 'ambiguous') {
    throw unsafe(file, {
      code: 'ambiguous-end-record',
      text: 'it has two end records, and each would give it other members',
    });
  }
  const zip64 = await readZip64(reader, found, file);
  return { ...locate(found, zip64, file), trailingBytes: reader.sizeBytes - found.end };
}

function locate(
  end: EndFields,
  zip64: Zip64Record | undefined,
  file: string,
): Omit<EndRecord, 'trailingBytes'> {
  const declared = zip64 ?? end;
  if (
    declared.disk !== 0 ||
    declared.directoryDisk !== 0 ||
    declared.countHere !== declared.count
  ) {
    throw unsafe(file, {
      code: 'split-archive',
      text: 'it is one part of an archive that is split over several files',
    });
  }
  const directoryEnd = zip64?.at ?? end.at;
  const prefixBytes = directoryEnd - declared.directoryBytes - declared.directoryStart;
  if (prefixBytes < 0) {
    throw damaged(file, 'its central directory does not fit before its end record', {
      expected: `${declared.directoryBytes} bytes of directory from byte ${declared.directoryStart}`,
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
    count: declared.count,
    countBits: zip64 === undefined ? 16 : 64,
    prefixBytes,
  };
}

/** The fields of an end record (APPNOTE 4.3.16). */
interface EndFields {
  /** Of the record's first byte, in the file. */
  readonly at: number;
  readonly disk: number;
  readonly directoryDisk: number;
  readonly countHere: number;
  readonly count: number;
  readonly directoryBytes: number;
  readonly directoryStart: number;
  /** Of the first byte behind its comment. */
  readonly end: number;
}

const SIGNATURE = 0x06054b50;
const END_FIXED_BYTES = 22;

/**
 * Every place that could be an end record by its signature, the last one first.
 * @param tail the last bytes of the file
 */
function toEndCandidates(tail: Buffer, tailStart: number): readonly EndFields[] {
  const candidates: EndFields[] = [];
  for (let at = tail.length - END_FIXED_BYTES; at >= 0; at -= 1) {
    if (tail[at] !== 0x50 || tail.readUInt32LE(at) !== SIGNATURE) continue;
    candidates.push(parseEnd(tail.subarray(at), tailStart + at));
  }
  return candidates;
}

function parseEnd(bytes: Buffer, at: number): EndFields {
  return {
    at,
    disk: bytes.readUInt16LE(4),
    directoryDisk: bytes.readUInt16LE(6),
    countHere: bytes.readUInt16LE(8),
    count: bytes.readUInt16LE(10),
    directoryBytes: bytes.readUInt32LE(12),
    directoryStart: bytes.readUInt32LE(16),
    end: at + END_FIXED_BYTES + bytes.readUInt16LE(20),
  };
}

/**
 * A record whose comment ends with the file is the right one; the signature may also stand in a
 * member's bytes (a zip within the zip), so others count only where there is none such. Two such
 * records, one in the comment of the other, would let two programs see two archives.
 * @param candidates the last one first
 */
function pickEnd(
  candidates: readonly EndFields[],
  sizeBytes: number,
): EndFields | 'none' | 'ambiguous' {
  const whole = candidates.filter(({ end }) => end <= sizeBytes);
  const exact = whole.filter(({ end }) => end === sizeBytes);
  const [only] = exact.length > 1 ? exact.filter(isPlausible) : exact;
  const found = only ?? whole.find(isPlausible);
  if (found === undefined) return 'none';
  // unzip and Python's zipfile take the last one, whether or not its comment fits.
  const isLast = !candidates.some((other) => other.at > found.at && isPlausible(other));
  return isLast && exact.filter(isPlausible).length < 2 ? found : 'ambiguous';
}

/** Its directory lies in front of it, or a zip64 record says where. */
function isPlausible(end: EndFields): boolean {
  return needsZip64(end) || end.directoryStart + end.directoryBytes <= end.at;
}

/** Fields that are too small for their value are filled with ones. */
function needsZip64({ directoryBytes, directoryStart }: EndFields): boolean {
  return directoryBytes === 0xffffffff || directoryStart === 0xffffffff;
}

/** The fields of a zip64 end record (APPNOTE 4.3.14). */
type Zip64Record = Omit<EndFields, 'end'>;

const LOCATOR_SIGNATURE = 0x07064b50;
const LOCATOR_BYTES = 20;
const RECORD_SIGNATURE = 0x06064b50;
const RECORD_BYTES = 56;
/** What the 12 bytes in front of the record's counted length take. */
const UNCOUNTED_BYTES = 12;

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
  const locatorAt = end.at - LOCATOR_BYTES;
  const record = locatorAt < 0 ? undefined : await followLocator(reader, locatorAt);
  if (record === undefined) {
    if (!needsZip64(end)) return undefined;
    throw damaged(file, 'its zip64 end record is missing');
  }
  if (end.directoryStart + end.directoryBytes === end.at) {
    // The directory reaches to the end record, and the zip64 record would lie inside of it.
    throw unsafe(file, {
      code: 'ambiguous-zip64',
      text: 'it can be read with its zip64 end record or without, with other members',
    });
  }
  if (!agree(end, record))
    throw unsafe(file, {
      code: 'contradicting-end-records',
      text: 'its two end records contradict each other',
    });
  return record;
}

/** undefined: no locator, or one that leads nowhere (its bytes may end a member's comment). */
async function followLocator(
  reader: RandomReader,
  locatorAt: number,
): Promise<Zip64Record | undefined> {
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

function agree(end: EndFields, record: Zip64Record): boolean {
  return (
    fits(end.count, record.count, 0xffff) &&
    fits(end.directoryBytes, record.directoryBytes, 0xffffffff) &&
    fits(end.directoryStart, record.directoryStart, 0xffffffff)
  );
}

function fits(small: number, large: number, full: number): boolean {
  return small === full || small === large;
}
