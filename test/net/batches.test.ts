import { expect, it } from 'vitest';
import { Batches, Slabs } from '../../src/net/batches.ts';
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

it('a batch that was taken outlasts the dropping of what came after it', () => {
  const slabs = new Slabs();
  const batches = new Batches(slabs);
  batches.add(Buffer.from('first'));
  const [first] = batches.take();
  batches.add(Buffer.from('other'));
  batches.drop();
  expect(batches.bytes).toBe(0);
  for (let n = 0; n < 3; n += 1) slabs.take().fill('x');
  expect(first?.toString()).toBe('first');
});
