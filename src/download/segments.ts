import { REQUEST_EVERY_MS } from '../http/hosts.ts';
import { addSpan, bytesOf, gapsOf, type Spans } from './spans.ts';

/** Bytes of a file that one request fetches. */
export interface Segment {
  readonly from: number;
  /** Where the next byte goes. */
  at: number;
  /** Behind the last byte wanted. Moves towards `at` when another connection steals what is behind. */
  to: number;
  readonly startedMs: number;
  /** When its last bytes arrived. */
  lastByteMs: number;
  /** It must not be stolen again, or two stalled connections would swap it forever. */
  readonly isStolen: boolean;
  /** Aborts the request: all of the segment was stolen. */
  readonly stop: AbortController;
}

export function newSegment(from: number, to: number, nowMs: number, isStolen = false): Segment {
  const stop = new AbortController();
  return { from, at: from, to, startedMs: nowMs, lastByteMs: nowMs, isStolen, stop };
}

/** A request for less is one of many. */
const FEW_BYTES = 256 * 1024;

/** How long a request for a segment has its connection at least. */
export function everyMsOf({ from, to }: Pick<Segment, 'from' | 'to'>): number {
  return to - from < FEW_BYTES ? REQUEST_EVERY_MS : 0;
}

export interface SegmentRules {
  /** How far ahead of the first free gap: what is hashed must still be in the page cache. */
  readonly aheadBytes: number;
  readonly maxBytes: number;
  readonly minBytes: number;
  /** A slow segment with less than this left is not split: another request costs as much. */
  readonly splitBytes: number;
  /** A segment that would take longer than this is split with an idle connection. */
  readonly slowMs: number;
  /** One that has received nothing for this long is stolen whole. */
  readonly stalledMs: number;
}

export const SEGMENT_RULES: SegmentRules = {
  aheadBytes: 256 * 1024 * 1024,
  maxBytes: 8 * 1024 * 1024,
  minBytes: 2 * 1024 * 1024,
  splitBytes: 1024 * 1024,
  slowMs: 2000,
  stalledMs: 3000,
};

/** Segments end on multiples of this: pages of the disk, and whole writes. */
const ALIGN_BYTES = 256 * 1024;

/** Which connection fetches which bytes of one file: each byte once, front to back. No I/O. */
export class SegmentQueue {
  readonly #totalBytes: number;
  readonly #rules: SegmentRules;
  readonly #active = new Set<Segment>();

  constructor(totalBytes: number, rules: SegmentRules) {
    this.#totalBytes = totalBytes;
    this.#rules = rules;
  }

  /**
   * The next bytes that no connection fetches; if there are none, a part of another connection's.
   * @param held what is on disk
   * @param connections that share what is left
   * @returns undefined: nothing to do for one more connection, at least for now
   */
  take(held: Spans, nowMs: number, connections: number): Segment | undefined {
    const segment = this.#takeFree(held, nowMs, connections) ?? this.#steal(nowMs);
    if (segment !== undefined) this.#active.add(segment);
    return segment;
  }

  /** Whether `take` would return a segment. */
  hasWork(held: Spans, nowMs: number): boolean {
    return this.#freeGap(held) !== undefined || this.#slowest(nowMs) !== undefined;
  }

  /** Its request has ended: what it has not fetched is free again. */
  release(segment: Segment): void {
    this.#active.delete(segment);
  }

  #freeGap(held: Spans): readonly [from: number, to: number] | undefined {
    const limit = (gapsOf(held, this.#totalBytes)[0]?.[0] ?? 0) + this.#rules.aheadBytes;
    const [gap] = this.#gaps(held);
    return gap !== undefined && gap[0] < limit ? gap : undefined;
  }

  #gaps(held: Spans): Spans {
    let spans = held;
    for (const { from, to } of this.#active) spans = addSpan(spans, [from, to]);
    return gapsOf(spans, this.#totalBytes);
  }

  #takeFree(held: Spans, nowMs: number, connections: number): Segment | undefined {
    const gap = this.#freeGap(held);
    if (gap === undefined) return undefined;
    const { minBytes, maxBytes } = this.#rules;
    // Smaller towards the end, so that all connections finish at about the same time.
    const share = bytesOf(this.#gaps(held)) / (2 * connections);
    const bytes = Math.min(maxBytes, Math.max(minBytes, share));
    const to = Math.ceil((gap[0] + bytes) / ALIGN_BYTES) * ALIGN_BYTES;
    return newSegment(gap[0], Math.min(gap[1], to), nowMs);
  }

  #steal(nowMs: number): Segment | undefined {
    const victim = this.#slowest(nowMs);
    if (victim === undefined) return undefined;
    const { at, to } = victim;
    if (this.#isStalled(victim, nowMs)) {
      victim.to = at;
      victim.stop.abort();
      return newSegment(at, to, nowMs, true);
    }
    const middle = at + Math.ceil((to - at) / 2);
    victim.to = middle;
    return newSegment(middle, to, nowMs, victim.isStolen);
  }

  /** The segment that is likely to end last, if that is worth another request. */
  #slowest(nowMs: number): Segment | undefined {
    let slowest: Segment | undefined;
    let longestMs = this.#rules.slowMs;
    for (const segment of this.#active) {
      const isStalled = this.#isStalled(segment, nowMs);
      if (!isStalled && segment.to - segment.at < this.#rules.splitBytes) continue;
      const leftMs = isStalled ? Infinity : estimateMs(segment, nowMs);
      if (leftMs <= longestMs) continue;
      longestMs = leftMs;
      slowest = segment;
    }
    return slowest;
  }

  #isStalled({ isStolen, at, to, lastByteMs }: Segment, nowMs: number): boolean {
    return !isStolen && at < to && nowMs - lastByteMs > this.#rules.stalledMs;
  }
}

/** Time left at the speed so far. */
function estimateMs({ from, at, to, startedMs }: Segment, nowMs: number): number {
  const tookMs = nowMs - startedMs;
  // Nothing has arrived yet: assume that it takes as long again.
  return at === from ? tookMs : ((to - at) / (at - from)) * tookMs;
}
