import type { EndRecord } from './end-record.ts';
import type { PlacedEntry } from './local-headers.ts';
import type { RandomReader } from './reader.ts';
import { readRanges, type ByteRange } from './read-ranges.ts';
import type { Verdict } from './verdict.ts';

export interface SpanContext {
  readonly end: EndRecord;
  readonly verdict: Verdict;
  readonly signal?: AbortSignal | undefined;
}

/** What lies between the bytes of one member and the header of the next, or the directory. */
interface Gap {
  readonly start: number;
  readonly end: number;
  /** Whose bytes end there; undefined: in front of the first. */
  readonly behind: PlacedEntry | undefined;
}

/** The longest data descriptor: signature, CRC-32 and two sizes of 64 bits. */
const DESCRIPTOR_BYTES = 24;

/**
 * Judges where the members lie: none may reach into the next one or into the directory (that is how
 * a few bytes become gigabytes), a data descriptor must say what the directory says, and nothing
 * that looks like a member may lie between them: it would be lost.
 * @param placed by their place
 */
export async function judgeSpans(
  reader: RandomReader,
  placed: readonly PlacedEntry[],
  { end, verdict, signal }: SpanContext,
): Promise<void> {
  const gaps: Gap[] = [];
  let start = 0;
  let behind: PlacedEntry | undefined;
  for (const next of [...placed, undefined]) {
    const gapEnd = next?.entry.headerStart ?? end.directoryStart;
    if (gapEnd < start) {
      const what = next === undefined ? 'the directory' : 'another member';
      verdict.refuse(`reaches into ${what}`, behind?.entry.name);
    } else if (gapEnd > start) gaps.push({ start, end: gapEnd, behind });
    else if (behind?.hasDescriptor === true) warnMissing(behind, verdict);
    if (next === undefined) break;
    start = Math.max(start, next.dataEnd);
    behind = next;
  }
  await readRanges(reader, gaps.map(toRange), visit(gaps, verdict), signal);
}

function toRange({ start, end }: Gap): ByteRange {
  return { start, length: Math.min(end - start, DESCRIPTOR_BYTES + 4) };
}

function visit(gaps: readonly Gap[], verdict: Verdict) {
  return (index: number, bytes: Buffer) => {
    const gap = gaps[index];
    if (gap === undefined) return;
    const descriptor = gap.behind?.hasDescriptor === true ? gap.behind : undefined;
    const used = descriptor === undefined ? 0 : descriptorBytes(descriptor, bytes, gap);
    if (used === undefined) {
      verdict.refuse(
        'its data descriptor says something else than the directory',
        descriptor?.entry.name,
      );
      return;
    }
    if (gap.end - gap.start > used) judgePadding(bytes.subarray(used), gap, verdict);
  };
}

function warnMissing({ entry }: PlacedEntry, verdict: Verdict): void {
  verdict.warn('a member lacks its data descriptor', entry.name);
}

const DESCRIPTOR_SIGNATURE = 0x08074b50;

/**
 * The length of the descriptor: with or without signature, with sizes of 32 or 64 bits (APPNOTE 4.3.9
 * leaves it to be guessed). undefined: it is none of this member's.
 */
function descriptorBytes({ entry }: PlacedEntry, bytes: Buffer, gap: Gap): number | undefined {
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
  // Zeros behind an empty member can be read in two ways; the one that fills the gap is meant.
  return fitting.find((length) => length === gap.end - gap.start) ?? fitting[0];
}

function readSize(bytes: Buffer, at: number, width: number): number {
  return width === 4 ? bytes.readUInt32LE(at) : Number(bytes.readBigUInt64LE(at));
}

/** Headers of a member and of a directory entry. */
const MEMBER_SIGNATURES = [0x04034b50, 0x02014b50];

function judgePadding(bytes: Buffer, { behind }: Gap, verdict: Verdict): void {
  if (MEMBER_SIGNATURES.some((signature) => startsWith(bytes, signature))) {
    verdict.refuse('it holds a member that its directory does not list');
  } else if (behind === undefined) verdict.warn('bytes in front of its first member');
  else verdict.warn('bytes between its members that belong to none', behind.entry.name);
}

function startsWith(bytes: Buffer, signature: number): boolean {
  return bytes.length >= 4 && bytes.readUInt32LE(0) === signature;
}
