import { isCcxriError } from '../errors.ts';
import { type RetryDecision, type RetryPolicy, decideRetry } from '../http/retry.ts';

/** A page that is odd each time is asked for no more often, whatever the policy allows. */
const ODD_RETRIES = 2;

/**
 * Whether to ask for a page again: as for a file (`decideRetry`), and a few times where the response was
 * an odd one that a busy server gives once: a page without any link, 202, 403, 404.
 * @param attempts failed so far, this one counted
 * @param random 0 <= x < 1: jitter
 */
export function decidePageRetry(
  error: unknown,
  attempts: number,
  policy: RetryPolicy,
  random: number,
): RetryDecision {
  const decision = decideRetry(error, { attempts, withoutProgress: attempts }, policy, random);
  if (decision.kind === 'retry' || decision.why !== 'permanent' || !mayPass(error)) return decision;
  if (attempts > Math.min(ODD_RETRIES, policy.retries))
    return { kind: 'give-up', why: 'exhausted' };
  return { kind: 'retry', delayMs: policy.firstDelayMs * 2 ** (attempts - 1) * (0.5 + random / 2) };
}

/** Of the server's own resources or rules (RFC 9110, 15.5): another moment changes nothing. */
const PERMANENT: ReadonlySet<number> = new Set([401, 405, 407, 410, 414, 451, 501, 505]);

function mayPass(error: unknown): boolean {
  if (!isCcxriError(error) || error.facts.permanent === true) return false;
  const { status } = error.facts;
  return error.code === 'no-link' || (status !== undefined && !PERMANENT.has(status));
}
