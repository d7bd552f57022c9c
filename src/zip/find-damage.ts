import type { ArchiveListing, ListedMember } from './listing.ts';
import { DESCRIPTOR_BYTES, FIXED_BYTES, checkHeader, descriptorLength } from './local-headers.ts';
import { METHOD } from './entry.ts';
import type { Member } from './directory.ts';
import { type MemberWorkOptions, checkMembers } from './member.ts';
import { type ByteRange, type FileReader, readRanges } from './reader.ts';
import { ArchiveReport } from './report.ts';

/** What of an archive is not as it was published, as far as its right directory shows. */
export interface ArchiveDamage {
  /** Paths of the members that are damaged, or that the file ends before, by offset. */
  readonly badMembers: readonly string[];
  /** What is wrong for sure, in front of the directory; by start, none overlapping another. */
  readonly bad: readonly ByteRange[];
  /**
   * What a CRC-32 vouches for: the bytes of good members, but for a few bits that deflate ignores. No
   * checksum covers what lies between them: headers, extra fields, padding.
   */
  readonly proven: readonly ByteRange[];
}

/** A member whose own header agrees with the directory. */
interface PlacedMember {
  readonly listed: ListedMember;
  readonly member: Member;
  /** Where its data descriptor is looked for; undefined: it has none. */
  readonly descriptorStart: number | undefined;
}

/**
 * Compares an archive with the directory that it should have: each member's own header and descriptor
 * with what that says, and each member's content with its CRC-32.
 * @param listing of the right archive, from elsewhere: the directory of this one is not read
 * @throws CcxriError of the disk; `aborted`
 */
export async function findDamage(
  reader: FileReader,
  listing: ArchiveListing,
  options: MemberWorkOptions,
): Promise<ArchiveDamage> {
  const placed = await placeMembers(reader, listing, options);
  const members = placed.map(({ member }) => member);
  const { damaged } = await checkMembers(reader, { members }, { ...options, keepGood: true });
  const isDamaged = new Set(damaged.map(({ path }) => path));
  const good = placed.filter(({ member }) => !isDamaged.has(member.name));
  const badDescriptors = await findBadDescriptors(reader, good, options);
  const isGood = new Set(good.map(({ listed }) => listed));
  const badMembers = listing.members.filter((listed) => !isGood.has(listed));
  const bad = [...badMembers.map(wholeOf), ...badDescriptors];
  return {
    badMembers: badMembers.map(({ path }) => path),
    bad: bad.sort((a, b) => a.start - b.start),
    proven: good.map(({ member }) => ({ start: member.dataStart, length: member.compressedSize })),
  };
}

/** All bytes up to the next member. */
function wholeOf({ headerStart, endsBefore }: ListedMember): ByteRange {
  return { start: headerStart, length: endsBefore - headerStart };
}

/** Longer extra fields are padding: a header with them is read as a bad one, which costs a member. */
const EXTRA_BYTES = 4096;

async function placeMembers(
  reader: FileReader,
  { members }: ArchiveListing,
  { file, signal }: MemberWorkOptions,
): Promise<readonly PlacedMember[]> {
  const inside = members.flatMap((listed) => {
    const end = Math.min(listed.endsBefore, reader.sizeBytes);
    const length = Math.min(
      FIXED_BYTES + listed.rawName.length + EXTRA_BYTES,
      end - listed.headerStart,
    );
    const isHere = length >= FIXED_BYTES + listed.rawName.length;
    return isHere ? [{ start: listed.headerStart, length, listed }] : [];
  });
  const placed: PlacedMember[] = [];
  await readRanges(
    reader,
    inside,
    ({ listed }, bytes) => {
      const report = new ArchiveReport(file);
      const place = checkHeader(listed, bytes, report);
      if (place === undefined || !report.isUsable || place.dataEnd > reader.sizeBytes) return;
      if (place.dataEnd > listed.endsBefore) return;
      const { dataStart, dataEnd, hasDescriptor } = place;
      const { path: name, compressedSize, size, crc32, method } = listed;
      const isDeflated = method === METHOD.deflated;
      const member = { name, dataStart, compressedSize, size, crc32, isDeflated };
      placed.push({ listed, member, descriptorStart: hasDescriptor ? dataEnd : undefined });
    },
    signal,
  );
  return placed.sort((a, b) => a.member.dataStart - b.member.dataStart);
}

/** Where a descriptor should be and is not. */
async function findBadDescriptors(
  reader: FileReader,
  placed: readonly PlacedMember[],
  { signal }: MemberWorkOptions,
): Promise<readonly ByteRange[]> {
  const wanted = placed.flatMap(({ listed, descriptorStart: start }) => {
    // Some writers leave it out.
    if (start === undefined || start === listed.endsBefore) return [];
    const gap = { start, length: listed.endsBefore - start };
    const end = Math.min(listed.endsBefore, start + DESCRIPTOR_BYTES, reader.sizeBytes);
    return [{ start, length: end - start, gap, listed }];
  });
  const bad: ByteRange[] = [];
  await readRanges(
    reader,
    wanted,
    ({ listed, gap }, bytes) => {
      if (descriptorLength(listed, bytes, gap.length) === undefined) bad.push(gap);
    },
    signal,
  );
  return bad;
}
