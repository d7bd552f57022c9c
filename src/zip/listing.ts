import { checkClashes, checkEntries } from './check-entries.ts';
import { type ArchiveOptions, type Member, withEndRecord } from './directory.ts';
import type { EndRecord } from './end-record.ts';
import { readEntries } from './entries.ts';
import { type HeaderFacts, METHOD, type ZipEntry, isFolder } from './entry.ts';
import { FIXED_BYTES, checkHeader } from './local-headers.ts';
import { topFolderOf, withoutTopFolder } from './names.ts';
import type { ByteRange, RandomReader } from './reader.ts';
import { ArchiveReport, damaged } from './report.ts';

/** A member as the directory alone describes it: its own header has not been read. Plain data. */
export interface ListedMember extends HeaderFacts {
  /** Below images/<archive>/, with `/`: safe to use. */
  readonly path: string;
  /** Where what follows it begins, the next member's header or the directory, from the first byte of the file. */
  readonly endsBefore: number;
}

/** The members of an archive by its directory alone. */
export interface ArchiveListing {
  /** Of the archive. */
  readonly sizeBytes: number;
  /** Where the directory begins. All from there to the end of the file was read. */
  readonly directoryStart: number;
  /** The folder in the archive that contains all members; not part of their paths. */
  readonly topFolder: string | null;
  /** By offset. Without folders, and without those that some system can't have the names of. */
  readonly members: readonly ListedMember[];
  /** Harmless oddities, one a line, printable. */
  readonly warnings: readonly string[];
}

/**
 * Reads an archive's directory and checks all that it alone can show: names, types, clashes, counts,
 * sizes, and that no member overlaps another. The bytes in front of it are not read, so that it can be
 * had of an archive that is not here; `placeMember` checks the rest, one member at a time.
 * @throws CcxriError as `withDirectory`
 */
export async function readListing(
  reader: RandomReader,
  options: ArchiveOptions,
): Promise<ArchiveListing> {
  return withEndRecord(reader, options, async (end) => {
    const { file, signal } = options;
    const report = new ArchiveReport(file);
    if (end.trailingBytes > 0) report.warn(`${end.trailingBytes} bytes behind the archive`);
    const entries = await readEntries({ reader, file, end, report, signal });
    const { named, skipped } = checkEntries(entries, reader.sizeBytes, report);
    checkClashes(named, report);
    const bounded = boundEntries(entries, end, report);
    const distinct = withoutRepeats(bounded, report);
    report.assertUsable();
    const files = distinct.filter(({ entry }) => !isFolder(entry) && !skipped.has(entry));
    if (files.length === 0) throw damaged(file, 'it holds no file');
    const topFolder = topFolderOf(files.map(({ entry }) => entry.name));
    return {
      sizeBytes: reader.sizeBytes,
      directoryStart: end.directoryStart,
      topFolder,
      members: files.map((each) => toListed(each, topFolder)),
      warnings: report.warnings,
    };
  });
}

interface BoundedEntry {
  readonly entry: ZipEntry;
  readonly endsBefore: number;
}

/** Where each entry's bytes must end. Those that begin behind the directory, or overlap, are rejected. */
function boundEntries(
  entries: readonly ZipEntry[],
  { directoryStart }: EndRecord,
  report: ArchiveReport,
): readonly BoundedEntry[] {
  const sorted = [...entries].sort((a, b) => a.headerStart - b.headerStart);
  const bounded: BoundedEntry[] = [];
  // From the last to the first: a repeated entry ends where its twin does.
  let [next, nextStart, nextName] = [directoryStart, directoryStart, ''];
  for (const entry of sorted.reverse()) {
    const { headerStart, name } = entry;
    const isShared = headerStart === nextStart && name !== nextName;
    if (headerStart < nextStart) [next, nextStart, nextName] = [nextStart, headerStart, name];
    if (leastEndOf(entry) > directoryStart) {
      report.reject('outside-archive', 'is not in front of the directory', name);
    } else if (isShared || leastEndOf(entry) > next) {
      report.reject('overlap', 'overlaps another member', name);
    } else bounded.push({ entry, endsBefore: next });
  }
  return bounded.reverse();
}

