import { describe, expect, it } from 'vitest';
import { HostPace } from '../../src/net/host-pace.ts';
import { RateLimit } from '../../src/net/rate-limit.ts';
import { SpeedWatch } from '../../src/net/speed-watch.ts';
import { fastClock, handClock } from '../support/clock.ts';
import { saying } from '../support/matchers.ts';

const A = 'http://a.example/x.zip';

/** Requests that run until they are told to end. */
function openRequests(pace: HostPace) {
  const started: string[] = [];
  const ends = new Map<string, () => void>();
  const start = (name: string, url = A, signal?: AbortSignal) =>
    pace.run(
      url,
      () => {
        started.push(name);
        return new Promise<void>((resolve) => ends.set(name, resolve));
      },
      signal,
    );
  return { started, start, end: (name: string) => ends.get(name)?.() };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('the pace of a host', () => {
  it('#10 lets a host rest for every connection, and no other host', async () => {
    const clock = fastClock();
    const pace = new HostPace(clock);
    pace.hold(A, 2000);
    await pace.run('http://b.example/', () => Promise.resolve());
    expect(clock.sleeps).toEqual([]);
    await pace.run('http://a.example/other', () => Promise.resolve());
    expect(clock.sleeps).toEqual([expect.closeTo(2000, -2)]);
  });

  it('#11 does not wait for ever: it says when to come back', async () => {
    const pace = new HostPace(handClock(), 60_000);
    pace.hold(A, 86_400_000);
    await expect(pace.run(A, () => Promise.resolve())).rejects.toMatchObject({
      code: 'http-status',
      facts: { retryAfterS: 86_400 },
      hint: saying('in 24 h 00 min'),
    });
  });

  it('#12 #39 gives a host that refuses one of three only two from then on', async () => {
    const pace = new HostPace(fastClock());
    const { started, start, end } = openRequests(pace);
    const all = [start('1'), start('2'), start('3')];
    await turn();
    pace.refused(A);
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
    const pace = new HostPace(fastClock());
    const { started, start, end } = openRequests(pace);
    const all = [start('1'), start('2')];
    await turn();
    pace.refused(A);
    end('2');
    all.push(start('3'));
    await turn();
    expect(started).toEqual(['1', '2']);
    pace.served(A);
    await turn();
    expect(started).toEqual(['1', '2', '3']);
    end('1');
    end('3');
    await Promise.all(all);
  });

  it('never gives less than one', async () => {
    const pace = new HostPace(fastClock());
    const { started, start, end } = openRequests(pace);
    const one = start('1');
    await turn();
    pace.refused(A);
    pace.refused(A);
    end('1');
    await one;
    const two = start('2');
    await turn();
    expect(started).toEqual(['1', '2']);
    end('2');
    await two;
  });

  it('ends the waiting when the run is stopped, for a turn and for a rest', async () => {
    const stop = new AbortController();
    const pace = new HostPace(handClock());
    const { start, end } = openRequests(pace);
    const running = [start('1'), start('2')];
    await turn();
    pace.refused(A);
    end('2');
    const waiting = start('3', A, stop.signal);
    pace.hold('http://b.example/', 5000);
    const resting = start('4', 'http://b.example/', stop.signal);
    await turn();
    stop.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'aborted' });
    await expect(resting).rejects.toMatchObject({ code: 'aborted' });
    end('1');
    await Promise.all(running);
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

describe('the watch over the speed', () => {
  const watchFor = (windowMs: number) => {
    const clock = handClock();
    const watch = new SpeedWatch(windowMs, clock);
    const after = async (ms: number, bytes: number) => {
      watch.startWaiting();
      await clock.advance(ms);
      return watch.received(bytes);
    };
    return { clock, after };
  };

  it('#18 judges a trickle when a window has passed', async () => {
    const { after } = watchFor(3000);
    const judged: boolean[] = [];
    for (let n = 0; n < 10; n += 1) judged.push(await after(300, 1));
    expect(judged).toEqual([...Array<boolean>(9).fill(false), true]);
  });

  it('lets a slow but steady line pass, window after window', async () => {
    const { after } = watchFor(3000);
    for (let n = 0; n < 100; n += 1) expect(await after(300, 310)).toBe(false);
  });

  it('#17 does not count the time in which the disk is slow', async () => {
    const { after, clock } = watchFor(3000);
    for (let n = 0; n < 100; n += 1) {
      expect(await after(1, 10)).toBe(false);
      await clock.advance(10_000);
    }
  });
});
