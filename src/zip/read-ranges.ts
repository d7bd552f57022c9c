import { throwIfAborted } from '../abort.ts';
import { forEachAtOnce } from '../concurrency.ts';
import type { RandomReader } from './reader.ts';

export interface ByteRange {
  readonly start: number;
  readonly length: number;
}

/** What lies closer together than this is read in one go: cheaper than one more call. */
const NEAR_BYTES = 16 * 1024;
const MAX_WINDOW_BYTES = 256 * 1024;
/** Small reads wait for the disk, not for the processor: more than the pool's four threads queue. */
const READS_AT_ONCE = 8;

/**
 * Reads many small ranges: headers of large members each by itself, those of small members (which
 * lie side by side) many at a time. Only the windows being visited are in memory.
 * @param ranges by ascending start; none longer than 256 KiB
 * @param visit gets each range's bytes once, in any order; they are not to be kept
 */
export async function readRanges(
  reader: RandomReader,
  ranges: readonly ByteRange[],
  visit: (index: number, bytes: Buffer) => void,
  signal?: AbortSignal,
): Promise<void> {
  await forEachAtOnce(toWindows(ranges), READS_AT_ONCE, async ({ start, end, first, last }) => {
    throwIfAborted(signal);
    const window = Buffer.allocUnsafe(end - start);
    await reader.read(window, start);
    for (let index = first; index <= last; index += 1) {
      const range = ranges[index];
      if (range === undefined) continue;
      const from = range.start - start;
      visit(index, window.subarray(from, from + range.length));
    }
  });
}

interface Window {
  readonly start: number;
  readonly end: number;
  /** Indexes of the ranges inside. */
  readonly first: number;
  readonly last: number;
}

/** Neighbouring ranges as one window, as long as they are near and the window is small. */
export function* toWindows(ranges: readonly ByteRange[]): Generator<Window> {
  let window: Window | undefined;
  for (const [index, { start, length }] of ranges.entries()) {
    const end = start + length;
    if (window === undefined) {
      window = { start, end, first: index, last: index };
      continue;
    }
    const isNear = start - window.end <= NEAR_BYTES && end - window.start <= MAX_WINDOW_BYTES;
    if (isNear) window = { ...window, end: Math.max(window.end, end), last: index };
    else {
      yield window;
      window = { start, end, first: index, last: index };
    }
  }
  if (window !== undefined) yield window;
}
