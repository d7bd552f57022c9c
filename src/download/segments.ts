import { addSpan, bytesOf, gapsOf, type Spans } from './spans.ts';

/** Bytes that one connection fetches. */
export interface Claim {
  readonly from: number;
  /** Where its next byte goes. */
  at: number;
  /** Where it ends; may come nearer, when another connection takes over what is behind. */
  to: number;
  readonly sinceMs: number;
  /** When its last bytes came. */
  cameMs: number;
  /** Taken over from a connection that gave nothing: not done so again, or nobody's time is ever up. */
  readonly isSecond: boolean;
  /** Ends the request: all of it was taken over. */
  readonly stop: AbortController;
}

export interface ClaimRules {
  /** Connections there may be for this file. */
  readonly connections: number;
  /** So far before the first gap nobody fetches: what is hashed must be in the page cache still. */
  readonly aheadBytes: number;
  readonly maxBytes: number;
  readonly minBytes: number;
  /** With less than this to come, a slow claim is not shared: another request costs as much. */
  readonly shareBytes: number;
  /** A claim that would take longer than this is shared with an idle connection. */
  readonly slowMs: number;
  /** One that has brought nothing for so long is taken over whole. */
  readonly stalledMs: number;
}

export const CLAIM_RULES: Omit<ClaimRules, 'connections'> = {
  aheadBytes: 256 * 1024 * 1024,
  maxBytes: 8 * 1024 * 1024,
  minBytes: 2 * 1024 * 1024,
  shareBytes: 1024 * 1024,
  slowMs: 2000,
  stalledMs: 3000,
};

/** Ends of claims lie on multiples of this: pages of the disk, and whole writes. */
const GRAIN_BYTES = 256 * 1024;

/** Who fetches which bytes of one file: each byte once, front to back. No I/O. */
export class Claims {
  readonly #totalBytes: number;
  readonly #rules: ClaimRules;
  readonly #active = new Set<Claim>();

  constructor(totalBytes: number, rules: ClaimRules) {
    this.#totalBytes = totalBytes;
    this.#rules = rules;
  }

  /**
   * The next bytes that nobody fetches; where there are none, some of another connection's.
   * @param held what is here
   * @returns undefined: there is nothing to do for one more connection, at least for now
   */
  take(held: Spans, nowMs: number): Claim | undefined {
    const claim = this.#takeFree(held, nowMs) ?? this.#takeOver(nowMs);
    if (claim !== undefined) this.#active.add(claim);
    return claim;
  }

  /** Whether `take` would give something. */
  hasWork(held: Spans, nowMs: number): boolean {
    return this.#freeGap(held) !== undefined || this.#slowest(nowMs) !== undefined;
  }

  /** Its connection has come to an end: what it has not fetched is free again. */
  drop(claim: Claim): void {
    this.#active.delete(claim);
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

  #takeFree(held: Spans, nowMs: number): Claim | undefined {
    const gap = this.#freeGap(held);
    if (gap === undefined) return undefined;
    const { connections, minBytes, maxBytes } = this.#rules;
    // Smaller towards the end, so that all connections end at about the same time.
    const share = bytesOf(this.#gaps(held)) / (2 * connections);
    const bytes = Math.min(maxBytes, Math.max(minBytes, share));
    const to = Math.ceil((gap[0] + bytes) / GRAIN_BYTES) * GRAIN_BYTES;
    return toClaim(gap[0], Math.min(gap[1], to), nowMs);
  }

  #takeOver(nowMs: number): Claim | undefined {
    const victim = this.#slowest(nowMs);
    if (victim === undefined) return undefined;
    const { at, to } = victim;
    if (this.#isStalled(victim, nowMs)) {
      victim.to = at;
      victim.stop.abort();
      return toClaim(at, to, nowMs, true);
    }
    const middle = at + Math.ceil((to - at) / 2);
    victim.to = middle;
    return toClaim(middle, to, nowMs, victim.isSecond);
  }

  /** The claim that is likely to end last, where that is worth another request. */
  #slowest(nowMs: number): Claim | undefined {
    let slowest: Claim | undefined;
    let longestMs = this.#rules.slowMs;
    for (const claim of this.#active) {
      const isWhole = this.#isStalled(claim, nowMs);
      if (!isWhole && claim.to - claim.at < this.#rules.shareBytes) continue;
      const leftMs = isWhole ? Infinity : leftMsOf(claim, nowMs);
      if (leftMs <= longestMs) continue;
      longestMs = leftMs;
      slowest = claim;
    }
    return slowest;
  }

  #isStalled(claim: Claim, nowMs: number): boolean {
    const { isSecond, at, to, cameMs } = claim;
    return !isSecond && at < to && nowMs - cameMs > this.#rules.stalledMs;
  }
}

/** As long as it takes when it goes on as it did. */
function leftMsOf({ from, at, to, sinceMs }: Claim, nowMs: number): number {
  const tookMs = nowMs - sinceMs;
  // Nothing came yet: as long as it has taken, it is likely to take once more.
  return at === from ? tookMs : ((to - at) / (at - from)) * tookMs;
}

function toClaim(from: number, to: number, nowMs: number, isSecond = false): Claim {
  const stop = new AbortController();
  return { from, at: from, to, sinceMs: nowMs, cameMs: nowMs, isSecond, stop };
}
