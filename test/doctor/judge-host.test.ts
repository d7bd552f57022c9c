import { describe, expect, it } from 'vitest';
import {
  judgeAddresses,
  judgeCertificate,
  judgeClock,
  judgeNames,
} from '../../src/doctor/judge-host.ts';

const DAY = 24 * 60 * 60_000;
const NOW = Date.parse('2026-11-28T12:00:00Z');

describe('a host', () => {
  it.each([
    [
      'files.example',
      ['192.0.2.1', '192.0.2.2', '2001:db8::1'],
      'files.example: 2 IPv4 and 1 IPv6 addresses',
    ],
    ['files.example', ['2001:db8::1'], 'files.example: 1 IPv6 address'],
    ['192.0.2.1', ['192.0.2.1'], '192.0.2.1 is an address'],
  ])('%s with %j', (host, addresses, seen) => {
    expect(judgeNames(host, addresses)).toEqual({ status: 'ok', seen });
  });

  const four = { address: '192.0.2.1', family: 4, tookMs: 40 } as const;
  const six = { address: '2001:db8::1', family: 6, tookMs: 1800 } as const;
  const dead = { address: '2001:db8::2', family: 6, failed: 'ETIMEDOUT' } as const;
  it.each([
    [[four, six], 'ok', 'IPv4: 1 of 1 reached in 40 ms; IPv6: 1 of 1 reached in 2 s'],
    [[four, dead], 'warning', 'IPv4: 1 of 1 reached in 40 ms; IPv6: 0 of 1 reached (ETIMEDOUT)'],
    [[six, dead], 'warning', 'IPv6: 1 of 2 reached in 2 s (ETIMEDOUT)'],
    [[dead], 'problem', 'IPv6: 0 of 1 reached (ETIMEDOUT)'],
  ])('%j is %s', (addresses, status, seen) => {
    expect(judgeAddresses(addresses, false)).toMatchObject({ status, seen });
  });

  it('that is a proxy gets other advice', () => {
    expect(judgeAddresses([dead], true).next?.[0]).toMatchObject({
      text: expect.stringContaining('proxy runs') as unknown,
    });
  });

  const certificate = {
    validFromMs: NOW - DAY,
    validToMs: NOW + 90 * DAY,
    issuer: 'Trust, R3',
    distrust: undefined,
  };
  it.each([
    [{}, 'ok', 'trusted until 2027-02-26, issued by Trust, R3'],
    [
      { validToMs: NOW + 3 * DAY },
      'warning',
      'trusted, but it expires in 3 days (2026-12-01), issued by Trust, R3',
    ],
    [
      { distrust: 'CERT_HAS_EXPIRED', validToMs: NOW - DAY },
      'problem',
      'not trusted (CERT_HAS_EXPIRED): valid from 2026-11-27 to 2026-11-27',
    ],
    [
      { distrust: 'SELF_SIGNED_CERT_IN_CHAIN' },
      'problem',
      'not trusted (SELF_SIGNED_CERT_IN_CHAIN), issued by Trust, R3',
    ],
  ])('a certificate with %j is %s', (change, status, seen) => {
    expect(judgeCertificate({ ...certificate, ...change }, NOW)).toMatchObject({ status, seen });
  });

  it.each([
    ['Sat, 28 Nov 2026 11:58:00 GMT', undefined, 'ok'],
    ['Sat, 28 Nov 2026 10:00:00 GMT', undefined, 'warning'],
    // From a cache: it was that time when the server sent it.
    ['Sat, 28 Nov 2026 10:00:00 GMT', '7200', 'ok'],
    ['Sat, 28 Nov 2026 14:00:00 GMT', 'x', 'warning'],
  ])('the clock %s with the age %s is %s', (date, age, status) => {
    expect(judgeClock({ date, age }, NOW)?.status).toBe(status);
  });

  it.each([undefined, 'soon'])('the clock %s is not known', (date) => {
    expect(judgeClock({ date, age: undefined }, NOW)).toBeUndefined();
  });
});
