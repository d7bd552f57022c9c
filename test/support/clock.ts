import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../src/clock.ts';

/** A clock whose waits take no time; they are written down instead. */
export interface FastClock extends Clock {
  /** Every wait that was asked for, in milliseconds. */
  readonly sleeps: readonly number[];
}

/** @param random what chance gives, every time; the default leaves waits at three quarters */
export function fastClock({ random = 0.5, date = () => new Date() } = {}): FastClock {
  const sleeps: number[] = [];
  return {
    sleeps,
    nowMs: () => performance.now(),
    date,
    random: () => random,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted();
      sleeps.push(ms);
      // A turn of the event loop, so that nothing that waits in a circle blocks the process.
      await new Promise((resolve) => setImmediate(resolve));
      signal?.throwIfAborted();
    },
  };
}

/** A clock whose waits take a fiftieth of their time: for servers that count requests a second. */
export function quickClock(): FastClock {
  const clock = fastClock();
  return {
    ...clock,
    sleep: async (ms, signal) => {
      await clock.sleep(ms, signal);
      await sleep(ms / 50, undefined, signal === undefined ? {} : { signal });
    },
  };
}

/** A clock that stands still until it is moved; its waits end when it has been moved so far. */
export function handClock(): Clock & { advance(ms: number): Promise<void> } {
  let nowMs = 1000;
  const waiting: { readonly atMs: number; readonly go: () => void }[] = [];
  return {
    nowMs: () => nowMs,
    date: () => new Date(nowMs),
    random: () => 0.5,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
        waiting.push({ atMs: nowMs + ms, go: resolve });
      }),
    advance: async (ms) => {
      nowMs += ms;
      for (const { atMs, go } of waiting) if (atMs <= nowMs) go();
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}
