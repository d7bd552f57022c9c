import { describe, expect, it } from 'vitest';
import { forEachAtOnce } from '../src/concurrency.ts';

describe('forEachAtOnce', () => {
  it('works on no more than the number, on each once, and waits for all', async () => {
    let running = 0;
    let most = 0;
    const done: number[] = [];
    await forEachAtOnce([1, 2, 3, 4, 5, 6, 7], 3, async (item) => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      done.push(item);
    });
    expect(most).toBe(3);
    expect(done.sort()).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  it('begins no other item after a failure, waits for those under way, and throws the first', async () => {
    const [begun, ended]: [number[], number[]] = [[], []];
    const working = forEachAtOnce([1, 2, 3, 4, 5], 2, async (item) => {
      begun.push(item);
      if (item === 1) throw new Error('first');
      await new Promise((resolve) => setImmediate(resolve));
      ended.push(item);
      throw new Error('second');
    });
    await expect(working).rejects.toThrow('first');
    expect(begun).toEqual([1, 2]);
    expect(ended).toEqual([2]);
  });
});
