import { describe, expect, it } from 'vitest';
import { checkRange, toStrongValidator, type AnswerHead } from '../../src/http/range.ts';

const bare: AnswerHead = {
  status: 206,
  contentLength: undefined,
  contentRange: undefined,
  contentType: undefined,
};
const from10 = { fromByte: 10, isRanged: true, totalBytes: 20 };
const wanted = { kind: 'bytes', fromByte: 10, endByte: 20, totalBytes: 20 };

describe('an answer to a request for bytes from 10 on, of 20', () => {
  it.each([
    { name: 'the bytes asked for', head: { contentRange: 'bytes 10-19/20', contentLength: '10' } },
    { name: 'without a length', head: { contentRange: 'bytes 10-19/20' } },
    { name: '#43 a total left open, which is known', head: { contentRange: 'bytes 10-19/*' } },
    { name: '#182 the unit in another case', head: { contentRange: 'Bytes 10-19/20' } },
    { name: '#182 an equals sign', head: { contentRange: 'bytes=10-19/20' } },
    { name: '#182 no total', head: { contentRange: 'bytes 10-19' } },
    { name: '#43 a last byte behind the end', head: { contentRange: 'bytes 10-20/20' } },
    { name: '#182 no unit', head: { contentRange: ' 10 - 19 / 20 ' } },
    {
      name: '#182 no Content-Range, but the length that was asked for',
      head: { contentLength: '10' },
    },
    {
      name: '#178 with status 200',
      head: { status: 200, contentRange: 'bytes 10-19/20', contentLength: '10' },
    },
    {
      name: '#178 with status 200, no length',
      head: { status: 200, contentRange: 'bytes 10-19/20' },
    },
  ])('is the rest: $name', ({ head }) => {
    expect(checkRange(from10, { ...bare, ...head })).toEqual(wanted);
  });

  it.each([
    { name: 'the server gives less at once', contentRange: 'bytes 10-14/20', endByte: 15 },
    {
      name: 'it is shorter than its range says',
      contentRange: 'bytes 10-19/20',
      contentLength: '9',
      endByte: 19,
    },
    {
      name: 'it is longer than its range says',
      contentRange: 'bytes 10-14/20',
      contentLength: '9',
      endByte: 19,
    },
    {
      name: 'it is longer than the file',
      contentRange: 'bytes 10-19/20',
      contentLength: '99',
      endByte: 20,
    },
    { name: '#181 it begins earlier', contentRange: 'bytes 5-19/20', fromByte: 5 },
    { name: '#181 it is the whole file', contentRange: 'bytes 0-19/20', fromByte: 0 },
  ])('ends or begins elsewhere: $name', ({ name, fromByte = 10, endByte = 20, ...head }) => {
    const judged = checkRange(from10, { ...bare, ...head });
    expect(judged, name).toEqual({ ...wanted, fromByte, endByte });
  });

  it.each([
    { name: '#42 a later start', head: { contentRange: 'bytes 15-19/20' } },
    { name: '#42 an end before the start', head: { contentRange: 'bytes 0-9/20' } },
    { name: '#43 no Content-Range', head: {} },
    { name: '#43 no Content-Range, and another length', head: { contentLength: '9' } },
    { name: '#43 no Content-Range, and no byte', head: { contentLength: '0' } },
    { name: '#43 junk', head: { contentRange: 'bytes ten-19/20' } },
    { name: '#43 junk of the right length', head: { contentRange: 'x', contentLength: '10' } },
    { name: '#43 another unit', head: { contentRange: 'items 10-19/20' } },
    { name: '#43 no range at all', head: { contentRange: '*/20' } },
    {
      name: '#43 an overflowing number',
      head: { contentRange: 'bytes 10-99999999999999999999/20' },
    },
    { name: '#43 a last byte before the first', head: { contentRange: 'bytes 10-9/20' } },
    { name: '#44 another total', head: { contentRange: 'bytes 10-24/25' } },
    {
      name: '#45 several parts in one body',
      head: { contentType: 'multipart/byteranges; boundary=x', contentRange: 'bytes 10-19/20' },
    },
    { name: '#48 a precondition that failed', head: { status: 412 } },
    { name: 'a 416 of a shorter file', head: { status: 416, contentRange: 'bytes */5' } },
  ])('must not be used: $name', ({ head }) => {
    expect(checkRange(from10, { ...bare, ...head })?.kind).toBe('unusable');
  });

  it.each([{ contentRange: 'bytes */20' }, {}, { contentRange: 'bytes */*' }])(
    '#177 says that there is nothing, and there must be: 416 %j',
    (head) => {
      expect(checkRange(from10, { ...bare, status: 416, ...head })?.kind).toBe('unsatisfied');
    },
  );

  it('#43 must not be used where the total is open and not known from before', () => {
    const request = { ...from10, totalBytes: null };
    expect(checkRange(request, { ...bare, contentRange: 'bytes 10-19/*' })?.kind).toBe('unusable');
    expect(checkRange(request, { ...bare, contentLength: '10' })?.kind).toBe('unusable');
  });

  it('#50 says that the file is complete: 416, and its total is what is here', () => {
    const request = { ...from10, fromByte: 20, totalBytes: null };
    const head = { ...bare, status: 416, contentRange: 'bytes */20' };
    expect(checkRange(request, head)).toEqual({ kind: 'complete', totalBytes: 20 });
  });

  it.each([
    { name: '200', head: { status: 200, contentLength: '20' }, totalBytes: 20 },
    { name: '203', head: { status: 203, contentLength: '20' }, totalBytes: 20 },
    { name: 'no length', head: { status: 200, contentLength: '-20' }, totalBytes: null },
    {
      name: 'a Content-Range that its length contradicts',
      head: { status: 200, contentLength: '20', contentRange: 'bytes 10-19/20' },
      totalBytes: 20,
    },
  ])('is the whole file: $name', ({ head, totalBytes }) => {
    const whole = { kind: 'bytes', fromByte: 0, endByte: totalBytes, totalBytes };
    expect(checkRange(from10, { ...bare, ...head })).toEqual(whole);
  });

  it.each([204, 302, 304, 404, 500])('is an error of its own: %i', (status) => {
    expect(checkRange(from10, { ...bare, status })).toBeUndefined();
  });
});

describe('an answer to a request for the whole file', () => {
  const all = { fromByte: 0, isRanged: false, totalBytes: null };
  const whole = { kind: 'bytes', fromByte: 0, endByte: 20, totalBytes: 20 };

  it.each([
    { name: '#184 all of it as a part', head: { contentRange: 'bytes 0-19/20' }, is: whole },
    { name: '#184 a part without a range', head: { contentLength: '20' }, is: whole },
    {
      name: 'its first part',
      head: { contentRange: 'bytes 0-9/20' },
      is: { ...whole, endByte: 10 },
    },
  ])('is used: $name', ({ head, is }) => {
    expect(checkRange(all, { ...bare, ...head })).toEqual(is);
  });

  it('must not be used when it is a later part', () => {
    expect(checkRange(all, { ...bare, contentRange: 'bytes 5-19/20' })?.kind).toBe('unusable');
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
