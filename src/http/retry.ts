import { type NextStep, isCcxriError } from '../errors.ts';
import { formatDuration } from '../text.ts';
import type { RetryPolicy } from './retry-policy.ts';

export interface RetryState {
  /** Failed attempts so far, this one counted. */
  readonly attempts: number;
  /** Of those, the last ones that brought no new bytes. */
  readonly withoutProgress: number;
}

export type RetryDecision =
  | { readonly kind: 'retry'; readonly delayMs: number }
  | { readonly kind: 'give-up'; readonly why: 'permanent' | 'exhausted' | 'asked-to-wait' };

/** Tries beyond the first where an answer may be meant: a server that means it says so each time. */
const DOUBTFUL_RETRIES = 3;

/**
 * Whether to retry a failed attempt. Broken connections, stalls and failures of the server are retried
 * as often as the policy allows. An answer that may be the last word (404, a page instead of the file, a
 * page without a link) is asked for a few times more, since busy servers and what stands before them give such answers once.
 * What HTTP calls permanent, a full disk, and a bug are not retried.
 * @param random 0 <= x < 1: jitter
 */
export function decideRetry(
  error: unknown,
  state: RetryState,
  policy: RetryPolicy,
  random: number,
): RetryDecision {
  const hope = hopeOf(error);
  if (hope === 'none') return { kind: 'give-up', why: 'permanent' };
  const retries = hope === 'some' ? Math.min(policy.retries, DOUBTFUL_RETRIES) : policy.retries;
  if (state.withoutProgress > retries || state.attempts >= policy.maxAttempts) {
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

/** Credentials, what is gone, what the law forbids, and requests that no server takes. */
const PERMANENT: readonly number[] = [401, 407, 410, 414, 431, 451];
/** Below 500, and temporary by their meaning. */
const TEMPORARY: readonly number[] = [408, 425, 429];

/** `good`: it may be over in a moment; `some`: it may also be meant. */
function hopeOf(error: unknown): 'good' | 'some' | 'none' {
  if (!isCcxriError(error)) return 'none';
  const { permanent, status } = error.facts;
  if (permanent === true || (status !== undefined && PERMANENT.includes(status))) return 'none';
  if (isCcxriError(error, 'network', 'stalled')) return 'good';
  if (isCcxriError(error, 'not-the-file', 'no-link')) return 'some';
  // Without a status, it is the source's own word that there is no such file, not a server's.
  if (status === undefined) return 'none';
  if (isCcxriError(error, 'file-not-at-source')) return 'some';
  if (!isCcxriError(error, 'http-status')) return 'none';
  return status >= 500 || TEMPORARY.includes(status) ? 'good' : 'some';
}

/** Nobody means this: a clock or a configuration is wrong. */
const ABSURD_S = 30 * 24 * 3600;

/**
 * A wait that a server asks for, in words for the end of a message; empty: it asks for none.
 * @param retryAfterS seconds from `now`
 */
export function describeWait(retryAfterS: number | undefined, now: Date): string {
  if (retryAfterS === undefined) return '';
  if (retryAfterS < ABSURD_S) return `; it asks to wait ${formatDuration(retryAfterS * 1000)}`;
  const at = new Date(now.getTime() + retryAfterS * 1000);
  const until = Number.isNaN(at.getTime()) ? 'for ever' : `until ${at.toISOString().slice(0, 10)}`;
  return `; it asks to wait ${until}, which can't be meant: come back when you like`;
}

/** What to do about a server that asks to wait; undefined: it does not, or for longer than can be meant. */
export function stepOfWait(retryAfterS: number | undefined): NextStep | undefined {
  if (retryAfterS === undefined || retryAfterS >= ABSURD_S) return undefined;
  return { kind: 'again', afterMs: retryAfterS * 1000 };
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
