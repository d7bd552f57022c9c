import { describe, expect, it } from 'vitest';
import { CcxriError } from '../../src/errors.ts';
import { decideRetry, describeWait, parseRetryAfter } from '../../src/http/retry.ts';

const policy = {
  retries: 3,
  firstDelayMs: 1000,
  maxDelayMs: 10_000,
  maxRetryAfterMs: 60_000,
  maxAttempts: 20,
};
const broken = new CcxriError('network', 'broke');
const status = (code: number, retryAfterS?: number) =>
  new CcxriError('http-status', 'no', {
    status: code,
    ...(retryAfterS === undefined ? {} : { retryAfterS }),
  });

describe('whether a failed attempt is worth another', () => {
  it.each([
    { name: 'a broken connection', error: broken },
    { name: 'a stall', error: new CcxriError('stalled', 'slow') },
    ...[408, 429, 500, 501, 502, 503, 504, 520, 555].map((code) => ({
      name: `${code}`,
      error: status(code),
    })),
  ])('$name is', ({ error }) => {
    expect(decideRetry(error, { attempts: 1, withoutProgress: 1 }, policy, 0).kind).toBe('retry');
  });

  it.each([
    ...[401, 407, 410, 414, 431, 451].map((code) => ({ name: `${code}`, error: status(code) })),
    { name: 'a file that a directory lacks', error: new CcxriError('file-not-at-source', 'no') },
    { name: '#29 a certificate', error: new CcxriError('network', 'no', { permanent: true }) },
    {
      name: 'a local file that is another',
      error: new CcxriError('not-the-file', 'no', { permanent: true }),
    },
    { name: '#71 a full disk', error: new CcxriError('disk-full', 'no') },
    { name: 'a stop', error: new CcxriError('aborted', 'no') },
    { name: 'a bug', error: new TypeError('bug') },
  ])('$name is not', ({ error }) => {
    expect(decideRetry(error, { attempts: 1, withoutProgress: 1 }, policy, 0)).toEqual({
      kind: 'give-up',
      why: 'permanent',
    });
  });

  it.each([
    ...[202, 204, 400, 403, 404, 405, 423].map((code) => ({
      name: `${code}`,
      error: status(code),
    })),
    {
      name: '#13 404 for a file',
      error: new CcxriError('file-not-at-source', 'no', { status: 404 }),
    },
    { name: 'a page instead of a file', error: new CcxriError('not-the-file', 'no') },
  ])('#188 $name is, three times', ({ error }) => {
    const after = (withoutProgress: number, retries = 10) => {
      const state = { attempts: withoutProgress, withoutProgress };
      return decideRetry(error, state, { ...policy, retries }, 0).kind;
    };
    expect([1, 3, 4].map((n) => after(n))).toEqual(['retry', 'retry', 'give-up']);
    expect(after(2, 1)).toBe('give-up');
  });

  it('gives up after as many attempts without progress as are allowed', () => {
    const after = (withoutProgress: number) =>
      decideRetry(broken, { attempts: 9, withoutProgress }, policy, 0).kind;
    expect([after(1), after(3), after(4)]).toEqual(['retry', 'retry', 'give-up']);
  });

  it('gives up after as many attempts in all, progress or not', () => {
    const after = (attempts: number) =>
      decideRetry(broken, { attempts, withoutProgress: 1 }, policy, 0).kind;
    expect([after(19), after(20)]).toEqual(['retry', 'give-up']);
  });

  it('waits longer each time, up to a bound, spread by chance', () => {
    const wait = (withoutProgress: number, random: number) => {
      const endless = { ...policy, retries: 100 };
      const decision = decideRetry(broken, { attempts: 1, withoutProgress }, endless, random);
      return decision.kind === 'retry' ? decision.delayMs : null;
    };
    expect([1, 2, 3, 4, 5, 50].map((n) => wait(n, 0))).toEqual([500, 1000, 2000, 4000, 5000, 5000]);
    expect(wait(1, 0.5)).toBe(750);
  });

  it('#10 waits at least as long as the server asks', () => {
    const decide = (random: number) =>
      decideRetry(status(503, 30), { attempts: 1, withoutProgress: 1 }, policy, random);
    expect(decide(0)).toEqual({ kind: 'retry', delayMs: 30_000 });
    expect(decide(0.5)).toEqual({ kind: 'retry', delayMs: 31_500 });
  });

  it('#11 gives up where the server asks for a longer wait than is sensible', () => {
    const state = { attempts: 1, withoutProgress: 1 };
    expect(decideRetry(status(429, 86_400), state, policy, 0)).toEqual({
      kind: 'give-up',
      why: 'asked-to-wait',
    });
  });
});

describe('#11 Retry-After', () => {
  const now = new Date('2026-01-01T00:00:00Z');
  it.each([
    { text: '2', is: 2 },
    { text: ' 86400 ', is: 86_400 },
    { text: 'Thu, 01 Jan 2026 00:01:30 GMT', is: 90 },
    { text: 'Thursday, 01-Jan-26 00:00:10 GMT', is: 10 },
    { text: 'Wed, 31 Dec 2025 23:00:00 GMT', is: undefined },
    { text: 'abc', is: undefined },
    { text: '-1', is: undefined },
    { text: '1.5', is: undefined },
    { text: '', is: undefined },
    { text: undefined, is: undefined },
  ])('$text: $is', ({ text, is }) => {
    expect(parseRetryAfter(text, now)).toBe(is);
  });
});

describe('#196 a wait that a server asks for', () => {
  const now = new Date('2026-11-28T00:00:00Z');
  it.each([
    [undefined, ''],
    [90, '; it asks to wait 1 min 30 s'],
    [86_400, '; it asks to wait 24 h 00 min'],
    [
      400 * 86_400,
      "; it asks to wait until 2028-01-02, which can't be meant: come back when you like",
    ],
    [
      999_999_999,
      "; it asks to wait until 2058-08-06, which can't be meant: come back when you like",
    ],
    [1e15, "; it asks to wait for ever, which can't be meant: come back when you like"],
  ])('of %s s is described', (seconds, words) => {
    expect(describeWait(seconds, now)).toBe(words);
  });
});
