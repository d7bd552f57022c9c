import assert from 'node:assert/strict';
import { isCcxriError } from '../../src/errors.ts';
import type { Member, ZipDirectory } from '../../src/zip/directory.ts';
import {
  type ArchiveListing,
  type ListedMember,
  exactRangeOf,
  headerBytesOf,
  placeMember,
  rangeOf,
  readListing,
} from '../../src/zip/listing.ts';
import { toName } from '../../src/zip/report.ts';
import { bufferReader } from './buffer-reader.ts';
import { readDirectory } from './read-directory.ts';

export const LISTED_FILE = 'ChestDx-1.zip';

/** An archive as single images see it: by its directory, and each member by its own header. */
interface Listed {
  readonly listing: ArchiveListing;
  readonly members: readonly Member[];
}

export async function listAndPlace(archive: Buffer): Promise<Listed> {
  const listing = await readListing(bufferReader(archive), { file: LISTED_FILE });
  const members = listing.members.map((member) => placeIn(archive, member));
  return { listing, members };
}

function placeIn(archive: Buffer, member: ListedMember): Member {
  const header = archive.subarray(member.headerStart, member.headerStart + headerBytesOf(member));
  for (const range of [rangeOf(member), exactRangeOf(member, header)]) {
    const bytes = header.subarray(0, range.length);
    const placed = placeMember(member, { ...range, bytes, at: range.start }, LISTED_FILE);
    if (placed !== undefined) return placed;
  }
  throw new Error(`${member.name} has no place`);
}

/** What only all bytes of an archive show: nothing of it is in the directory, or in the header of a member. */
const OF_ALL_BYTES = new Set([
  'unlisted-member',
  'descriptor-mismatch',
  'duplicate-name',
  'overlap',
]);
/** The header of a folder is never fetched, nor that of a repeated member. */
const OF_A_HEADER = new Set(['header-mismatch', 'header-missing']);

/**
 * The directory alone and the gate come to the same: what the gate takes is listed, with the same names,
 * places and CRC-32s; what it refuses is refused, but for what only all bytes show.
 */
export async function assertListedAlike(archive: Buffer): Promise<void> {
  const options = { file: LISTED_FILE };
  const [gate, listed] = await Promise.allSettled([
    readDirectory(bufferReader(archive), options),
    listAndPlace(archive),
  ]);
  if (gate.status === 'fulfilled') {
    assert(listed.status === 'fulfilled', `the listing refuses what the gate takes`);
    assertSame(gate.value, listed.value);
    return;
  }
  assert(isCcxriError(gate.reason), String(gate.reason));
  if (listed.status === 'rejected') {
    const isJudged = isCcxriError(listed.reason, 'unsafe-archive', 'damaged-archive');
    assert(isJudged, String(listed.reason));
    return;
  }
  assertDisjoint(listed.value);
  const { reasons = [], reasonCodes = [] } = gate.reason.facts;
  const { members, warnings } = listed.value.listing;
  const hasRepeats = warnings.some((warning) => warning.includes('listed twice'));
  const isFetched = (reason: string) =>
    !hasRepeats && members.some(({ name }) => reason.startsWith(`${toName(name)}: `));
  const unseen = reasons.filter((reason, at) => {
    const code = reasonCodes[at] ?? '';
    return !OF_ALL_BYTES.has(code) && (!OF_A_HEADER.has(code) || isFetched(reason));
  });
  const about = `the listing takes what the gate refuses: ${JSON.stringify(gate.reason.facts)}`;
  assert(reasons.length > 0 && unseen.length === 0, about);
}

/** What of members is unpacked is of no other one. */
function assertDisjoint({ listing, members }: Listed): void {
  let end = 0;
  for (const [at, { headerStart }] of listing.members.entries()) {
    assert(headerStart >= end, 'two members share bytes');
    const { dataStart = 0, compressedSize = 0 } = members[at] ?? {};
    end = dataStart + compressedSize;
  }
  assert(end <= listing.directoryStart, 'a member reaches into the directory');
}

function assertSame(gate: ZipDirectory, { listing, members }: Listed): void {
  const byName = (a: Member, b: Member) => (a.name < b.name ? -1 : 1);
  assert.deepEqual([...members].sort(byName), [...gate.members].sort(byName));
  assert.equal(listing.topFolder, gate.topFolder);
}
