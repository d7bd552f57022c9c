import { throwIfAborted } from '../abort.ts';
import { forEachAtOnce } from '../concurrency.ts';
import { rangesPathOf } from '../dataset/layout.ts';
import { type CcxriError, isCcxriError } from '../errors.ts';
import type { ManifestFile } from '../manifest/manifest.ts';
import { mergeRanges } from '../ranges/merge-ranges.ts';
import { RangeStore } from '../ranges/range-store.ts';
import type { RangedFile } from '../ranges/ranged-file.ts';
import type { Member } from '../zip/directory.ts';
import {
  type ListedMember,
  exactRangeOf,
  headerBytesOf,
  placeMember,
  rangeOf,
} from '../zip/listing.ts';
import { extractMembers } from '../zip/member.ts';
import type { MemberFaults } from '../zip/member-faults.ts';
import { type ByteRange, type FileReader, openFileReader } from '../zip/reader.ts';
import type { ExtractContext } from './types.ts';

/** Members of an archive that are to be had without the others. */
export interface MemberRequest {
  readonly file: ManifestFile;
  /** Where the archive is. */
  readonly ranged: RangedFile;
  /** By offset. */
  readonly members: readonly ListedMember[];
  /** An empty folder for them. */
  readonly into: string;
  /** Requests at once for this archive; the run's limit holds besides. */
  readonly connections: number;
  /** Called with the bytes that have come since the last call, and the members that became whole by them. */
  readonly onFetched?: ((bytes: number, members: number) => void) | undefined;
  /** Called with the number of bytes unpacked so far. */
  readonly onUnpacked?: ((doneBytes: number) => void) | undefined;
}

/**
 * Gets members of an archive into a folder: fetches what is not in the archive's store, neighbours in one
 * request, checks each own header, unpacks, and compares each CRC-32. A member whose bytes were wrong is
 * fetched once more; then it is a fault, and the others are in the folder. An archive on a disk of this
 * machine is read where it is.
 * @throws CcxriError `changed`: the archive is another one now; `unsafe-archive`; as `RangedFile.fetch`
 */
export async function fetchMembers(
  request: MemberRequest,
  context: ExtractContext,
): Promise<MemberFaults> {
  const { file, ranged, members } = request;
  if (ranged.reader !== undefined) {
    const local = { reader: ranged.reader, placeOf: ({ start }: ByteRange) => start };
    const { placed, faulty } = await placeAll(request, local);
    for (const error of faulty.values()) throw error;
    const faults = await extract(placed, request, { reader: ranged.reader, context });
    await ranged.assertUnchanged();
    return faults;
  }
  const { name, md5 } = file;
  const { sizeBytes: totalBytes, validator } = ranged;
  const path = rangesPathOf(context.layout, name);
  const store = await RangeStore.open(path, { name, md5, totalBytes, validator });
  try {
    await fetchMissing(members.map(rangeOf), request, store, context);
    // What comes later is of members that were counted.
    const onFetched = (bytes: number) => request.onFetched?.(bytes, 0);
    const fetch = (ranges: readonly ByteRange[]) =>
      fetchMissing(ranges, { ...request, onFetched }, store, context);
    const reader = await openFileReader(path);
    try {
      return await unpackStored(request, { store, reader, fetch, context });
    } finally {
      await reader.close();
    }
  } finally {
    await store.close();
  }
}

async function fetchMissing(
  ranges: readonly ByteRange[],
  { ranged, connections, onFetched }: MemberRequest,
  store: RangeStore,
  { signal }: ExtractContext,
): Promise<void> {
  const missing = ranges.filter((range) => store.placeOf(range) === undefined);
  if (missing.length < ranges.length) onFetched?.(0, ranges.length - missing.length);
  if (missing.length === 0) return;
  try {
    await forEachAtOnce(mergeRanges(missing), connections, async (merged) => {
      throwIfAborted(signal);
      const open = [...merged.ranges];
      let at = merged.start;
      await store.add(merged, (onPiece) =>
        ranged.fetch(merged, async (piece) => {
          await onPiece(piece);
          at += piece.length;
          const begun = open.findIndex(({ start, length }) => start + length > at);
          onFetched?.(piece.length, open.splice(0, begun < 0 ? open.length : begun).length);
        }),
      );
    });
  } finally {
    // Also where it was stopped: what has come need not come again.
    await store.flush();
  }
}

