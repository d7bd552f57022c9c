import { decodeName } from './decode-name.ts';
import type { EndRecord } from './end-record.ts';
import {
  FIELD,
  FLAG,
  type GateContext,
  type HeaderFacts,
  type ZipEntry,
  findField,
} from './entry.ts';
import { readRanges } from './reader.ts';
import type { ArchiveReport } from './report.ts';

/** An entry whose own header, in front of its bytes, was read and agrees. */
export interface PlacedEntry extends Placement {
  readonly entry: ZipEntry;
}

/** Where the bytes of a member lie, by its own header. */
interface Placement {
  /** Of the compressed bytes, from the first byte of the file. */
  readonly dataStart: number;
  readonly dataEnd: number;
  /** A data descriptor follows them. */
  readonly hasDescriptor: boolean;
}

const SIGNATURE = 0x04034b50;
/** Of a header, in front of its name. */
export const FIXED_BYTES = 30;
/** Extra fields have a few dozen bytes; the rest of longer ones (padding) is not read. */
const EXTRA_BYTES = 128;

/**
 * Reads the header in front of each member and compares it with the directory: if the two contradict
 * each other, two programs would unpack two archives.
 * @returns the entries that were found there, by offset
 */
export async function readLocalHeaders(
  entries: readonly ZipEntry[],
  { reader, end, report, signal }: GateContext,
): Promise<readonly PlacedEntry[]> {
  const inside: ZipEntry[] = [];
  for (const entry of entries) {
    const least = entry.headerStart + FIXED_BYTES + entry.rawName.length + entry.compressedSize;
    if (least <= end.directoryStart) inside.push(entry);
    else report.reject('outside-archive', 'is not in front of the directory', entry.name);
  }
  inside.sort((a, b) => a.headerStart - b.headerStart);
  const placed: PlacedEntry[] = [];
  await readRanges(
    reader,
    headerRanges(inside, end),
    ({ entry }, bytes) => {
      const found = checkHeader(entry, bytes, report);
      if (found !== undefined) placed.push(found);
    },
    signal,
  );
  return placed.sort((a, b) => a.dataStart - b.dataStart);
}

/** One at a time: all of them together would take megabytes. */
function* headerRanges(entries: readonly ZipEntry[], { directoryStart }: EndRecord) {
  for (const entry of entries) {
    const { headerStart: start, rawName } = entry;
    const wanted = FIXED_BYTES + rawName.length + EXTRA_BYTES;
    yield { start, length: Math.min(wanted, directoryStart - start), entry };
  }
}

/**
 * Compares a member's own header with the directory.
 * @param bytes from the header on: at least its fixed fields and the name
 * @returns undefined: it is not there
 */
export function checkHeader<E extends HeaderFacts>(
  entry: E,
  bytes: Buffer,
  report: ArchiveReport,
): (Placement & { readonly entry: E }) | undefined {
  if (bytes.readUInt32LE(0) !== SIGNATURE) {
    report.reject('header-missing', 'is not at the offset that the directory declares', entry.name);
    return undefined;
  }
  const nameEnd = FIXED_BYTES + bytes.readUInt16LE(26);
  const extraEnd = nameEnd + bytes.readUInt16LE(28);
  const difference = differenceOf(entry, bytes, nameEnd);
  if (difference !== undefined) {
    report.reject(
      'header-mismatch',
      `its own header has another ${difference} than the directory`,
      entry.name,
    );
  }
  const dataStart = entry.headerStart + extraEnd;
  const hasDescriptor = ((bytes.readUInt16LE(6) | entry.flags) & FLAG.descriptor) !== 0;
  return { entry, dataStart, dataEnd: dataStart + entry.compressedSize, hasDescriptor };
}

function differenceOf(entry: HeaderFacts, bytes: Buffer, nameEnd: number): string | undefined {
  const flags = bytes.readUInt16LE(6);
  const extraEnd = nameEnd + bytes.readUInt16LE(28);
  const extra = bytes.subarray(nameEnd, extraEnd);
  if (bytes.toString('latin1', FIXED_BYTES, nameEnd) !== entry.rawName) return 'name';
  const isCut = extraEnd > bytes.length;
  if (!isCut && !hasSameName(entry, extra)) return 'name in its Unicode path field';
  if (((flags ^ entry.flags) & FLAG.encrypted) !== 0) return 'encryption flag';
  if (bytes.readUInt16LE(8) !== entry.method) return 'compression method';
  // With a descriptor these may be left out: zero, or all ones for a zip64 one. All ones may also refer
  // to a zip64 field that was not read; the member's bytes will show its size then.
  const isLater = (flags & FLAG.descriptor) !== 0;
  const own = readSizes(bytes, extra);
  const agrees = (value: number, declared: number) =>
    value === declared || (isLater && value === 0) || ((isLater || isCut) && value === 0xffffffff);
  if (!agrees(own.crc32, entry.crc32)) return 'CRC-32';
  if (!agrees(own.compressedSize, entry.compressedSize)) return 'compressed size';
  if (!agrees(own.size, entry.size)) return 'size';
  return undefined;
}

/** The directory's field decides the name; a reader of headers must not find another one there. */
function hasSameName({ name, nameProblem, rawName, flags, host }: HeaderFacts, extra: Buffer) {
  const unicodePath = findField(extra, FIELD.unicodePath);
  if (unicodePath === undefined) return true;
  const isUtf8 = (flags & FLAG.utf8) !== 0;
  const own = decodeName({ bytes: Buffer.from(rawName, 'latin1'), isUtf8, unicodePath, host });
  return own.name === name && own.problem?.code === nameProblem?.code;
}

