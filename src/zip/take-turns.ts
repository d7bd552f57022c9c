import { throwIfAborted, toAbortError } from '../abort.ts';

/**
 * Turns that are taken one after the other, in the order in which they were asked for. Unlike a queue
 * of work, whoever waits may stop waiting.
 */
export class Turns {
  #last: Promise<void> = Promise.resolve();

  /**
   * Waits until all who asked before have ended.
   * @returns what ends the turn
   * @throws CcxriError `aborted`; the turn is given up then
   */
  async take(signal: AbortSignal | undefined): Promise<() => void> {
    throwIfAborted(signal);
    const before = this.#last;
    let end: () => void = () => undefined;
    const mine = new Promise<void>((resolve) => (end = resolve));
    this.#last = before.then(() => mine);
    try {
      await endOf(before, signal);
    } catch (error) {
      end();
      throw error;
    }
    return end;
  }
}

async function endOf(before: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return before;
  let stop: () => void = () => undefined;
  const stopped = new Promise<never>((_, reject) => {
    stop = () => {
      reject(toAbortError(signal));
    };
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    await Promise.race([before, stopped]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
