import { setMaxListeners } from 'node:events';
import type { Clock } from './clock.ts';
import { CcxriError } from './errors.ts';

/** Throws `aborted` when the signal has fired: the one way a run is stopped from outside. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw toAbortError(signal);
}

export function toAbortError(signal: AbortSignal): CcxriError {
  return new CcxriError('aborted', 'stopped before the end; what was there is kept', {
    next: [{ kind: 'again', purpose: 'to continue where it stopped' }],
    cause: signal.reason,
  });
}

/**
 * Fires when the user stops a run, or the run itself. Each file under way listens to it, and Node
 * warns of a leak from the eleventh listener on.
 */
export function runSignal(user: AbortSignal | undefined, run: AbortController): AbortSignal {
  const signal = AbortSignal.any(user === undefined ? [run.signal] : [user, run.signal]);
  setMaxListeners(0, signal);
  return signal;
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
