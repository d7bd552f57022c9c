import { isCcxriError } from '../errors.ts';

/** How often and how long to try again. */
export interface RetryPolicy {
  /** Attempts in a row that brought nothing, before a source is given up. */
  readonly retries: number;
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
  /** A server that asks for a longer wait is left; the user is told when to come back. */
  readonly maxRetryAfterMs: number;
  /** In all, progress or not: a bound for a server that gives a little and breaks off for ever. */
  readonly maxAttempts: number;
}

export const DEFAULT_RETRY_POLICY: RetryPolicy = {
  retries: 10,
  firstDelayMs: 1000,
  maxDelayMs: 60_000,
  maxRetryAfterMs: 10 * 60_000,
  maxAttempts: 1000,
};

export interface RetryState {
  /** Failed attempts so far, this one counted. */
  readonly attempts: number;
  /** Of those, the last ones that brought no new bytes. */
  readonly withoutProgress: number;
}

export type RetryDecision =
  | { readonly kind: 'retry'; readonly delayMs: number }
  | { readonly kind: 'give-up'; readonly why: 'permanent' | 'exhausted' | 'asked-to-wait' };

/**
 * Whether a failed attempt is worth another. Broken connections, stalls, and the statuses that
 * speak of a passing state are; anything else (404, a wrong file, a full disk, a bug) is not.
 * @param random 0 <= x < 1: spreads the waits, so that many downloads don't knock at once
 */
export function decideRetry(
  error: unknown,
  state: RetryState,
  policy: RetryPolicy,
  random: number,
): RetryDecision {
  if (!isPassing(error)) return { kind: 'give-up', why: 'permanent' };
  if (state.withoutProgress > policy.retries || state.attempts >= policy.maxAttempts) {
    return { kind: 'give-up', why: 'exhausted' };
  }
  const grown = policy.firstDelayMs * 2 ** Math.max(0, state.withoutProgress - 1);
  const backoffMs = Math.min(policy.maxDelayMs, grown) * (0.5 + random / 2);
  const askedS = isCcxriError(error) ? error.facts.retryAfterS : undefined;
  if (askedS === undefined) return { kind: 'retry', delayMs: backoffMs };
  if (askedS * 1000 > policy.maxRetryAfterMs) return { kind: 'give-up', why: 'asked-to-wait' };
  // Never earlier than asked, and a little spread behind it.
  return { kind: 'retry', delayMs: Math.max(askedS * 1000 * (1 + random / 10), backoffMs) };
}

const PASSING_STATUSES = new Set([408, 425, 429, 500, 502, 503, 504, 507, 509, 520, 521, 522, 524]);

function isPassing(error: unknown): boolean {
  if (isCcxriError(error, 'stalled')) return true;
  if (isCcxriError(error, 'network')) return error.facts.permanent !== true;
  return isCcxriError(error, 'http-status') && PASSING_STATUSES.has(error.facts.status ?? 0);
}

/**
 * Retry-After in seconds: a number, or an HTTP date (RFC 9110, 10.2.3). Junk, and a date that has
 * passed, are undefined: the ordinary wait applies.
 */
export function parseRetryAfter(text: string | undefined, now: Date): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text.trim())) return Number(text.trim());
  // Only the date forms of HTTP: Date.parse alone would read "-1" as a year.
  if (!/^[A-Z][a-z]{2,8},? .*\d{2}:\d{2}:\d{2}/.test(text)) return undefined;
  const atMs = Date.parse(text);
  const seconds = Math.ceil((atMs - now.getTime()) / 1000);
  return Number.isFinite(seconds) && seconds > 0 ? seconds : undefined;
}
