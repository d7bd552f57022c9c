import { describe, expect, it } from 'vitest';
import { addSpan, type Spans } from '../../src/download/spans.ts';
import { Claims, CLAIM_RULES, type Claim } from '../../src/download/segments.ts';

const MIB = 1024 * 1024;

function claimsOf(
  totalBytes: number,
  rules: Partial<ConstructorParameters<typeof Claims>[1]> = {},
) {
  return new Claims(totalBytes, { ...CLAIM_RULES, connections: 4, ...rules });
}

const spanOf = (claim: Claim | undefined) => claim && [claim.from, claim.to];

describe('who fetches what of a file', () => {
  it('is each byte once, front to back, in pieces that get smaller', () => {
    const claims = claimsOf(100 * MIB);
    const taken: Claim[] = [];
    for (let claim = claims.take([], 0); claim !== undefined; claim = claims.take([], 0)) {
      taken.push(claim);
    }
    let at = 0;
    for (const { from, to } of taken) {
      expect(from).toBe(at);
      expect(to - from).toBeLessThanOrEqual(8 * MIB);
      at = to;
    }
    expect(at).toBe(100 * MIB);
    const sizes = taken.map(({ from, to }) => to - from);
    expect(sizes[0]).toBe(8 * MIB);
    expect(sizes.slice(0, -1).at(-1)).toBe(2 * MIB);
    expect(sizes.slice(0, -1)).toEqual([...sizes.slice(0, -1)].sort((a, b) => b - a));
  });

  it('leaves out what is here', () => {
    const claims = claimsOf(10 * MIB, { minBytes: 8 * MIB });
    const held: Spans = [
      [0, MIB],
      [3 * MIB, 4 * MIB],
      [9 * MIB, 10 * MIB],
    ];
    expect(spanOf(claims.take(held, 0))).toEqual([MIB, 3 * MIB]);
    expect(spanOf(claims.take(held, 0))).toEqual([4 * MIB, 9 * MIB]);
    expect(claims.take(held, 0)).toBeUndefined();
    expect(claims.hasWork(held, 0)).toBe(false);
  });

  it('gives what a broken connection has not fetched to the next', () => {
    const claims = claimsOf(10 * MIB, { minBytes: 8 * MIB });
    const first = claims.take([], 0);
    if (first === undefined) throw new Error('nothing to do');
    claims.take([], 0);
    first.at = 3 * MIB;
    claims.drop(first);
    expect(spanOf(claims.take([[0, 3 * MIB]], 0))).toEqual([3 * MIB, 8 * MIB]);
  });

  it('does not run further ahead of the first gap than it may', () => {
    const claims = claimsOf(100 * MIB, { aheadBytes: 16 * MIB, minBytes: 8 * MIB });
    const first = claims.take([], 0);
    claims.take([], 0);
    const held: Spans = [[8 * MIB, 16 * MIB]];
    expect(claims.take(held, 0)).toBeUndefined();
    // The first gap is still under way: only its own progress lets others go on.
    if (first !== undefined) first.at = 4 * MIB;
    expect(spanOf(claims.take(addSpan(held, [0, 4 * MIB]), 0))?.[0]).toBe(16 * MIB);
  });
});

describe('the last range of a file', () => {
  /** One connection that has fetched a quarter of 8 MiB in so many milliseconds. */
  function underWay(tookMs: number) {
    const claims = claimsOf(8 * MIB, { minBytes: 8 * MIB });
    const victim = claims.take([], 0);
    if (victim === undefined) throw new Error('nothing to do');
    victim.at = 2 * MIB;
    victim.cameMs = tookMs;
    return { claims, victim, held: [[0, 2 * MIB]] satisfies Spans };
  }

  it('is left alone when it will be here soon', () => {
    const { claims, held } = underWay(300);
    expect(claims.hasWork(held, 300)).toBe(false);
    expect(claims.take(held, 300)).toBeUndefined();
  });

  it('is shared with an idle connection when it is slow: the second half is taken over', () => {
    const { claims, victim, held } = underWay(1000);
    expect(claims.hasWork(held, 1000)).toBe(true);
    expect(spanOf(claims.take(held, 1000))).toEqual([5 * MIB, 8 * MIB]);
    expect(victim.to).toBe(5 * MIB);
    expect(victim.stop.signal.aborted).toBe(false);
  });

  it('is the longest of several', () => {
    const claims = claimsOf(16 * MIB, { minBytes: 8 * MIB });
    const [one, two] = [claims.take([], 0), claims.take([], 0)];
    if (one === undefined || two === undefined) throw new Error('nothing to do');
    [one.at, one.cameMs, two.at, two.cameMs] = [4 * MIB, 2000, 9 * MIB, 2000];
    expect(spanOf(claims.take([], 2000))).toEqual([12.5 * MIB, 16 * MIB]);
  });

  it('is not cut into crumbs', () => {
    const { claims, victim, held } = underWay(60_000);
    victim.at = 7.5 * MIB;
    expect(claims.take(held, 60_000)).toBeUndefined();
  });

  it('is taken over whole when nothing comes, but once only: then its time runs out', () => {
    const { claims, victim, held } = underWay(100);
    const second = claims.take(held, 100 + CLAIM_RULES.stalledMs + 1);
    expect(spanOf(second)).toEqual([2 * MIB, 8 * MIB]);
    expect(victim.stop.signal.aborted).toBe(true);
    expect([victim.at, victim.to]).toEqual([2 * MIB, 2 * MIB]);
    if (second === undefined) throw new Error('nothing to do');
    second.at = 7.5 * MIB;
    expect(claims.take(held, 100_000)).toBeUndefined();
  });
});
