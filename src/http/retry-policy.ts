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
