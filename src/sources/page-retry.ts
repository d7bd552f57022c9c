import { CcxriError, isCcxriError } from '../errors.ts';
import { type RetryDecision, type RetryPolicy, decideRetry } from '../http/retry.ts';

/**
 * Whether to ask for a page again: as for a file. A page without any link is what a busy server sends
 * once, as a page is that comes instead of a file.
 * @param attempts failed so far, this one counted
 * @param random 0 <= x < 1: jitter
 */
export function decidePageRetry(
  error: CcxriError,
  attempts: number,
  policy: RetryPolicy,
  random: number,
): RetryDecision {
  const isEmpty = isCcxriError(error, 'no-link');
  const judged = isEmpty ? new CcxriError('not-the-file', error.message, error.facts) : error;
  return decideRetry(judged, { attempts, withoutProgress: attempts }, policy, random);
}
