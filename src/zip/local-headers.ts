import type { EndRecord } from './end-record.ts';
import { FLAG, type ZipEntry } from './entry.ts';
import type { RandomReader } from './reader.ts';
import { readRanges, type ByteRange } from './read-ranges.ts';
import type { Verdict } from './verdict.ts';

/** An entry whose own header, in front of its bytes, was read and agrees. */
export interface PlacedEntry {
  readonly entry: ZipEntry;
  /** Of the compressed bytes, from the first byte of the file. */
  readonly dataStart: number;
  readonly dataEnd: number;
  /** A data descriptor is promised behind them. */
  readonly hasDescriptor: boolean;
}

const SIGNATURE = 0x04034b50;
const FIXED_BYTES = 30;
/** Extra fields have a few dozen bytes; of longer ones (padding) the rest is not read. */
const EXTRA_BYTES = 64;

export interface HeaderContext {
  readonly end: EndRecord;
  readonly verdict: Verdict;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads the header in front of each member and compares it with the directory: where the two
 * contradict each other, two programs would unpack two archives.
 * @returns the entries that are where the directory says, by their place
 */
export async function readLocalHeaders(
  reader: RandomReader,
  entries: readonly ZipEntry[],
  { end, verdict, signal }: HeaderContext,
): Promise<readonly PlacedEntry[]> {
  const inside: ZipEntry[] = [];
  for (const entry of entries) {
    const least = entry.headerStart + FIXED_BYTES + entry.rawName.length + entry.compressedSize;
    if (least <= end.directoryStart) inside.push(entry);
    else verdict.refuse('does not lie in front of the directory', entry.name);
  }
  inside.sort((a, b) => a.headerStart - b.headerStart);
  const ranges = inside.map((entry) => toRange(entry, end.directoryStart));
  const placed: PlacedEntry[] = [];
  await readRanges(
    reader,
    ranges,
    (index, bytes) => {
      const entry = inside[index];
      const found = entry === undefined ? undefined : judgeHeader(entry, bytes, verdict);
      if (found !== undefined) placed.push(found);
    },
    signal,
  );
  return placed.sort((a, b) => a.dataStart - b.dataStart);
}

function toRange({ headerStart, rawName }: ZipEntry, limit: number): ByteRange {
  const wanted = FIXED_BYTES + rawName.length + EXTRA_BYTES;
  return { start: headerStart, length: Math.min(wanted, limit - headerStart) };
}

function judgeHeader(entry: ZipEntry, bytes: Buffer, verdict: Verdict): PlacedEntry | undefined {
  if (bytes.readUInt32LE(0) !== SIGNATURE) {
    verdict.refuse('is not where the directory says', entry.name);
    return undefined;
  }
  const nameEnd = FIXED_BYTES + bytes.readUInt16LE(26);
  const extraEnd = nameEnd + bytes.readUInt16LE(28);
  const difference = differenceOf(entry, bytes, nameEnd);
  if (difference !== undefined) {
    verdict.refuse(`its own header has another ${difference} than the directory`, entry.name);
  }
  const dataStart = entry.headerStart + extraEnd;
  const hasDescriptor = ((bytes.readUInt16LE(6) | entry.flags) & FLAG.descriptor) !== 0;
  return { entry, dataStart, dataEnd: dataStart + entry.compressedSize, hasDescriptor };
}

function differenceOf(entry: ZipEntry, bytes: Buffer, nameEnd: number): string | undefined {
  const flags = bytes.readUInt16LE(6);
  if (bytes.toString('latin1', FIXED_BYTES, nameEnd) !== entry.rawName) return 'name';
  if (((flags ^ entry.flags) & FLAG.encrypted) !== 0) return 'encryption flag';
  if (bytes.readUInt16LE(8) !== entry.method) return 'compression method';
  // Where a descriptor follows, these may be left out: zero, or all ones for a zip64 one. All ones
  // also stand for a zip64 field that was not read; the bytes themselves will have to fit then.
  const isLater = (flags & FLAG.descriptor) !== 0;
  const isCut = nameEnd + bytes.readUInt16LE(28) > bytes.length;
  const own = readSizes(bytes, nameEnd);
  const agrees = (value: number, told: number) =>
    value === told || (isLater && value === 0) || ((isLater || isCut) && value === 0xffffffff);
  if (!agrees(own.crc32, entry.crc32)) return 'CRC-32';
  if (!agrees(own.compressedSize, entry.compressedSize)) return 'compressed size';
  if (!agrees(own.size, entry.size)) return 'size';
  return undefined;
}

const ZIP64_FIELD = 0x0001;

/** The sizes, from the zip64 field where they do not fit (APPNOTE 4.5.3: both stand there then). */
function readSizes(bytes: Buffer, nameEnd: number) {
  const crc32 = bytes.readUInt32LE(14);
  let compressedSize = bytes.readUInt32LE(18);
  let size = bytes.readUInt32LE(22);
  for (let at = nameEnd; at + 4 <= bytes.length; at += 4 + bytes.readUInt16LE(at + 2)) {
    if (bytes.readUInt16LE(at) !== ZIP64_FIELD) continue;
    const end = Math.min(at + 4 + bytes.readUInt16LE(at + 2), bytes.length);
    let next = at + 4;
    if (size === 0xffffffff && next + 8 <= end) {
      size = Number(bytes.readBigUInt64LE(next));
      next += 8;
    }
    if (compressedSize === 0xffffffff && next + 8 <= end) {
      compressedSize = Number(bytes.readBigUInt64LE(next));
    }
    break;
  }
  return { crc32, compressedSize, size };
}
