import { describe, expect, it } from 'vitest';
import { checkRange, toStrongValidator, type AnswerHead } from '../../src/http/range.ts';

const bare: AnswerHead = {
  status: 206,
  contentLength: undefined,
  contentRange: undefined,
  contentType: undefined,
};
const from10 = { fromByte: 10, totalBytes: 20 };

describe('an answer to a request for bytes from 10 on, of 20', () => {
  it.each([
    { name: 'the bytes asked for', head: { contentRange: 'bytes 10-19/20', contentLength: '10' } },
    { name: 'without a length', head: { contentRange: 'bytes 10-19/20' } },
    { name: 'a total left open, which is known', head: { contentRange: 'bytes 10-19/*' } },
  ])('is a part: $name', ({ head }) => {
    expect(checkRange(from10, { ...bare, ...head })).toEqual({
      kind: 'part',
      endByte: 20,
      totalBytes: 20,
    });
  });

  it('is a part that ends early, where the server gives less at once', () => {
    expect(checkRange(from10, { ...bare, contentRange: 'bytes 10-14/20' })).toEqual({
      kind: 'part',
      endByte: 15,
      totalBytes: 20,
    });
  });

  it.each([
    { name: '#42 another start', head: { contentRange: 'bytes 5-19/20' } },
    { name: '#43 no Content-Range', head: {} },
    { name: '#43 junk', head: { contentRange: 'bytes ten-19/20' } },
    { name: '#43 no range at all', head: { contentRange: '*/20' } },
    {
      name: '#43 an overflowing number',
      head: { contentRange: 'bytes 10-99999999999999999999/20' },
    },
    { name: '#43 a last byte before the first', head: { contentRange: 'bytes 10-9/20' } },
    { name: '#43 a last byte behind the end', head: { contentRange: 'bytes 10-20/20' } },
    { name: '#44 another total', head: { contentRange: 'bytes 10-24/25' } },
    {
      name: 'a length that contradicts',
      head: { contentRange: 'bytes 10-19/20', contentLength: '9' },
    },
    {
      name: '#45 several parts in one body',
      head: { contentType: 'multipart/byteranges; boundary=x', contentRange: 'bytes 10-19/20' },
    },
    { name: '#48 a precondition that failed', head: { status: 412 } },
    { name: 'a 416 of a shorter file', head: { status: 416, contentRange: 'bytes */5' } },
    { name: 'a 416 of a longer file', head: { status: 416, contentRange: 'bytes */20' } },
    { name: 'a 416 that does not say', head: { status: 416 } },
  ])('must not be used: $name', ({ head }) => {
    expect(checkRange(from10, { ...bare, ...head })?.kind).toBe('unusable');
  });

  it('#43 must not be used where the total is open and not known from before', () => {
    const request = { fromByte: 10, totalBytes: null };
    expect(checkRange(request, { ...bare, contentRange: 'bytes 10-19/*' })?.kind).toBe('unusable');
  });

  it('#50 says that the file is complete: 416, and its total is what is here', () => {
    const request = { fromByte: 20, totalBytes: null };
    const head = { ...bare, status: 416, contentRange: 'bytes */20' };
    expect(checkRange(request, head)).toEqual({ kind: 'complete', totalBytes: 20 });
  });

  it('is the whole file: 200', () => {
    expect(checkRange(from10, { ...bare, status: 200, contentLength: '20' })).toEqual({
      kind: 'whole',
      totalBytes: 20,
    });
    expect(checkRange(from10, { ...bare, status: 200, contentLength: '-20' })).toEqual({
      kind: 'whole',
      totalBytes: null,
    });
  });

  it.each([204, 302, 304, 404, 500])('is an error of its own: %i', (status) => {
    expect(checkRange(from10, { ...bare, status })).toBeUndefined();
  });
});

describe('an answer to a request for the whole file', () => {
  const all = { fromByte: 0, totalBytes: null };

  it('must not be used when it is a part', () => {
    const head = { ...bare, contentRange: 'bytes 0-19/20' };
    expect(checkRange(all, head)?.kind).toBe('unusable');
  });

  it.each([412, 416])('is an error of its own: %i', (status) => {
    expect(checkRange(all, { ...bare, status })).toBeUndefined();
  });
});

describe('what proves that two parts are of one file', () => {
  const dates = {
    lastModified: 'Sun, 21 Mar 2021 08:00:00 GMT',
    date: 'Sun, 21 Mar 2021 08:01:00 GMT',
  };
  const none = { etag: undefined, lastModified: undefined, date: undefined };

  it.each([
    { name: 'a strong entity tag', head: { ...none, etag: '"abc"' }, is: '"abc"' },
    { name: 'an empty one', head: { ...none, etag: '""' }, is: '""' },
    { name: '#47 a weak one', head: { ...none, etag: 'W/"abc"' }, is: null },
    { name: 'one without quotes', head: { ...none, etag: 'abc' }, is: null },
    { name: 'two', head: { ...none, etag: '"a", "b"' }, is: null },
    { name: '#47 none', head: none, is: null },
    { name: 'a change a minute ago', head: { ...none, ...dates }, is: dates.lastModified },
    {
      name: 'a change just now',
      head: { ...none, ...dates, date: 'Sun, 21 Mar 2021 08:00:59 GMT' },
      is: null,
    },
    {
      name: 'a change without a date',
      head: { ...none, lastModified: dates.lastModified },
      is: null,
    },
    { name: 'a change at no time', head: { ...none, ...dates, lastModified: 'soon' }, is: null },
    {
      name: 'a change with what no header may hold',
      head: { ...none, ...dates, lastModified: `${dates.lastModified} (\u4e2d)` },
      is: null,
    },
    // If-Range takes no date of a client that has a tag (RFC 9110, 13.1.5).
    { name: 'a weak tag and a change', head: { ...dates, etag: 'W/"abc"' }, is: null },
  ])('$name: $is', ({ head, is }) => {
    expect(toStrongValidator(head)).toBe(is);
  });
});
