import { describe, expect, it } from 'vitest';
import { CcxriError, type ErrorFacts } from '../../src/errors.ts';
import { decideRetry } from '../../src/http/retry.ts';
import { DEFAULT_RETRY_POLICY as policy } from '../../src/http/retry-policy.ts';

const stateOf = (attempts: number) => ({ attempts, withoutProgress: attempts });

/** How often a page is asked for that fails the same way each time, and the waits between, in seconds. */
function asksFor(code: 'network' | 'http-status' | 'no-link' | 'stalled', facts: ErrorFacts = {}) {
  const waits: number[] = [];
  for (let attempts = 1; ; attempts += 1) {
    const decision = decideRetry(
      new CcxriError(code, 'x', facts),
      stateOf(attempts),
      policy,
      0.999999,
    );
    if (decision.kind === 'give-up') return { attempts, waits };
    waits.push(Math.round(decision.delayMs / 1000));
  }
}

describe('a page that fails the same way each time', () => {
  it.each([
    ['a broken connection', 'network', {}],
    ['a stall', 'stalled', {}],
    ['502', 'http-status', { status: 502 }],
    ['503', 'http-status', { status: 503 }],
    ['429', 'http-status', { status: 429 }],
  ] as const)('is asked for as often as the budget allows: %s', (_, code, facts) => {
    expect(asksFor(code, facts)).toEqual({
      attempts: 11,
      waits: [1, 2, 4, 8, 16, 32, 60, 60, 60, 60],
    });
  });

  it.each([
    ['a page without any link', 'no-link', {}],
    ['202', 'http-status', { status: 202 }],
    ['403', 'http-status', { status: 403 }],
    ['404', 'http-status', { status: 404 }],
    ['423', 'http-status', { status: 423 }],
  ] as const)('is asked for a few times, if that is odd: %s', (_, code, facts) => {
    expect(asksFor(code, facts)).toEqual({ attempts: 4, waits: [1, 2, 4] });
  });

  it.each([
    ['a certificate', 'network', { permanent: true }],
    ['a login', 'http-status', { status: 401 }],
    ['the proxy', 'http-status', { status: 407 }],
    ['410', 'http-status', { status: 410 }],
    ['a wall', 'no-link', { permanent: true }],
    ['a long wait', 'http-status', { status: 503, retryAfterS: 3600 }],
  ] as const)('is asked for once, if another moment changes nothing: %s', (_, code, facts) => {
    expect(asksFor(code, facts)).toEqual({ attempts: 1, waits: [] });
  });

  it('waits as long as it is told to', () => {
    expect(asksFor('http-status', { status: 503, retryAfterS: 300 }).waits[0]).toBe(330);
  });

  it('is asked for once without retries', () => {
    for (const code of ['no-link', 'network'] as const) {
      const none = { ...policy, retries: 0 };
      const decision = decideRetry(new CcxriError(code, 'x'), stateOf(1), none, 0);
      expect(decision).toEqual({ kind: 'give-up', why: 'exhausted' });
    }
  });
});
