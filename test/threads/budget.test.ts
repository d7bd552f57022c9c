import { expect, it } from 'vitest';
import { hashThreads, unpackThreads } from '../../src/threads/budget.ts';

it('the number of threads is bounded, and with it their memory', () => {
  expect([1, 2, 3, 64].map(hashThreads)).toEqual([1, 2, 3, 3]);
  expect([1, 2, 4, 64].map(unpackThreads)).toEqual([2, 3, 5, 5]);
});
