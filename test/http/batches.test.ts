import { expect, it } from 'vitest';
import { Batches, Slabs } from '../../src/http/exchange.ts';
import { randomBytes } from '../support/random-bytes.ts';

const SLAB = 512 * 1024;

it('what comes in many pieces is taken in few, in its order', () => {
  const content = randomBytes(3 * SLAB + 1234, 'content');
  const batches = new Batches(new Slabs());
  for (let at = 0; at < content.length; at += 70_001) {
    batches.add(content.subarray(at, at + 70_001));
  }
  expect(batches.bytes).toBe(content.length);
  const taken = batches.take();
  expect(taken.map(({ length }) => length)).toEqual([SLAB, SLAB, SLAB, 1234]);
  expect(Buffer.concat(taken).equals(content)).toBe(true);
  expect(batches.bytes).toBe(0);
  expect(batches.take()).toEqual([]);
});

it('lies in shared memory, for a thread to write it', () => {
  const batches = new Batches(new Slabs());
  batches.add(Buffer.from('abc'));
  expect(batches.take().map(({ buffer }) => buffer instanceof SharedArrayBuffer)).toEqual([true]);
});

it('is a copy: what it was given may change', () => {
  const batches = new Batches(new Slabs());
  const chunk = Buffer.from('abc');
  batches.add(chunk);
  chunk.fill('x');
  expect(Buffer.concat(batches.take()).toString()).toBe('abc');
});

it('a batch lasts until the next one is taken, whatever comes meanwhile', () => {
  const batches = new Batches(new Slabs());
  batches.add(Buffer.from('first'));
  const [first] = batches.take();
  batches.add(Buffer.from('other'));
  expect(first?.toString()).toBe('first');
  const [second] = batches.take();
  expect(second?.toString()).toBe('other');
  batches.add(Buffer.from('third'));
  expect(second?.toString()).toBe('other');
  // And not longer: its memory is used again.
  expect(first?.toString()).toBe('third');
});

it('when it is dropped all of its memory is used again, also that of the last batch', () => {
  const slabs = new Slabs();
  const used = new Set<ArrayBufferLike>();
  for (let body = 0; body < 50; body += 1) {
    const batches = new Batches(slabs);
    for (let n = 0; n < 3; n += 1) {
      batches.add(Buffer.alloc(SLAB + 1));
      for (const { buffer } of batches.take()) used.add(buffer);
    }
    batches.add(Buffer.from('rest'));
    batches.drop();
    expect(batches.bytes).toBe(0);
    batches.drop();
  }
  // Two of a batch, and two of the next.
  expect(used.size).toBe(4);
});

it('memory that was given back twice would be two bodies’ at once', () => {
  const slabs = new Slabs();
  const gone = new Batches(slabs);
  gone.add(Buffer.from('gone'));
  gone.take();
  gone.drop();
  gone.drop();
  expect(slabs.take().buffer).not.toBe(slabs.take().buffer);
});
