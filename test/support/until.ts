import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until something holds; what is thrown until then is "not yet". The test's own timeout ends it. */
export async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  for (;;) {
    try {
      if (await holds()) return;
    } catch {
      // Not yet.
    }
    await sleep(20);
  }
}
