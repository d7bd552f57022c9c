import { describe, expect, it } from 'vitest';
import { type StreamProgress, nextStreams } from '../../src/hash/hash-loop.ts';
import { nextThread } from '../../src/hash/hash-pool.ts';
import { LANES, SPAN_BYTES } from '../../src/hash/kernel.ts';

interface Named extends StreamProgress {
  readonly name: string;
}

/** A stream with so many bytes written that are not hashed. */
function stream(name: string, lagBytes: number, rest: Partial<StreamProgress> = {}): Named {
  const hashedBytes = 7 * SPAN_BYTES;
  const writtenBytes = hashedBytes + lagBytes;
  return { name, hashedBytes, writtenBytes, isLast: false, notifyAtBytes: Infinity, ...rest };
}

const chosen = (...streams: readonly Named[]) => nextStreams(streams).map(({ name }) => name);

describe('of several files, hashed next', () => {
  it('are none, while none has a span', () => {
    expect(chosen()).toEqual([]);
    expect(chosen(stream('a', 0), stream('b', SPAN_BYTES - 1))).toEqual([]);
  });

  it('is one that grows alone, by spans', () => {
    expect(chosen(stream('a', SPAN_BYTES))).toEqual(['a']);
  });

  it('are those that grow, as soon as all of them have a span', () => {
    expect(chosen(stream('a', SPAN_BYTES), stream('b', 2 * SPAN_BYTES))).toEqual(['a', 'b']);
    expect(chosen(stream('a', SPAN_BYTES), stream('b', SPAN_BYTES - 1))).toEqual([]);
  });

  it('are those that have a span, as soon as one is far behind its writer', () => {
    const [far, span, less] = [32 * SPAN_BYTES, SPAN_BYTES, SPAN_BYTES - 1];
    expect(chosen(stream('less', less), stream('span', span), stream('far', far))).toEqual([
      'far',
      'span',
    ]);
    expect(chosen(stream('less', less), stream('span', span), stream('near', far - 1))).toEqual([]);
  });

  it('is one that is whole, at once and to its last byte, empty or not', () => {
    expect(chosen(stream('a', 1), stream('whole', 5, { isLast: true }))).toEqual(['whole']);
    expect(chosen(stream('a', 1), stream('done', 0, { isLast: true }))).toEqual(['done']);
  });

  it('is one whose writer waits', () => {
    const notifyAtBytes = 8 * SPAN_BYTES;
    expect(chosen(stream('a', 0), stream('b', SPAN_BYTES, { notifyAtBytes }))).toEqual(['b']);
  });

  it('are no more than there are lanes: what is urgent first, else in their order', () => {
    const names = Array.from({ length: 12 }, (_, at) => `s${at}`);
    const streams = names.map((name, at) => stream(name, SPAN_BYTES, { isLast: at % 6 === 5 }));
    expect(chosen(...streams)).toEqual(['s5', 's11', ...names.slice(0, 5), 's6'].slice(0, LANES));
    const growing = names.map((name, at) => stream(name, at < 8 ? SPAN_BYTES : 0));
    expect(chosen(...growing)).toEqual(names.slice(0, 8));
  });
});

describe('the thread that takes the next file', () => {
  it.each([
    ['is the first, while none has one', [0, 0], 0],
    ['is the first, until a vector of it is full', [3, 0], 0],
    ['is one without files then', [4, 0], 1],
    ['is one that has room, before one without files', [4, 2, 0, 0], 1],
    ['is the one that has the fewest, when all are full', [6, 5], 1],
    ['is the only one, however many it has', [20], 0],
  ])('%s', (_, loads, next) => {
    expect(nextThread(loads)).toBe(next);
  });
});
