import { describe, expect, it } from 'vitest';
import { CcxriError } from '../../src/errors.ts';
import { isBrokenSocket, toNetworkError } from '../../src/http/errors.ts';
import { lacking, saying } from '../support/matchers.ts';

const withCode = (code: string) => Object.assign(new Error('raw'), { code });
const URL_WITH_SECRETS = 'https://me:hunter2@data.example/a.zip?sig=topsecret';

describe('what the system and undici say of a broken request', () => {
  it.each([
    'ENOTFOUND',
    'EAI_AGAIN',
    'ECONNREFUSED',
    'ECONNRESET',
    'ENETUNREACH',
    'EHOSTUNREACH',
    'ETIMEDOUT',
    'EPIPE',
    'EPERM',
    'EMFILE',
    'UND_ERR_SOCKET',
    'UND_ERR_CONNECT_TIMEOUT',
    'UND_ERR_HEADERS_OVERFLOW',
    'HPE_INVALID_CONSTANT',
    'ERR_SSL_WRONG_VERSION_NUMBER',
  ])('#34 %s is `network`, in words of its own, and passes', (code) => {
    const told = toNetworkError(withCode(code), URL_WITH_SECRETS);
    expect(told).toMatchObject({ code: 'network', message: saying(code) });
    expect(told).toMatchObject({ facts: lacking({ permanent: true }) });
  });

  it('#34 each says something else', () => {
    const codes = ['ENOTFOUND', 'EAI_AGAIN', 'ECONNREFUSED', 'ENETUNREACH', 'EHOSTUNREACH'];
    const texts = codes.map((code) => String(toNetworkError(withCode(code), 'http://a.example/')));
    expect(new Set(texts.map((text) => text.replace(/\(.*\)/, ''))).size).toBe(codes.length);
  });

  it.each([
    'CERT_HAS_EXPIRED',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'SELF_SIGNED_CERT_IN_CHAIN',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    'ERR_TLS_CERT_ALTNAME_INVALID',
  ])('#29 %s is `network` for good', (code) => {
    expect(toNetworkError(withCode(code), URL_WITH_SECRETS)).toMatchObject({
      code: 'network',
      facts: { permanent: true },
      next: expect.arrayContaining([
        expect.objectContaining({ kind: 'advice', text: saying('NODE_EXTRA_CA_CERTS') }),
      ]) as unknown,
    });
  });

  it('shows no secret of the address', () => {
    for (const code of ['ECONNRESET', 'CERT_HAS_EXPIRED', 'HPE_X']) {
      const told = toNetworkError(withCode(code), URL_WITH_SECRETS);
      expect(JSON.stringify(told) + String(told)).not.toMatch(/hunter2|topsecret/);
    }
  });

  it.each([new TypeError('bug'), withCode('ENOENT'), withCode('ERR_INVALID_ARG_TYPE'), 'text'])(
    'a bug stays a bug: %s',
    (error) => {
      expect(toNetworkError(error, 'http://a.example/')).toBe(error);
    },
  );

  it('what has its code already keeps it', () => {
    const error = new CcxriError('disk-full', 'full');
    expect(toNetworkError(error, 'http://a.example/')).toBe(error);
  });
});

it.each([
  { code: 'UND_ERR_SOCKET', is: true },
  { code: 'ECONNRESET', is: true },
  { code: 'EPIPE', is: true },
  { code: 'ECONNREFUSED', is: false },
  { code: 'ENOTFOUND', is: false },
])('$code is a connection that broke: $is', ({ code, is }) => {
  expect(isBrokenSocket(withCode(code))).toBe(is);
});
