import { describe, expect, it } from 'vitest';
import { ConnectionCount, type CountChange, LineMeter } from '../../src/http/connection-count.ts';
import { HostLimiter } from '../../src/http/hosts.ts';
import { handClock } from '../support/clock.ts';
import { openRequests, turn, URL_OF_A as A } from '../support/open-requests.ts';

describe('a number of connections that is found out', () => {
  function auto(most: number) {
    const clock = handClock();
    let samples = 0;
    const counted = { ...clock, nowMs: () => ((samples += 1), clock.nowMs()) };
    const changes: CountChange[] = [];
    const limiter = new HostLimiter(clock, Infinity, {
      count: new ConnectionCount(most),
      meter: new LineMeter(counted),
      onChange: (change) => changes.push(change),
    });
    return { limiter, clock, changes, samples: () => samples, ...openRequests(limiter) };
  }

  it('begins with one, and has one more each quarter of a second, up to four', async () => {
    const { limiter, clock, started, start, end, samples } = auto(16);
    const names = ['1', '2', '3', '4', '5'];
    const all = names.map((name) => start(name));
    expect(limiter.connections).toBe(4);
    await turn();
    expect(started).toEqual(['1']);
    for (const running of [2, 3, 4]) {
      // The clock is looked at first when the first request has begun.
      const before = samples();
      await expect.poll(samples).toBeGreaterThan(before + 1);
      expect(started).toHaveLength(running - 1);
      await clock.advance(250);
      await expect.poll(() => started.length).toBe(running);
    }
    await clock.advance(900);
    const before = samples();
    await expect.poll(samples).toBeGreaterThan(before + 1);
    expect(started).toHaveLength(4);
    for (const name of names) {
      end(name);
      await turn();
    }
    await Promise.all(all);
  });

  it('is not looked for any more when nothing is requested, on a stop as well', async () => {
    const { start, end, samples } = auto(16);
    const stop = new AbortController();
    const one = start('1');
    const waiting = start('2', A, stop.signal);
    await expect.poll(samples).toBeGreaterThan(2);
    end('1');
    stop.abort();
    await one;
    await expect(waiting).rejects.toMatchObject({ code: 'aborted' });
    const seen = samples();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(samples()).toBe(seen);
  });

  it('goes back where a host refuses some, and says so with the next request', async () => {
    const { limiter, clock, changes, started, start, end } = auto(4);
    const all = ['1', '2'].map((name) => start(name));
    await expect
      .poll(async () => {
        await clock.advance(250);
        return started.length;
      })
      .toBe(2);
    limiter.onRefused(A);
    // Four is what it begins with: the host alone gets less.
    expect(limiter.connections).toBe(4);
    all.push(start('3'));
    await clock.advance(250);
    expect(started).toEqual(['1', '2']);
    for (const name of ['1', '2', '3']) {
      end(name);
      await turn();
    }
    await Promise.all(all);
    expect(changes).toEqual([]);
  });
});
