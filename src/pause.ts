import { throwIfAborted } from './abort.ts';
import type { Clock } from './clock.ts';

/** Waits. @throws CcxriError `aborted` */
export async function pause(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await clock.sleep(ms, signal);
  } catch (error) {
    throwIfAborted(signal);
    throw error;
  }
  throwIfAborted(signal);
}