interface Stored {
  readonly store: RangeStore;
  /** The same file, for the threads. */
  readonly reader: FileReader;
  readonly fetch: (ranges: readonly ByteRange[]) => Promise<void>;
  readonly context: ExtractContext;
}

async function unpackStored(request: MemberRequest, stored: Stored): Promise<MemberFaults> {
  const { store, reader, fetch, context } = stored;
  const held = { reader, placeOf: (range: ByteRange) => store.placeOf(range) };
  const first = await placeAll(request, held, fetch);
  const faults = await extract(first.placed, request, { reader, context });
  const isBad = new Set([...first.faulty.keys(), ...faults.damaged.map(({ path }) => path)]);
  if (isBad.size === 0) return faults;
  // What came over the wire may have been wrong.
  const drop = (paths: ReadonlySet<string>) => {
    for (const member of request.members) if (paths.has(member.path)) store.drop(rangeOf(member));
  };
  drop(isBad);
  const members = request.members.filter(({ path }) => isBad.has(path));
  await fetch(members.map(rangeOf));
  const { placed, faulty } = await placeAll({ ...request, members }, held, fetch);
  for (const error of faulty.values()) throw error;
  const again = { ...request, onUnpacked: undefined };
  const second = await extract(placed, again, { reader, context });
  faults.damaged.splice(0);
  faults.addAll(second);
  faults.sort();
  if (second.damaged.length > 0) {
    // Another source may have them right, and a download must not begin with them.
    drop(new Set(second.damaged.map(({ path }) => path)));
    await store.flush();
  }
  return faults;
}

interface Held {
  readonly reader: FileReader;
  /** Where the bytes of a range lie in it. */
  readonly placeOf: (range: ByteRange) => number | undefined;
}

interface Places {
  readonly placed: readonly Member[];
  /** By path: their own headers contradict the directory. */
  readonly faulty: ReadonlyMap<string, CcxriError>;
}

/**
 * Where each member lies.
 * @param fetch gets the rest of members whose headers are longer than usual; absent: all is there
 */
async function placeAll(
  { file, members }: Pick<MemberRequest, 'file' | 'members'>,
  held: Held,
  fetch?: Stored['fetch'],
): Promise<Places> {
  const placed: Member[] = [];
  const longer: ByteRange[] = [];
  const faulty = new Map<string, CcxriError>();
  for (const member of members) {
    try {
      const header = await headerOf(member, held, rangeOf(member));
      const range = exactRangeOf(member, header);
      const at = held.placeOf(range);
      const place = at === undefined ? undefined : { ...range, bytes: header, at };
      const found = place && placeMember(member, place, file.name);
      if (found === undefined) longer.push(range);
      else placed.push(found);
    } catch (error) {
      if (!isCcxriError(error, 'unsafe-archive')) throw error;
      faulty.set(member.path, error);
    }
  }
  if (longer.length === 0) return { placed, faulty };
  if (fetch === undefined) throw new Error(`${file.name}: a member was not fetched`);
  await fetch(longer);
  return placeAll({ file, members }, held);
}

async function headerOf(member: ListedMember, { reader, placeOf }: Held, range: ByteRange) {
  const at = placeOf(range);
  if (at === undefined) throw new Error(`${member.path} was not fetched`);
  const bytes = Buffer.allocUnsafe(Math.min(range.length, headerBytesOf(member)));
  await reader.read(bytes, at);
  return bytes;
}

function extract(
  members: readonly Member[],
  { file, into, onUnpacked }: MemberRequest,
  { reader, context }: { readonly reader: FileReader; readonly context: ExtractContext },
): Promise<MemberFaults> {
  const { unpackPool: pool, signal } = context;
  const options = { file: file.name, into, pool, signal, keepGood: true, onBytes: onUnpacked };
  return extractMembers(reader, { members }, options);
}