/** The sizes, from the zip64 field where they do not fit (APPNOTE 4.5.3: it has both then). */
function readSizes(bytes: Buffer, extra: Buffer) {
  const crc32 = bytes.readUInt32LE(14);
  let compressedSize = bytes.readUInt32LE(18);
  let size = bytes.readUInt32LE(22);
  const field = findField(extra, FIELD.zip64) ?? NO_BYTES;
  let next = 0;
  if (size === 0xffffffff && next + 8 <= field.length) {
    size = Number(field.readBigUInt64LE(next));
    next += 8;
  }
  if (compressedSize === 0xffffffff && next + 8 <= field.length) {
    compressedSize = Number(field.readBigUInt64LE(next));
  }
  return { crc32, compressedSize, size };
}

const NO_BYTES = Buffer.alloc(0);

/** What lies between the bytes of one member and the header of the next, or the directory. */
interface Gap {
  readonly start: number;
  readonly end: number;
  /** Of its bytes, as many as are read. */
  readonly length: number;
  /** The member that ends there; undefined: the gap is in front of the first. */
  readonly behind: PlacedEntry | undefined;
}

/** The longest data descriptor: signature, CRC-32 and two sizes of 64 bits. */
export const DESCRIPTOR_BYTES = 24;

/**
 * Checks where the members lie: none may overlap the next one or the directory (that is how a few
 * bytes become gigabytes), a data descriptor must agree with the directory, and nothing that looks
 * like a member may lie between them: it would be lost.
 * @param placed by offset
 */
export async function checkSpans(
  placed: readonly PlacedEntry[],
  { reader, end, report, signal }: GateContext,
): Promise<void> {
  const gaps: Gap[] = [];
  let start = 0;
  let behind: PlacedEntry | undefined;
  for (const next of [...placed, undefined]) {
    const gapEnd = next?.entry.headerStart ?? end.directoryStart;
    if (gapEnd < start) {
      const what = next === undefined ? 'the directory' : 'another member';
      report.reject('overlap', `overlaps ${what}`, behind?.entry.name);
    } else if (gapEnd > start) {
      const length = Math.min(gapEnd - start, DESCRIPTOR_BYTES + 4);
      gaps.push({ start, end: gapEnd, length, behind });
    } else if (behind?.hasDescriptor === true) {
      report.warn('a member lacks its data descriptor', behind.entry.name);
    }
    if (next === undefined) break;
    start = Math.max(start, next.dataEnd);
    behind = next;
  }
  await readRanges(reader, gaps, (gap, bytes) => checkGap(gap, bytes, report), signal);
}

function checkGap(gap: Gap, bytes: Buffer, report: ArchiveReport): void {
  const { behind } = gap;
  const used =
    behind?.hasDescriptor === true ? descriptorLength(behind.entry, bytes, gap.end - gap.start) : 0;
  if (used === undefined) {
    report.reject(
      'descriptor-mismatch',
      'its data descriptor does not match the directory',
      behind?.entry.name,
    );
  } else if (MEMBER_SIGNATURES.some((signature) => startsWith(bytes.subarray(used), signature))) {
    report.reject('unlisted-member', 'it holds a member that its directory does not list');
  } else if (behind === undefined) {
    const isMarker = gap.end === 4 && SPLIT_MARKERS.some((marker) => startsWith(bytes, marker));
    if (!isMarker) report.warn('bytes in front of its first member');
  } else if (gap.end - gap.start > used) {
    report.warn('bytes between its members that belong to no member', behind.entry.name);
  }
}

/** Headers of a member and of a directory entry. */
const MEMBER_SIGNATURES = [0x04034b50, 0x02014b50];

const DESCRIPTOR_SIGNATURE = 0x08074b50;
/** In front of an archive that was to be split, and fitted into one file after all (APPNOTE 8.5.3, 8.5.4). */
const SPLIT_MARKERS = [DESCRIPTOR_SIGNATURE, 0x30304b50];

/**
 * The length of the descriptor: with or without signature, with sizes of 32 or 64 bits (APPNOTE 4.3.9
 * does not say how to know).
 * @param bytes of the gap behind the member, the first 24 of it at least
 * @returns undefined: these bytes are no descriptor of this member
 */
export function descriptorLength(
  entry: Pick<HeaderFacts, 'crc32' | 'compressedSize' | 'size'>,
  bytes: Buffer,
  gapBytes: number,
): number | undefined {
  const fitting: number[] = [];
  for (const signature of [4, 0]) {
    if (signature > 0 && !startsWith(bytes, DESCRIPTOR_SIGNATURE)) continue;
    for (const width of [8, 4]) {
      const length = signature + 4 + 2 * width;
      if (length > bytes.length || bytes.readUInt32LE(signature) !== entry.crc32) continue;
      const compressedSize = readSize(bytes, signature + 4, width);
      const size = readSize(bytes, signature + 4 + width, width);
      if (compressedSize === entry.compressedSize && size === entry.size) fitting.push(length);
    }
  }
  // Zeros behind an empty member can be read in two ways: prefer the one that fills the gap.
  return fitting.find((length) => length === gapBytes) ?? fitting[0];
}

function readSize(bytes: Buffer, at: number, width: number): number {
  return width === 4 ? bytes.readUInt32LE(at) : Number(bytes.readBigUInt64LE(at));
}

function startsWith(bytes: Buffer, signature: number): boolean {
  return bytes.length >= 4 && bytes.readUInt32LE(0) === signature;
}
