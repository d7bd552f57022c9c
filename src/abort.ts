import type { Clock } from './clock.ts';
import { CcxriError } from './errors.ts';

/** Throws `aborted` when the signal has fired: the one way a run is stopped from outside. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw toAbortError(signal);
}

export function toAbortError(signal: AbortSignal): CcxriError {
  return new CcxriError('aborted', 'stopped before the end; what was there is kept', {
    hint: 'run the same command again: it goes on where it stopped',
    cause: signal.reason,
  });
}

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
