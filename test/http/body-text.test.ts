import { describe, expect, it } from 'vitest';
import { rateLimitIn, reasonOfBody, textOfBody } from '../../src/http/body-text.ts';

const text = (body: string, contentType?: string) => textOfBody(Buffer.from(body), contentType);

describe('a body that came instead of a file', () => {
  it.each([
    ['{"code":500,\n "msg":"busy"}', '{"code":500, "msg":"busy"}'],
    [
      '<html><head><title>Login</title><style>p {}</style></head><body><p>Who are\tyou?',
      'Login Who are you?',
    ],
    ['<!doctype html><script>var a = "<b>";</script><!-- x -->Wait<br>here', 'Wait here'],
    ['<script>never closed', ''],
    ['a < b and c > d', 'a < b and c > d'],
    ['\u001b[31mred', '\\x1b[31mred'],
    ['', ''],
  ])('is shown as a reader would see it: %j', (body, shown) => {
    expect(text(body)).toBe(shown);
  });

  it('is read in its own encoding, and cut where it is long', () => {
    const gbk = Buffer.from([0xb7, 0xc3, 0xce, 0xca, 0xc6, 0xb5, 0xb7, 0xb1]);
    expect(textOfBody(gbk, 'text/plain; charset=gbk')).toBe('访问频繁');
    expect(text('x'.repeat(9000))).toHaveLength(1001);
  });
});

describe('the body of an error', () => {
  it.each([
    ['no', 401],
    ['Unauthorized', 401],
    [
      '<html><head><title>404 Not Found</title></head><body><h1>404 Not Found</h1><hr>nginx</html>',
      404,
    ],
    ['', 500],
  ])('says nothing beside its status: %s', (body, status) =>
    expect(reasonOfBody(Buffer.from(body), status)).toBe(''),
  );
  it.each([
    ['quota exceeded', 403],
    ['403 Forbidden: out of hours', 403],
    ['无权限', 403],
  ])('says why: %s', (body, status) => expect(reasonOfBody(Buffer.from(body), status)).toBe(body));
});

describe('#189 a text', () => {
  it.each([
    '{"code":429,"msg":"x"}',
    'Too Many Requests',
    '访问过于频繁',
    '请稍后再试',
    '接口限流',
    'rate limited',
  ])('that means "slow down": %s', (body) => expect(rateLimitIn(Buffer.from(body))).toBe(body));
  it.each(['{"code":4290}', 'not found', '登录', ''])('that does not: %s', (body) =>
    expect(rateLimitIn(Buffer.from(body))).toBeUndefined(),
  );

  it('in its own charset, and not in a long page', () => {
    const gbk = Buffer.from([0xc6, 0xb5, 0xb7, 0xb1]);
    expect(rateLimitIn(gbk, 'text/html; charset=gbk')).toBe('频繁');
    expect(rateLimitIn(Buffer.from(`too many ${'x'.repeat(5000)}`))).toBeUndefined();
  });
});
