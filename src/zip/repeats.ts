import { throwIfAborted } from '../abort.ts';
import { type GateContext, type ZipEntry, isFolder } from './entry.ts';
import type { PlacedEntry } from './local-headers.ts';
import type { RandomReader } from './reader.ts';

/** Members that are there more than once, as programs leave them that append to an archive. */
interface Repeats {
  /** Without entries that lead to the header of another one, of the same name. */
  readonly distinct: readonly PlacedEntry[];
  /** Each of a member that is listed before, with the same bytes. */
  readonly repeats: ReadonlySet<ZipEntry>;
}

/**
 * Finds members of the same name. With the same bytes they are one member; otherwise unpackers differ in
 * which of them they keep, and the archive is rejected.
 * @param placed by offset, of any name
 */
export async function findRepeats(
  placed: readonly PlacedEntry[],
  { reader, report, signal }: Pick<GateContext, 'reader' | 'report' | 'signal'>,
): Promise<Repeats> {
  const distinct: PlacedEntry[] = [];
  const repeats = new Set<ZipEntry>();
  const first = new Map<string, PlacedEntry>();
  /** Where the members so far end. */
  let end = 0;
  for (const each of placed) {
    throwIfAborted(signal);
    const { entry } = each;
    const isOverlapping = entry.headerStart < end;
    end = Math.max(end, each.dataEnd);
    const twin = first.get(entry.name);
    const isSameHeader = twin !== undefined && twin.entry.headerStart === entry.headerStart;
    if (!isSameHeader) distinct.push(each);
    if (isFolder(entry)) continue;
    // Overlapping members are rejected anyway: to compare each of them could take for ever.
    const mayBeSame = isSameHeader || !isOverlapping;
    if (twin === undefined) first.set(entry.name, each);
    else if (mayBeSame && (await isSame(twin, each, reader))) {
      repeats.add(entry);
      report.warn('a member is listed twice, with the same bytes', entry.name);
    } else report.reject('duplicate-name', 'is listed twice, with different bytes', entry.name);
  }
  return { distinct, repeats };
}

const PIECE_BYTES = 256 * 1024;

/** Compares the packed bytes: programs that pack the same file twice do it in the same way. */
async function isSame(a: PlacedEntry, b: PlacedEntry, reader: RandomReader): Promise<boolean> {
  const { size, crc32, method, compressedSize } = a.entry;
  const isListedAlike =
    size === b.entry.size &&
    crc32 === b.entry.crc32 &&
    method === b.entry.method &&
    compressedSize === b.entry.compressedSize;
  if (!isListedAlike) return false;
  if (a.dataStart === b.dataStart) return true;
  for (let at = 0; at < compressedSize; at += PIECE_BYTES) {
    const length = Math.min(PIECE_BYTES, compressedSize - at);
    const [one, other] = [Buffer.allocUnsafe(length), Buffer.allocUnsafe(length)];
    await Promise.all([reader.read(one, a.dataStart + at), reader.read(other, b.dataStart + at)]);
    if (!one.equals(other)) return false;
  }
  return true;
}
