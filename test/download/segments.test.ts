import { describe, expect, it } from 'vitest';
import { addSpan, type Spans } from '../../src/download/spans.ts';
import { type Segment, SEGMENT_RULES, SegmentQueue } from '../../src/download/segments.ts';

const MIB = 1024 * 1024;

function queueOf(
  totalBytes: number,
  rules: Partial<ConstructorParameters<typeof SegmentQueue>[1]> = {},
) {
  return new SegmentQueue(totalBytes, { ...SEGMENT_RULES, ...rules });
}

const spanOf = (segment: Segment | undefined) => segment && [segment.from, segment.to];

describe('which connection fetches what of a file', () => {
  it('is each byte once, front to back, in pieces that get smaller', () => {
    const queue = queueOf(100 * MIB);
    const taken: Segment[] = [];
    for (
      let segment = queue.take([], 0, 4);
      segment !== undefined;
      segment = queue.take([], 0, 4)
    ) {
      taken.push(segment);
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

  it('is sized by the connections that share the file, not by those of the run', () => {
    expect(spanOf(queueOf(40 * MIB).take([], 0, 2))).toEqual([0, 8 * MIB]);
    expect(spanOf(queueOf(40 * MIB).take([], 0, 8))).toEqual([0, 2.5 * MIB]);
  });

  it('leaves out what is here', () => {
    const queue = queueOf(10 * MIB, { minBytes: 8 * MIB });
    const held: Spans = [
      [0, MIB],
      [3 * MIB, 4 * MIB],
      [9 * MIB, 10 * MIB],
    ];
    expect(spanOf(queue.take(held, 0, 4))).toEqual([MIB, 3 * MIB]);
    expect(spanOf(queue.take(held, 0, 4))).toEqual([4 * MIB, 9 * MIB]);
    expect(queue.take(held, 0, 4)).toBeUndefined();
    expect(queue.hasWork(held, 0)).toBe(false);
  });

  it('gives what a broken connection has not fetched to the next', () => {
    const queue = queueOf(10 * MIB, { minBytes: 8 * MIB });
    const first = queue.take([], 0, 4);
    if (first === undefined) throw new Error('nothing to do');
    queue.take([], 0, 4);
    first.at = 3 * MIB;
    queue.release(first);
    expect(spanOf(queue.take([[0, 3 * MIB]], 0, 4))).toEqual([3 * MIB, 8 * MIB]);
  });

  it('does not run further ahead of the first gap than it may', () => {
    const queue = queueOf(100 * MIB, { aheadBytes: 16 * MIB, minBytes: 8 * MIB });
    const first = queue.take([], 0, 4);
    queue.take([], 0, 4);
    const held: Spans = [[8 * MIB, 16 * MIB]];
    expect(queue.take(held, 0, 4)).toBeUndefined();
    // The first gap is still under way: only its own progress lets others go on.
    if (first !== undefined) first.at = 4 * MIB;
    expect(spanOf(queue.take(addSpan(held, [0, 4 * MIB]), 0, 4))?.[0]).toBe(16 * MIB);
  });
});

describe('the last range of a file', () => {
  /** One connection that has fetched a quarter of 8 MiB in so many milliseconds. */
  function underWay(tookMs: number) {
    const queue = queueOf(8 * MIB, { minBytes: 8 * MIB });
    const victim = queue.take([], 0, 4);
    if (victim === undefined) throw new Error('nothing to do');
    victim.at = 2 * MIB;
    victim.lastByteMs = tookMs;
    return { queue, victim, held: [[0, 2 * MIB]] satisfies Spans };
  }

  it('is left alone when it will be here soon', () => {
    const { queue, held } = underWay(300);
    expect(queue.hasWork(held, 300)).toBe(false);
    expect(queue.take(held, 300, 4)).toBeUndefined();
  });

  it('is split with an idle connection when it is slow: the second half is stolen', () => {
    const { queue, victim, held } = underWay(1000);
    expect(queue.hasWork(held, 1000)).toBe(true);
    expect(spanOf(queue.take(held, 1000, 4))).toEqual([5 * MIB, 8 * MIB]);
    expect(victim.to).toBe(5 * MIB);
    expect(victim.stop.signal.aborted).toBe(false);
  });

  it('is the longest of several', () => {
    const queue = queueOf(16 * MIB, { minBytes: 8 * MIB });
    const [one, two] = [queue.take([], 0, 4), queue.take([], 0, 4)];
    if (one === undefined || two === undefined) throw new Error('nothing to do');
    [one.at, one.lastByteMs, two.at, two.lastByteMs] = [4 * MIB, 2000, 9 * MIB, 2000];
    expect(spanOf(queue.take([], 2000, 4))).toEqual([12.5 * MIB, 16 * MIB]);
  });

  it('is not split into tiny segments', () => {
    const { queue, victim, held } = underWay(60_000);
    victim.at = 7.5 * MIB;
    expect(queue.take(held, 60_000, 4)).toBeUndefined();
  });

  it('is stolen whole when nothing arrives, but only once: then it runs into the timeout', () => {
    const { queue, victim, held } = underWay(100);
    const second = queue.take(held, 100 + SEGMENT_RULES.stalledMs + 1, 4);
    expect(spanOf(second)).toEqual([2 * MIB, 8 * MIB]);
    expect(victim.stop.signal.aborted).toBe(true);
    expect([victim.at, victim.to]).toEqual([2 * MIB, 2 * MIB]);
    if (second === undefined) throw new Error('nothing to do');
    second.at = 7.5 * MIB;
    expect(queue.take(held, 100_000, 4)).toBeUndefined();
  });
});
