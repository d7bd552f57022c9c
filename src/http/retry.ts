import { isCcxriError } from '../errors.ts';

/** How often to retry, and how long to wait. */
export interface RetryPolicy {
  /** Consecutive attempts without progress before a source is given up. */
  readonly retries: number;
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
  /** A source that asks for a longer wait is given up; the error says when to retry. */
  readonly maxRetryAfterMs: number;
  /** In all, with or without progress: bounds a server that sends a few bytes each time. */
  readonly maxAttempts: number;
}

/** A connection without bytes for so long is dropped. */
export const DEFAULT_TIMEOUT_MS = 30_000;

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
 * Whether to retry a failed attempt. Broken connections, stalls and transient statuses are retried;
 * anything else (404, a wrong file, a full disk, a bug) is not.
 * @param random 0 <= x < 1: jitter
 */
export function decideRetry(
  error: unknown,
  state: RetryState,
  policy: RetryPolicy,
  random: number,
): RetryDecision {
  if (!isTransient(error)) return { kind: 'give-up', why: 'permanent' };
  if (state.withoutProgress > policy.retries || state.attempts >= policy.maxAttempts) {
    return { kind: 'give-up', why: 'exhausted' };
  }
  const grown = policy.firstDelayMs * 2 ** Math.max(0, state.withoutProgress - 1);
  const backoffMs = Math.min(policy.maxDelayMs, grown) * (0.5 + random / 2);
  const askedS = isCcxriError(error) ? error.facts.retryAfterS : undefined;
  if (askedS === undefined) return { kind: 'retry', delayMs: backoffMs };
  if (askedS * 1000 > policy.maxRetryAfterMs) return { kind: 'give-up', why: 'asked-to-wait' };
  // Never earlier than asked, with a little jitter on top.
  return { kind: 'retry', delayMs: Math.max(askedS * 1000 * (1 + random / 10), backoffMs) };
}

const TRANSIENT_STATUSES = new Set([
  408, 425, 429, 500, 502, 503, 504, 507, 509, 520, 521, 522, 524,
]);

function isTransient(error: unknown): boolean {
  if (isCcxriError(error, 'stalled')) return true;
  if (isCcxriError(error, 'network')) return error.facts.permanent !== true;
  if (!isCcxriError(error, 'http-status')) return false;
  const { status } = error.facts;
  return status !== undefined && TRANSIENT_STATUSES.has(status);
}

/**
 * Retry-After in seconds: a number, or an HTTP date (RFC 9110, 10.2.3). undefined: anything
 * else, or a date in the past; the ordinary wait applies.
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
