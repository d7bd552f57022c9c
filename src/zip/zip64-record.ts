import { needsZip64, type EndFields } from './end-fields.ts';
import type { RandomReader } from './reader.ts';
import { damaged, unsafe } from './verdict.ts';

/** The fields of a zip64 end record (APPNOTE 4.3.14). */
export type Zip64Record = Omit<EndFields, 'end'>;

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
export async function readZip64(
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
    throw unsafe(file, 'it can be read with its zip64 end record or without, with other members');
  }
  if (!agree(end, record)) throw unsafe(file, 'its two end records contradict each other');
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
