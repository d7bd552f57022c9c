import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  judgeRanges,
  judgeStart,
  judgeValidator,
  toFileStart,
} from '../../src/doctor/judge-file.ts';
import type { Sample } from '../../src/doctor/request.ts';
import { CcxriError } from '../../src/errors.ts';
import { ARCHIVE, LABELS, MANIFEST } from '../support/doctor.ts';

/** A response to `bytes=0-99`, or to another range. */
function sample(headers: Readonly<Record<string, string>>, more: Partial<Sample> = {}): Sample {
  return {
    status: 206,
    url: 'http://files.example/ChestDx-1.zip?key=secret',
    header: (name) => headers[name],
    bytes: ARCHIVE.bytes.subarray(0, 100),
    range: { kind: 'bytes', fromByte: 0, endByte: 100, totalBytes: ARCHIVE.bytes.length },
    bodyMs: 1,
    ...more,
  };
}

const upper = (headers: Readonly<Record<string, string>> = {}, more: Partial<Sample> = {}) =>
  sample(headers, { bytes: ARCHIVE.bytes.subarray(50, 100), ...more });

describe('the first bytes', () => {
  const [archive, labels] = MANIFEST.files;
  const start = {
    where: 'there',
    isLocal: false,
    contentType: undefined,
    totalBytes: null,
    isEncoded: false,
  };

  it.each([
    ['a zip', ARCHIVE.bytes, 'ok'],
    ['a page', Buffer.from('<!doctype html><title>x</title>'), 'problem'],
    ['something else', Buffer.from('{"code":429}'), 'problem'],
    ['nothing', Buffer.alloc(0), 'problem'],
  ])('of an archive: %s', (_, bytes, status) => {
    expect(judgeStart(archive!, { ...start, bytes }).status).toBe(status);
  });

  it.each([
    ['a label file', LABELS.bytes, 'ok'],
    ['one with a mark and quotes', Buffer.from('\ufeff"Image","zip"\r\n'), 'ok'],
    ['another table', Buffer.from('a,b,c\n1,2,3\n'), 'warning'],
    ['a page', Buffer.from('<html>'), 'problem'],
  ])('of labels: %s', (_, bytes, status) => {
    expect(judgeStart(labels!, { ...start, bytes }).status).toBe(status);
  });

  it('and a length that can not be right', () => {
    const found = judgeStart(archive!, { ...start, bytes: ARCHIVE.bytes, totalBytes: 17 });
    expect(found).toMatchObject({ status: 'problem', code: 'not-the-file' });
    expect(found.seen).toContain('has 17 bytes (expected: a zip archive of about');
  });

  it('are read through gzip that nobody asked for, and show no query', () => {
    const packed = sample(
      { 'content-encoding': 'gzip' },
      { bytes: gzipSync(ARCHIVE.bytes).subarray(0, 500) },
    );
    const opened = toFileStart(archive!, packed);
    expect(opened.bytes.subarray(0, 4)).toEqual(ARCHIVE.bytes.subarray(0, 4));
    expect([opened.isEncoded, opened.totalBytes, opened.where]).toEqual([
      true,
      null,
      'http://files.example/ChestDx-1.zip?…',
    ]);
    expect(judgeRanges(packed, undefined, { from: 50, isEncoded: true }).seen).toContain(
      'compresses',
    );
  });
});

describe('ranges', () => {
  const refusal = new CcxriError('http-status', 'x', { status: 416 });
  it.each([
    ['two that agree', sample({}), upper(), 'ok'],
    ['one', sample({}), undefined, 'ok'],
    ['a second that is refused', sample({}), refusal, 'warning'],
    [
      'a second with the whole',
      sample({}),
      upper({}, { status: 200, range: { kind: 'bytes', fromByte: 0, endByte: 1, totalBytes: 1 } }),
      'warning',
    ],
    [
      'the whole',
      sample({}, { status: 200, range: { kind: 'bytes', fromByte: 0, endByte: 1, totalBytes: 1 } }),
      undefined,
      'warning',
    ],
    [
      'one without use',
      sample({}, { range: { kind: 'unusable', why: 'x' } }),
      undefined,
      'warning',
    ],
    ['a status of its own', sample({}, { status: 202, range: undefined }), undefined, 'warning'],
    [
      'a refusal, where the whole is served',
      { ...sample({}), refused: refusal },
      undefined,
      'warning',
    ],
    ['other bytes than said', sample({}), upper({}, { bytes: Buffer.alloc(50) }), 'problem'],
  ] as const)('%s', (_, start, second, status) => {
    expect(judgeRanges(start, second, { from: 50, isEncoded: false }).status).toBe(status);
  });
});

describe('a validator', () => {
  const old = {
    'last-modified': 'Sat, 28 Nov 2020 10:00:00 GMT',
    date: 'Sat, 28 Nov 2026 10:00:00 GMT',
  };
  const whole = upper(
    {},
    { status: 200, range: { kind: 'bytes', fromByte: 0, endByte: 1, totalBytes: 1 } },
  );
  it.each([
    [{ etag: '"a"' }, upper({ etag: '"a"' }), 'ok', 'a strong ETag, accepted in If-Range'],
    [{ etag: '"a"' }, upper({ etag: '"b"' }), 'warning', 'another one for each request'],
    [{ etag: '"a"' }, whole, 'warning', 'If-Range with it is refused (status 200)'],
    [{ etag: 'W/"a"' }, upper(), 'warning', 'a weak ETag'],
    [{ etag: 'a' }, upper(), 'warning', 'an invalid ETag'],
    [old, upper(old), 'ok', 'Last-Modified, accepted in If-Range'],
    [{ 'last-modified': old['last-modified'] }, upper(), 'warning', 'a date that proves nothing'],
    [{}, upper(), 'warning', 'no ETag and no date'],
  ])('%j', (headers, second, status, seen) => {
    const found = judgeValidator(sample(headers), second);
    expect([found.status, found.seen]).toEqual([status, expect.stringContaining(seen)]);
  });
});
