import { throwIfAborted } from '../abort.ts';
import { forEachAtOnce } from '../concurrency.ts';
import { rangesPathOf } from '../dataset/layout.ts';
import type { ManifestFile } from '../manifest/manifest.ts';
import { mergeRanges } from '../ranges/merge-ranges.ts';
import { RangeStore } from '../ranges/range-store.ts';
import type { RangedFile } from '../ranges/ranged-file.ts';
import type { Member } from '../zip/directory.ts';
import { type ListedMember, placeMember, rangeOf } from '../zip/listing.ts';
import { extractMembers } from '../zip/member.ts';
import type { MemberFaults } from '../zip/member-faults.ts';
import { type FileReader, openFileReader } from '../zip/reader.ts';
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
  /** Called with the number of bytes that were fetched or unpacked since the last call. */
  readonly onFetched?: ((bytes: number) => void) | undefined;
  readonly onUnpacked?: ((doneBytes: number) => void) | undefined;
}

/**
 * Gets members of an archive into a folder: fetches what is not in the archive's store, neighbours in one
 * request, checks each own header, unpacks, and compares each CRC-32. A member whose bytes were wrong is
 * fetched once more; then it is a fault, and the others are in the folder.
 * @throws CcxriError `changed`: the archive is another one now; `unsafe-archive`; as `RangedFile.fetch`
 */
export async function fetchMembers(
  request: MemberRequest,
  context: ExtractContext,
): Promise<MemberFaults> {
  const { file, ranged } = request;
  const { name, md5 } = file;
  const { sizeBytes: totalBytes, validator } = ranged;
  const path = rangesPathOf(context.layout, name);
  const store = await RangeStore.open(path, { name, md5, totalBytes, validator });
  try {
    await fetchMissing(request, store, context);
    const reader = await openFileReader(path);
    try {
      return await unpack(request, { store, reader }, context);
    } finally {
      await reader.close();
    }
  } finally {
    await store.close();
  }
}

async function fetchMissing(
  { ranged, members, connections, onFetched }: MemberRequest,
  store: RangeStore,
  { signal }: ExtractContext,
): Promise<void> {
  const missing = members.map(rangeOf).filter((range) => store.placeOf(range) === undefined);
  if (missing.length === 0) return;
  try {
    await forEachAtOnce(mergeRanges(missing), connections, async (range) => {
      throwIfAborted(signal);
      await store.add(range, (onPiece) =>
        ranged.fetch(range, async (piece) => {
          await onPiece(piece);
          onFetched?.(piece.length);
        }),
      );
    });
  } finally {
    // Also where it was stopped: what has come need not come again.
    await store.flush();
  }
}

interface Unpacking {
  readonly store: RangeStore;
  /** The same file, for the threads. */
  readonly reader: FileReader;
}

async function unpack(
  request: MemberRequest,
  { store, reader }: Unpacking,
  context: ExtractContext,
): Promise<MemberFaults> {
  const placed = await placeAll(request, store);
  const faults = await extract(placed, request, { reader, context });
  if (faults.damaged.length === 0) return faults;
  // What came over the wire may have been wrong.
  const isBad = new Set(faults.damaged.map(({ path }) => path));
  const bad = request.members.filter(({ path }) => isBad.has(path));
  for (const member of bad) store.drop(rangeOf(member));
  const again = { ...request, members: bad };
  await fetchMissing(again, store, context);
  const second = await extract(await placeAll(again, store), again, { reader, context });
  faults.damaged.splice(0);
  faults.addAll(second);
  faults.sort();
  return faults;
}

/** Where each member lies in the store. @throws CcxriError `unsafe-archive`, `damaged-archive` */
async function placeAll(
  { file, members }: Pick<MemberRequest, 'file' | 'members'>,
  store: RangeStore,
): Promise<readonly Member[]> {
  const placed: Member[] = [];
  for (const member of members) {
    const range = rangeOf(member);
    const at = store.placeOf(range);
    if (at === undefined) throw new Error(`${file.name}: ${member.path} was not fetched`);
    const bytes = Buffer.allocUnsafe(Math.min(range.length, HEADER_BYTES));
    await store.read(bytes, at);
    placed.push(placeMember(member, { bytes, at }, file.name));
  }
  return placed;
}

/** A header with a name and extra fields of the usual lengths. */
const HEADER_BYTES = 2048;

function extract(
  members: readonly Member[],
  { file, into, onUnpacked }: MemberRequest,
  { reader, context }: { readonly reader: FileReader; readonly context: ExtractContext },
): Promise<MemberFaults> {
  const { unpackPool: pool, signal } = context;
  const options = { file: file.name, into, pool, signal, keepGood: true, onBytes: onUnpacked };
  return extractMembers(reader, { members }, options);
}
