import { setMaxListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { StallDetector } from '../../src/http/deadline.ts';
import { HostLimit, HostLimiter } from '../../src/http/hosts.ts';
import { RateLimit } from '../../src/http/rate-limit.ts';
import { fastClock, handClock } from '../support/clock.ts';
import { openRequests, turn, URL_OF_A as A } from '../support/open-requests.ts';

describe('the limiter of a host', () => {
  it('#10 pauses a host for every connection, and no other host', async () => {
    const clock = fastClock();
    const limiter = new HostLimiter(clock);
    limiter.pauseFor(A, 2000, 429);
    await limiter.run('http://b.example/', () => Promise.resolve());
    expect(clock.sleeps).toEqual([]);
    await limiter.run('http://a.example/other', () => Promise.resolve());
    expect(clock.sleeps).toEqual([expect.closeTo(2000, -2)]);
  });

  it('#11 does not wait for ever: it says when to come back', async () => {
    const limiter = new HostLimiter(handClock(), 60_000);
    limiter.pauseFor(A, 86_400_000, 429);
    await expect(limiter.run(A, () => Promise.resolve())).rejects.toMatchObject({
      code: 'http-status',
      facts: { status: 429, retryAfterS: 86_400 },
      next: [{ kind: 'again', afterMs: 86_400_000, purpose: 'to resume' }],
    });
  });

  it.each([
    { owners: 0, share: 16 },
    { owners: 1, share: 16 },
    { owners: 3, share: 5 },
    { owners: 40, share: 1 },
  ])(
    'gives each of $owners files a share of $share of 16 connections',
    async ({ owners, share }) => {
      const limiter = new HostLimiter(fastClock(), Infinity, 16);
      const stop = new AbortController();
      setMaxListeners(0, stop.signal);
      const files = Array.from({ length: owners }, () => ({}));
      const hang = () =>
        new Promise<void>((resolve) => stop.signal.addEventListener('abort', () => resolve()));
      const running = files.flatMap((file) =>
        [1, 2].map(() => limiter.run(A, hang, stop.signal, { owner: file })),
      );
      await turn();
      expect(limiter.fairShare).toBe(share);
      stop.abort();
      await Promise.allSettled(running);
      expect(limiter.fairShare).toBe(16);
    },
  );

  it('#12 #39 gives a host that refuses one of three only two from then on', async () => {
    const limiter = new HostLimiter(fastClock());
    const { started, start, end } = openRequests(limiter);
    const all = [start('1'), start('2'), start('3')];
    await turn();
    limiter.onRefused(A);
    end('3');
    all.push(start('4'));
    await turn();
    expect(started).toEqual(['1', '2', '3']);
    end('1');
    await turn();
    expect(started).toEqual(['1', '2', '3', '4']);
    end('2');
    end('4');
    await Promise.all(all);
  });

  it('gives a host more again when it serves well', async () => {
    const limiter = new HostLimiter(fastClock());
    const { started, start, end } = openRequests(limiter);
    const all = [start('1'), start('2')];
    await turn();
    limiter.onRefused(A);
    end('2');
    all.push(start('3'));
    await turn();
    expect(started).toEqual(['1', '2']);
    limiter.onServed(A);
    await turn();
    expect(started).toEqual(['1', '2', '3']);
    end('1');
    end('3');
    await Promise.all(all);
  });

  it('never gives less than one', async () => {
    const limiter = new HostLimiter(fastClock());
    const { started, start, end } = openRequests(limiter);
    const one = start('1');
    await turn();
    limiter.onRefused(A);
    limiter.onRefused(A);
    end('1');
    await one;
    const two = start('2');
    await turn();
    expect(started).toEqual(['1', '2']);
    end('2');
    await two;
  });

  it('gives the result of a request at once, and its connection to the next only 50 ms after its start', async () => {
    const clock = handClock();
    const limiter = new HostLimiter(clock, Infinity, 1);
    const started: string[] = [];
    const request = (name: string, signal?: AbortSignal) =>
      limiter.run(A, () => Promise.resolve(started.push(name)), signal, { everyMs: 50 });
    await request('1');
    const second = request('2');
    await turn();
    expect(started).toEqual(['1']);
    await clock.advance(49);
    expect(started).toEqual(['1']);
    await clock.advance(1);
    await second;
    expect(started).toEqual(['1', '2']);
    // Stopped while its connection waits: the connection is free at once.
    const stop = new AbortController();
    await clock.advance(50);
    await request('3', stop.signal);
    stop.abort();
    await turn();
    await request('4');
    expect(started).toEqual(['1', '2', '3', '4']);
  });

  it('does not count connections that only wait for their next request, when it halves', async () => {
    const clock = handClock();
    const limiter = new HostLimiter(clock);
    for (let n = 0; n < 3; n += 1) {
      await limiter.run(A, () => Promise.resolve(), undefined, { everyMs: 50 });
    }
    const { started, start, end } = openRequests(limiter);
    const all = [start('1')];
    await turn();
    limiter.onRefused(A);
    all.push(start('2'));
    await turn();
    expect(started).toEqual(['1', '2']);
    end('1');
    end('2');
    await Promise.all(all);
  });

  it('ends the waiting when the run is stopped, in the queue and in a pause', async () => {
    const stop = new AbortController();
    const limiter = new HostLimiter(handClock());
    const { start, end } = openRequests(limiter);
    const running = [start('1'), start('2')];
    await turn();
    limiter.onRefused(A);
    end('2');
    const waiting = start('3', A, stop.signal);
    limiter.pauseFor('http://b.example/', 5000, 503);
    const resting = start('4', 'http://b.example/', stop.signal);
    await turn();
    stop.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'aborted' });
    await expect(resting).rejects.toMatchObject({ code: 'aborted' });
    end('1');
    await Promise.all(running);
  });
});

