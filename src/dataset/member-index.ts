import { join } from 'node:path';
import { crc32 as crc32Of } from 'node:zlib';
import { isCcxriError } from '../errors.ts';
import { writeFileAtomic } from '../fs/atomic.ts';
import { readSmallJson } from '../fs/small-json.ts';
import { stemOf } from '../manifest/manifest.ts';
import type { RangedFile } from '../ranges/ranged-file.ts';
import { MAX_MEMBER_BYTES, MAX_RATIO } from '../zip/check-entries.ts';
import { type ArchiveListing, type ListedMember, leastEndOf, readListing } from '../zip/listing.ts';
import { withoutTopFolder } from '../zip/names.ts';
import { staysBelow } from './ledger.ts';
import type { DatasetLayout } from './layout.ts';

/** Larger than that of any archive: a damaged one must not fill the memory. */
const FORM = { maxBytes: 64 * 1024 * 1024, doing: 'read the member index' };

/** What of a release an index is of. */
interface IndexedArchive {
  /** Manifest name. */
  readonly name: string;
  /** Published MD5: the index of another release is of no use. */
  readonly md5: string;
}

/** What the directory of an archive lists, and which version of the archive that was. */
export interface MemberIndex {
  /** Of the archive that the directory was read from; null: its source has nothing of the kind. */
  readonly validator: string | null;
  readonly listing: ArchiveListing;
  /** The directory was read a second time, for something in it could not be right. Absent: it was not. */
  readonly isConfirmed?: true | undefined;
}

/** A member in its file: with the folder that all members are in, and its name's bytes where they differ. */
type Row = readonly [
  name: string,
  rawName: string | 0,
  host: number,
  flags: number,
  method: number,
  crc32: number,
  compressedSize: number,
  size: number,
  headerStart: number,
  endsBefore: number,
];

const VERSION = 2;

function pathOf({ members }: Pick<DatasetLayout, 'members'>, name: string): string {
  return join(members, `${stemOf(name)}.json`);
}

/** @returns undefined: none is kept, or it is damaged, or of another release. @throws CcxriError of the disk */
export async function readMemberIndex(
  layout: Pick<DatasetLayout, 'members'>,
  { name, md5 }: IndexedArchive,
): Promise<MemberIndex | undefined> {
  const json = await readSmallJson(pathOf(layout, name), FORM);
  if (!isStored(json) || json.archive !== name || json.md5 !== md5) return undefined;
  const { members, sum, ...facts } = json;
  if (sum !== sumOf(facts, members)) return undefined;
  const index = toIndex(json);
  return isPossible(index.listing) ? index : undefined;
}

/** One wrong digit would be blamed on the archive. */
function sumOf(facts: object, rows: readonly Row[]): number {
  return crc32Of(JSON.stringify(rows), crc32Of(JSON.stringify(facts)));
}

/** @throws CcxriError of the disk */
export async function writeMemberIndex(
  layout: Pick<DatasetLayout, 'members'>,
  { name, md5 }: IndexedArchive,
  { validator, listing, isConfirmed }: MemberIndex,
): Promise<void> {
  const { sizeBytes, directoryStart, topFolder, members, warnings } = listing;
  const rows = members.map(toRow);
  const head = { memberIndexVersion: VERSION, archive: name, md5, validator };
  const confirmed = isConfirmed === true ? { isConfirmed } : {};
  const facts = { ...head, sizeBytes, directoryStart, topFolder, warnings, ...confirmed };
  const stored = { ...facts, members: rows, sum: sumOf(facts, rows) };
  await writeFileAtomic(pathOf(layout, name), JSON.stringify(stored));
}

interface MembersOptions {
  readonly layout: Pick<DatasetLayout, 'members'>;
  readonly signal?: AbortSignal | undefined;
  /** Keep an index that is new. Default true. */
  readonly keep?: boolean | undefined;
  /** The index that is kept, where it has just been read. */
  readonly kept?: MemberIndex | undefined;
  /** Read the directory although an index is kept, which is then confirmed. Default false. */
  readonly again?: boolean | undefined;
}

/**
 * The members of an archive: by the index that is kept, where the archive is still the one that it was
 * read from; else by its directory, and then the index is written.
 * @throws CcxriError as `readListing`; as the reading of `ranged`; of the disk
 */
