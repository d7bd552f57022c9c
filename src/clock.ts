import { setTimeout as sleepFor } from 'node:timers/promises';

/** Time and chance, by argument, so that tests need neither. */
export interface Clock {
  /** Monotonic, in milliseconds: a jump of the wall clock does not touch it. */
  readonly nowMs: () => number;
  /** Wall-clock time, for records that people read. */
  readonly date: () => Date;
  /** Waits; rejects with the signal's reason when aborted. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** 0 <= x < 1 */
  readonly random: () => number;
}

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  date: () => new Date(),
  sleep: async (ms, signal) => {
    await sleepFor(ms, undefined, signal === undefined ? {} : { signal });
  },
  random: Math.random,
};