describe('the limit of concurrent requests to a host', () => {
  /** Steps: how many are active when it refuses, `served` this many times, `minutes` that pass. */
  it.each<{ steps: readonly (number | string)[]; allowed: number }>([
    { steps: [], allowed: Infinity },
    { steps: ['served 100'], allowed: Infinity },
    { steps: [1], allowed: Infinity },
    { steps: [8], allowed: 4 },
    { steps: [3], allowed: 2 },
    // One burst: each refused request is not active any more when the next one is refused.
    { steps: [8, 7, 6, 5, 4, 3], allowed: 2 },
    { steps: [8, 4], allowed: 2 },
    { steps: [8, 4, 2], allowed: 1 },
    { steps: [8, 4, 2, 1], allowed: 1 },
    { steps: [8, 'served 15'], allowed: 4 },
    { steps: [8, 'served 16'], allowed: 5 },
    { steps: [8, 'served 16', 'served 25'], allowed: 6 },
    { steps: [8, 'served 15', 4, 'served 3'], allowed: 2 },
    { steps: [8, 'served 15', 4, 'served 4'], allowed: 3 },
    { steps: [2, 'served 1'], allowed: 2 },
    { steps: ['minutes 5'], allowed: Infinity },
    { steps: [8, 'minutes 0.9'], allowed: 4 },
    { steps: [8, 'minutes 1'], allowed: 5 },
    { steps: [8, 'minutes 2.5', 'minutes 0.5'], allowed: 7 },
    { steps: [8, 'minutes 0.9', 1, 'minutes 0.9'], allowed: 4 },
    { steps: [4, 'minutes 1', 'served 8'], allowed: 3 },
  ])('after $steps: $allowed', ({ steps, allowed }) => {
    const limit = new HostLimit();
    let nowMs = 1e9;
    for (const step of steps) {
      const [what, times] = typeof step === 'number' ? ['refused', step] : step.split(' ');
      if (what === 'refused') limit.onRefused(Number(times), nowMs);
      else if (what === 'minutes') limit.recover((nowMs += Number(times) * 60_000));
      else for (let n = Number(times); n > 0; n -= 1) limit.onServed();
    }
    expect(limit.allowed).toBe(allowed);
  });
});

