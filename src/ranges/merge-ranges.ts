import type { ByteRange } from '../zip/reader.ts';

/** A gap up to this length costs less to fetch than another request. */
const GAP_BYTES = 64 * 1024;
/** Of the bytes that are wanted, so many more may be fetched to save requests. */
const MOST_WASTE = 0.04;

/** Neighbouring ranges that one request fetches, with the gaps between them. */
export interface MergedRange<R extends ByteRange> extends ByteRange {
  readonly ranges: readonly R[];
}

/**
 * Merges ranges into requests: those without a gap between them always, others where the gap is small,
 * the smallest gaps first, as long as all gaps together are small beside what is wanted. Pure.
 * @param ranges by ascending start, none overlapping another
 */
export function mergeRanges<R extends ByteRange>(ranges: readonly R[]): readonly MergedRange<R>[] {
  const bridged = gapsToBridge(ranges);
  const merged: MergedRange<R>[] = [];
  let inside: R[] = [];
  for (const [at, range] of ranges.entries()) {
    if (at > 0 && !bridged.has(at)) {
      merged.push(toMerged(inside));
      inside = [];
    }
    inside.push(range);
  }
  if (inside.length > 0) merged.push(toMerged(inside));
  return merged;
}

/** Of each range in front of which the gap is fetched as well: its position in the list. */
function gapsToBridge(ranges: readonly ByteRange[]): ReadonlySet<number> {
  const gaps = ranges
    .map(({ start }, at) => ({ at, bytes: start - endOf(ranges[at - 1]) }))
    .slice(1);
  let leftBytes = MOST_WASTE * ranges.reduce((sum, { length }) => sum + length, 0);
  const bridged = new Set<number>();
  for (const { at, bytes } of gaps.sort((a, b) => a.bytes - b.bytes)) {
    leftBytes -= bytes;
    if (bytes > GAP_BYTES || leftBytes < 0) break;
    bridged.add(at);
  }
  return bridged;
}

function endOf(range: ByteRange | undefined): number {
  return range === undefined ? 0 : range.start + range.length;
}

function toMerged<R extends ByteRange>(ranges: readonly R[]): MergedRange<R> {
  const start = ranges[0]?.start ?? 0;
  return { start, length: endOf(ranges.at(-1)) - start, ranges };
}