export async function membersOf(
  archive: IndexedArchive,
  ranged: RangedFile,
  { layout, signal, keep = true, again = false, ...options }: MembersOptions,
): Promise<ArchiveListing> {
  const kept = again ? undefined : (options.kept ?? (await readMemberIndex(layout, archive)));
  if (kept !== undefined && isOf(kept, ranged)) return kept.listing;
  const listing = await readListing(ranged, { file: archive.name, signal });
  const { validator } = ranged;
  const index = { validator, listing, isConfirmed: again || undefined };
  if (keep) await keepIndex(writeMemberIndex(layout, archive, index));
  return listing;
}

/** Where nothing can be written, the directory is read again the next time; the members are known all the same. */
async function keepIndex(writing: Promise<void>): Promise<void> {
  try {
    await writing;
  } catch (error) {
    if (!isCcxriError(error, 'not-writable', 'disk-full', 'no-inodes')) throw error;
  }
}

/** Without a validator the length has to do: every member that is fetched has its own header and CRC-32. */
function isOf(
  { validator, listing }: MemberIndex,
  archive: Pick<RangedFile, 'sizeBytes' | 'validator'>,
): boolean {
  return listing.sizeBytes === archive.sizeBytes && validator === archive.validator;
}

function toRow(member: ListedMember): Row {
  const { name, rawName, host, flags, method, crc32 } = member;
  const { compressedSize, size, headerStart, endsBefore } = member;
  const raw = rawName === name ? 0 : rawName;
  return [name, raw, host, flags, method, crc32, compressedSize, size, headerStart, endsBefore];
}

interface Stored {
  readonly memberIndexVersion: typeof VERSION;
  readonly archive: string;
  readonly md5: string;
  readonly validator: string | null;
  readonly sizeBytes: number;
  readonly directoryStart: number;
  readonly topFolder: string | null;
  readonly warnings: readonly string[];
  readonly isConfirmed?: true | undefined;
  readonly members: readonly Row[];
  /** CRC-32 of all before. */
  readonly sum: number;
}

function toIndex({ validator, members, ...facts }: Omit<Stored, 'sum'>): MemberIndex {
  const { sizeBytes, directoryStart, topFolder, warnings, isConfirmed } = facts;
  const listed = members.map((row) => toMember(row, topFolder));
  return {
    validator,
    isConfirmed,
    listing: { sizeBytes, directoryStart, topFolder, warnings, members: listed },
  };
}

/** Whether an archive can be like that. The sum shows what was damaged, not what was written by another hand. */
function isPossible({ sizeBytes, directoryStart, members }: ArchiveListing): boolean {
  const isWithin = (member: ListedMember) =>
    leastEndOf(member) <= member.endsBefore &&
    member.endsBefore <= directoryStart &&
    member.size <= Math.min(MAX_MEMBER_BYTES, MAX_RATIO * member.compressedSize);
  return directoryStart <= sizeBytes && members.every(isWithin);
}

function toMember(row: Row, topFolder: string | null): ListedMember {
  const [name, raw, host, flags, method, crc32, compressedSize, size, headerStart, endsBefore] =
    row;
  const rawName = raw === 0 ? name : raw;
  return {
    path: withoutTopFolder(name, topFolder),
    ...{ name, rawName, nameProblem: undefined, host, flags, method },
    ...{ crc32, compressedSize, size, headerStart, endsBefore },
  };
}

/** By hand, as the ledger's: there are 162,000 members in all. */
function isStored(json: unknown): json is Stored {
  if (typeof json !== 'object' || json === null) return false;
  const stored: Partial<Record<keyof Stored, unknown>> = json;
  const { memberIndexVersion, archive, md5, validator, topFolder, warnings, members } = stored;
  return (
    memberIndexVersion === VERSION &&
    typeof archive === 'string' &&
    typeof md5 === 'string' &&
    (validator === null || typeof validator === 'string') &&
    (topFolder === null || typeof topFolder === 'string') &&
    isCount(stored.sizeBytes) &&
    isCount(stored.directoryStart) &&
    (stored.isConfirmed === undefined || stored.isConfirmed === true) &&
    Array.isArray(warnings) &&
    warnings.every((warning) => typeof warning === 'string') &&
    Array.isArray(members) &&
    members.every(isRow) &&
    isCount(stored.sum)
  );
}

function isRow(row: unknown): boolean {
  if (!Array.isArray(row) || row.length !== 10) return false;
  const cells: readonly unknown[] = row;
  const [name, raw, ...numbers] = cells;
  const hasNames = typeof name === 'string' && (raw === 0 || typeof raw === 'string');
  return hasNames && staysBelow(name) && numbers.every(isCount);
}

function isCount(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0;
}