describe('the connections of a run', () => {
  const B = 'http://b.example/y.zip';

  function files(connections: number) {
    const limiter = new HostLimiter(fastClock(), Infinity, connections);
    const started: string[] = [];
    const ends: (() => void)[] = [];
    const all: Promise<void>[] = [];
    const start = (name: string, owner: object, url = A, signal?: AbortSignal) => {
      const run = () => {
        started.push(name);
        return new Promise<void>((resolve) => ends.push(resolve));
      };
      const running = limiter.run(url, run, signal, { owner });
      all.push(running.catch(() => undefined));
      return running;
    };
    const endAll = async () => {
      while (ends.length > 0) {
        ends.shift()?.();
        await turn();
      }
      await Promise.all(all);
    };
    return { limiter, started, start, ends, endAll };
  }

  it('are no more than there are, whatever hosts they go to', async () => {
    const { started, start, ends, endAll } = files(2);
    void start('1', {});
    void start('2', {}, B);
    void start('3', {}, B);
    await turn();
    expect(started).toEqual(['1', '2']);
    ends.shift()?.();
    await turn();
    expect(started).toEqual(['1', '2', '3']);
    await endAll();
  });

  it('go to the file that has the fewest', async () => {
    const { started, start, ends, endAll } = files(3);
    const [one, two] = [{}, {}];
    for (const name of ['1a', '1b', '1c', '1d', '1e']) void start(name, one);
    for (const name of ['2a', '2b']) void start(name, two);
    await turn();
    // Those that were given out are not taken away.
    expect(started).toEqual(['1a', '1b', '1c']);
    ends.shift()?.();
    await turn();
    expect(started.at(-1)).toBe('2a');
    ends.shift()?.();
    await turn();
    // One each: who came first.
    expect(started.at(-1)).toBe('1d');
    await endAll();
    expect(started).toHaveLength(7);
  });

  it('are not kept from other hosts by one that must be waited for', async () => {
    const { limiter, started, start, endAll } = files(4);
    void start('1', {});
    void start('2', {});
    await turn();
    limiter.onRefused(A);
    void start('3', {});
    void start('4', {}, B);
    await turn();
    expect(started).toEqual(['1', '2', '4']);
    await endAll();
    expect(started).toContain('3');
  });

  it('are free again for others when who waits for one is stopped', async () => {
    const { started, start, ends, endAll } = files(1);
    const stop = new AbortController();
    void start('1', {});
    const waiting = start('2', {}, A, stop.signal);
    void start('3', {});
    await turn();
    stop.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'aborted' });
    ends.shift()?.();
    await turn();
    expect(started).toEqual(['1', '3']);
    await endAll();
  });
});

describe('a limit of the rate', () => {
  it('lets so many bytes pass a second, over all who ask', async () => {
    const clock = handClock();
    const limit = new RateLimit(1000, clock);
    let passed = 0;
    const take = async () => {
      await limit.take(500);
      passed += 500;
    };
    const all = Promise.all([take(), take(), take(), take()]);
    const seen: number[] = [];
    for (let half = 0; half < 4; half += 1) {
      await clock.advance(500);
      seen.push(passed);
    }
    await all;
    expect(seen).toEqual([500, 1000, 1500, 2000]);
  });

  it('saves no more than a quarter of a second up in a pause', async () => {
    const clock = handClock();
    const limit = new RateLimit(1000, clock);
    await clock.advance(60_000);
    let passed = false;
    const taking = limit.take(1000).then(() => {
      passed = true;
    });
    await clock.advance(740);
    expect(passed).toBe(false);
    await clock.advance(10);
    await taking;
  });
});

describe('the stall detector', () => {
  const detectorFor = (windowMs: number) => {
    const clock = handClock();
    const stalls = new StallDetector(windowMs, clock);
    const after = async (ms: number, bytes: number) => {
      stalls.startWaiting();
      await clock.advance(ms);
      return stalls.received(bytes);
    };
    return { clock, after };
  };

  it('#18 judges a trickle when a window has passed', async () => {
    const { after } = detectorFor(3000);
    const judged: boolean[] = [];
    for (let n = 0; n < 10; n += 1) judged.push(await after(300, 1));
    expect(judged).toEqual([...Array<boolean>(9).fill(false), true]);
  });

  it('lets a slow but steady line pass, window after window', async () => {
    const { after } = detectorFor(3000);
    for (let n = 0; n < 100; n += 1) expect(await after(300, 310)).toBe(false);
  });

  it('#17 does not count the time in which the disk is slow', async () => {
    const { after, clock } = detectorFor(3000);
    for (let n = 0; n < 100; n += 1) {
      expect(await after(1, 10)).toBe(false);
      await clock.advance(10_000);
    }
  });
});