/** Where a member ends whose own header has nothing but its name. */
export function leastEndOf({ headerStart, rawName, compressedSize }: HeaderFacts): number {
  return headerStart + FIXED_BYTES + rawName.length + compressedSize;
}

/**
 * One entry a name: where two have the same name, they must be the same by all that the directory says.
 * Whether their bytes are is not known; each has to have the CRC-32.
 */
function withoutRepeats(
  bounded: readonly BoundedEntry[],
  report: ArchiveReport,
): readonly BoundedEntry[] {
  const first = new Map<string, ZipEntry>();
  return bounded.filter(({ entry }) => {
    if (isFolder(entry)) return true;
    const twin = first.get(entry.name);
    first.set(entry.name, twin ?? entry);
    if (twin === undefined) return true;
    const isSame = twin.crc32 === entry.crc32 && twin.size === entry.size;
    if (isSame) report.warn('a member is listed twice, with the same CRC-32', entry.name);
    else report.reject('duplicate-name', 'is listed twice, with different bytes', entry.name);
    return false;
  });
}

function toListed({ entry, endsBefore }: BoundedEntry, topFolder: string | null): ListedMember {
  const { name, rawName, nameProblem, host, flags, method } = entry;
  const { crc32, compressedSize, size, headerStart } = entry;
  return {
    path: withoutTopFolder(name, topFolder),
    endsBefore,
    ...{ name, rawName, nameProblem, host, flags, method },
    ...{ crc32, compressedSize, size, headerStart },
  };
}

/** Room for extra fields, padding and a data descriptor, whose lengths the directory does not say. */
const SPARE_BYTES = 4096;

/** The bytes of a member with its header: where a gap follows, no more of that than its header may need. */
export function rangeOf(member: ListedMember): ByteRange {
  return withSpare(member, SPARE_BYTES);
}

/** The same, where its own header is known, and may be longer than usual. @param header its first bytes */
export function exactRangeOf(member: ListedMember, header: Buffer): ByteRange {
  return withSpare(member, Math.max(SPARE_BYTES, header.readUInt16LE(28)));
}

function withSpare(member: ListedMember, spareBytes: number): ByteRange {
  const end = Math.min(member.endsBefore, leastEndOf(member) + spareBytes);
  return { start: member.headerStart, length: end - member.headerStart };
}

/** How many bytes `placeMember` needs to see of a member's range. */
export function headerBytesOf({ rawName }: ListedMember): number {
  return FIXED_BYTES + rawName.length + SPARE_BYTES;
}

/** Bytes of a member with its header, and where they lie. */
export interface MemberBytes extends ByteRange {
  /** Its first ones: at least header and name. */
  readonly bytes: Buffer;
  /** Where they lie in the file that it will be unpacked from. */
  readonly at: number;
}

/**
 * Checks a member's own header, as the gate does for all members of a whole archive.
 * @returns undefined: with its header it is longer than these bytes; see `exactRangeOf`
 * @throws CcxriError `unsafe-archive`: the header contradicts the directory
 */
export function placeMember(
  member: ListedMember,
  { start, length, bytes, at }: MemberBytes,
  file: string,
): Member | undefined {
  const report = new ArchiveReport(file);
  const place = checkHeader(member, bytes, report);
  if (place !== undefined && place.dataEnd > member.endsBefore) {
    report.reject('overlap', 'overlaps another member', member.name);
  }
  report.assertUsable();
  if (place === undefined || place.dataEnd > start + length) return undefined;
  const { path: name, compressedSize, size, crc32, method } = member;
  const dataStart = place.dataStart - start + at;
  return { name, dataStart, compressedSize, size, crc32, isDeflated: method === METHOD.deflated };
}
