import { describe, expect, it } from 'vitest';
import { answerOf, typeOf } from '../../src/http-server/answer.ts';

const content = { bytes: 1000, etag: '"abc"', type: 'application/zip' };
const get = (headers: Readonly<Record<string, string>>, method = 'GET') =>
  answerOf({ method, headers }, content);

describe('answerOf', () => {
  it.each([
    ['bytes=0-0', 0, 1],
    ['bytes=100-', 100, 1000],
    ['Bytes=100-199', 100, 200],
    ['bytes=990-99999999999999999999', 990, 1000],
    ['bytes=-10', 990, 1000],
    ['bytes=-6000', 0, 1000],
  ])('gives of %s the bytes %i to %i', (range, fromByte, toByte) => {
    expect(get({ range })).toMatchObject({
      ...{ status: 206, fromByte, toByte },
      headers: {
        'content-range': `bytes ${fromByte}-${toByte - 1}/1000`,
        'content-length': toByte - fromByte,
        etag: '"abc"',
        'accept-ranges': 'bytes',
      },
    });
  });

  it.each(['bytes=1000-', 'bytes=99999999999999999999-', 'bytes=-0'])(
    'refuses %s, which is behind the end',
    (range) => {
      const { status, headers, fromByte, toByte } = get({ range });
      expect([status, headers['content-range'], toByte - fromByte]).toEqual([
        416,
        'bytes */1000',
        0,
      ]);
    },
  );

  it.each(['bytes=0-1,5-6', 'bytes=9-3', 'bytes=-', 'lines=1-2', 'bytes=1-2x', 'bytes=١-٢'])(
    'gives all for %s',
    (range) => {
      expect(get({ range })).toMatchObject({ status: 200, fromByte: 0, toByte: 1000 });
    },
  );

  it.each([
    [{ range: 'bytes=1-2', 'if-range': '"abc"' }, 206],
    [{ range: 'bytes=1-2', 'if-range': '"other"' }, 200],
    // Weak tags and dates do not show that bytes are the same.
    [{ range: 'bytes=1-2', 'if-range': 'W/"abc"' }, 200],
    [{ range: 'bytes=1-2', 'if-range': 'Wed, 21 Oct 2015 07:28:00 GMT' }, 200],
    [{ 'if-none-match': '"x", W/"abc"' }, 304],
    [{ 'if-none-match': '"x"' }, 200],
    [{ 'if-match': '*' }, 200],
    [{ 'if-match': '"x"' }, 412],
  ])('answers %o with %i', (headers, status) => {
    expect(get(headers as Record<string, string>).status).toBe(status);
  });

  it('gives HEAD the length of all, and no body', () => {
    const { status, headers, fromByte, toByte } = get({ range: 'bytes=1-2' }, 'HEAD');
    expect([status, headers['content-length'], toByte - fromByte]).toEqual([200, 1000, 0]);
  });

  it('gives an empty file whole, and no range of it', () => {
    const empty = { ...content, bytes: 0 };
    expect(answerOf({ method: 'GET', headers: {} }, empty)).toMatchObject({
      status: 200,
      toByte: 0,
    });
    const range = { range: 'bytes=0-' };
    expect(answerOf({ method: 'GET', headers: range }, empty).status).toBe(416);
  });
});

it('typeOf knows what a release has', () => {
  expect(['a.ZIP', 'a.csv', 'index.html', 'a'].map(typeOf)).toEqual([
    'application/zip',
    'text/csv; charset=utf-8',
    'text/html; charset=utf-8',
    'application/octet-stream',
  ]);
});
