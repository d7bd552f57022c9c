import { throwIfAborted } from '../abort.ts';
import { isCcxriError } from '../errors.ts';
import type { LoadedPage } from '../http/page.ts';
import { decideRetry, DEFAULT_RETRY_POLICY } from '../http/retry.ts';
import type { SourceContext } from './source-options.ts';

/** A page that has not come by then will not: a person is waiting to be told. */
const PATIENCE_MS = 20_000;

export interface FailedLoad {
  readonly error: unknown;
  readonly attempts: number;
}

/** Loads a page, again where a failure may pass: no file can be had before. */
export async function loadPatiently(
  url: string,
  { loadPage, signal, clock, pageRetries }: SourceContext,
): Promise<LoadedPage | FailedLoad> {
  const startMs = clock.nowMs();
  const policy = { ...DEFAULT_RETRY_POLICY, retries: pageRetries, maxRetryAfterMs: PATIENCE_MS };
  for (let attempts = 1; ; attempts += 1) {
    try {
      return await loadPage(url, signal);
    } catch (error) {
      if (isCcxriError(error, 'aborted')) throw error;
      const state = { attempts, withoutProgress: attempts };
      const decision = decideRetry(error, state, policy, clock.random());
      const isLate = clock.nowMs() - startMs >= PATIENCE_MS;
      if (decision.kind === 'give-up' || isLate) return { error, attempts };
      // An abort ends the wait early, and is told right behind it.
      await clock.sleep(decision.delayMs, signal).catch(() => undefined);
      throwIfAborted(signal);
    }
  }
}
