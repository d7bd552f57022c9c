import { describe, expect, it } from 'vitest';
import { wallOf } from '../../src/http/walls.ts';
import { toStatusError } from '../../src/http/status.ts';
import { renderNextSteps } from '../../src/cli/next-steps.ts';
import { useHttpClients } from '../support/http-clients.ts';
import { nextSaying, saying } from '../support/matchers.ts';
import { answer, useRawServers } from '../support/raw-server.ts';
import { fastClock } from '../support/clock.ts';

const serve = useRawServers();
const toClient = useHttpClients();

interface Shown {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

const judge = ({ status = 200, headers = {}, body }: Shown) =>
  wallOf({
    status,
    header: (name) => headers[name],
    start: body === undefined ? undefined : Buffer.from(body),
  });

describe('#191 a challenge', () => {
  it.each([
    { of: 'AWS WAF', status: 202, headers: { 'x-amzn-waf-action': 'challenge' } },
    { of: 'AWS WAF', status: 405, headers: { 'x-amzn-waf-action': 'captcha' } },
    { of: 'Cloudflare', status: 403, headers: { 'cf-mitigated': 'challenge' } },
    { of: 'Vercel', status: 429, headers: { 'x-vercel-mitigated': 'challenge' } },
    { of: 'Jiasule', status: 521, headers: { 'set-cookie': '__jsluid_s=1; path=/' } },
    { of: 'Cloudflare', body: '<html><title>Just a moment...</title><p>Wait</p>' },
    { of: 'Cloudflare', body: '\n<!DOCTYPE html><p>x</p><script>window._cf_chl_opt={' },
    { of: 'AWS WAF', body: '<html><p>x<script>window.awsWafCookieDomainList = [];' },
    { of: 'Aliyun', body: `<html><p>x<script>var arg1='${'0A'.repeat(20)}';` },
    { of: 'Jiasule', body: "<script>document.cookie=('_')+('_')+('j')+('s')" },
    { of: 'Ruishu', body: "<html><p>x<script>$_ts=window['$_ts'];if(!$_ts)$_ts={};" },
    { of: 'Imperva', body: '<html><p>x</p>Request unsuccessful. Incapsula incident ID: 1-2' },
    { of: 'Sucuri', body: '<html><p>x</p><script>sucuri_cloudproxy_js="";' },
    { of: 'DDoS-Guard', body: '<html><title>DDoS-Guard</title><p>x</p>' },
  ])('of $of is named ($status $headers $body)', ({ of, ...shown }) => {
    expect(judge(shown)).toMatchObject({ name: saying(`challenge of ${of},`), isCertain: true });
  });

  it.each([
    ['<html><body>安全验证</body></html>', '安全验证'],
    [Buffer.from([0x3c, 0x70, 0x3e, 0xb0, 0xb2, 0xc8, 0xab, 0xd1, 0xe9, 0xd6, 0xa4]), '安全验证'],
    ['<p>Verify you are human by', 'see a human'],
    ['<script>document.cookie="k=1";location.reload()</script>', 'script that has to run first'],
    ['<html><head><script>location.href="/x?k="+f()</script></head><body></body>', 'script that'],
  ])('that no one maker has is named by what it does: %s', (body, name) => {
    expect(judge({ body })).toMatchObject({ name: saying(name), isCertain: true });
  });

  it.each([
    { name: 'a zip', body: 'PK\x03\x04 _cf_chl_opt' },
    { name: 'a table', body: '<table><tr><td>a</td></tr></table>' },
    { name: 'a page with a script of its own', body: '<p>Files</p><script>location.href="/x"' },
    { name: 'a page of an application', body: '<script src="/a.js"></script><div id=root></div>' },
    {
      name: 'a page by way of Cloudflare',
      body: '<p>x<script src="/cdn-cgi/challenge-platform/">',
    },
    { name: 'an error that passes', status: 521 },
    { name: 'a file that is not there', status: 404 },
    { name: 'accepted', status: 202 },
    { name: 'a login', status: 401 },
  ])('is not $name', (shown) => {
    expect(judge(shown)).toBeUndefined();
  });
});

describe('#190 a status by which servers keep clients out', () => {
  it.each([403, 412, 418, 444, 445, 468])('%s is named, and may pass', (status) => {
    expect(judge({ status })).toMatchObject({
      isCertain: false,
      next: nextSaying(
        status === 403
          ? /--header 'User-Agent: …'.*, or add --header 'Authorization: …' to log in$/
          : /--header 'User-Agent: …'.*--source \(a page saved in the browser, or/,
      ),
    });
  });

  it('is more certain by the page that comes along', () => {
    expect(judge({ status: 403, body: '<p>Just</p><script>_cf_chl_opt' })?.isCertain).toBe(true);
    expect(judge({ status: 403, body: '<p>Enter the captcha</p>' })).toMatchObject({
      name: saying('captcha'),
      isCertain: false,
    });
  });
});

it('says what to do about a challenge, step by step', () => {
  const { next = [] } = judge({ body: '<script>_cf_chl_opt' }) ?? {};
  expect(renderNextSteps(next, {})).toBe(
    "open the address in a browser, then add --header 'Cookie: …' with the cookies that it has there, then add --header 'User-Agent: …' as it sends it, or give another --source (a page saved in the browser, or a mirror)",
  );
});

it.each([
  { name: '#191 a challenge', status: 202, headers: { 'X-Amzn-Waf-Action': 'challenge' } },
  { name: '#191 a captive portal', status: 511, headers: {} },
])('$name is an error that is not to be tried again', async ({ status, headers }) => {
  const server = await serve((_, reply) => reply.send(answer(status, 'x', headers)));
  const got = await toClient().get(server.url);
  got.discard();
  expect(toStatusError(got, fastClock())).toMatchObject({
    code: 'http-status',
    message: saying(/answers with status \d+ \((?:a challenge of AWS WAF|.*a captive portal)/),
    facts: { status, permanent: true },
  });
});
