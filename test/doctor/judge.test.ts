import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { FileSystem, Trial } from '../../src/doctor/disk.ts';
import {
  judgeDiskClock,
  judgeFileSystem,
  judgeFlush,
  judgeInodes,
  judgeSpace,
} from '../../src/doctor/judge-disk.ts';
import {
  judgeRanges,
  judgeStart,
  judgeValidator,
  toFileStart,
} from '../../src/doctor/judge-file.ts';
import {
  judgeAddresses,
  judgeCertificate,
  judgeClock,
  judgeNames,
} from '../../src/doctor/judge-host.ts';
import { judgeMemory, judgeNode, judgeOpenFiles } from '../../src/doctor/machine.ts';
import type { Sample } from '../../src/doctor/request.ts';
import { judgeSpeeds } from '../../src/doctor/speed.ts';
import { CcxriError } from '../../src/errors.ts';
import { ARCHIVE, LABELS, MANIFEST } from '../support/doctor.ts';

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

describe('speeds', () => {
  const measure = (connections: number, ms: number) => ({
    connections,
    bytes: connections * 32_768,
    ms,
  });
  it.each([
    [
      'limited for each',
      [measure(1, 300), measure(4, 310), measure(8, 320)],
      'ok',
      'each connection is limited',
    ],
    [
      'a full line',
      [measure(1, 100), measure(4, 400), measure(8, 800)],
      'ok',
      'one connection fills the line',
    ],
    [
      'something between',
      [measure(1, 100), measure(4, 200), measure(8, 400)],
      'ok',
      'more connections help',
    ],
    ['a fast line', [measure(1, 0), measure(4, 1), measure(8, 2)], 'ok', 'a fast line'],
    [
      'a slow one',
      [measure(1, 1000), measure(4, 4000), measure(8, 8000)],
      'warning',
      '33 KB/s with 8',
    ],
  ])('%s', (_, measures, status, seen) => {
    const found = judgeSpeeds({ measures });
    expect([found.status, found.seen]).toEqual([status, expect.stringContaining(seen)]);
  });
});

describe('a disk', () => {
  const trial: Trial = {
    writtenAtMs: NOW,
    beforeMs: NOW - 5,
    afterMs: NOW + 5,
    distinguishesCase: true,
    flushes: true,
  };
  it.each([
    [{}, 'ok'],
    [{ writtenAtMs: NOW - 2000 }, 'ok'],
    [{ writtenAtMs: NOW - DAY }, 'warning'],
    [{ writtenAtMs: NOW + DAY }, 'warning'],
  ])('its clock: %j', (change, status) => {
    expect(judgeDiskClock({ ...trial, ...change }).status).toBe(status);
  });

  it('that can not flush is a warning', () => {
    expect(judgeFlush({ ...trial, flushes: false }).status).toBe('warning');
  });

  it.each([
    [null, true, 'warning'],
    [1000, true, 'ok'],
    [999, true, 'problem'],
    [999, false, 'warning'],
    [5, false, 'problem'],
  ])('%s bytes free (selected: %s)', (bytesFreeOnDisk, isSelected, status) => {
    const steps = [{ file: 'a', action: 'download', bytes: 10, keptBytes: 0 }] as const;
    const plan = { steps, bytesToDownload: 0, bytesNeededOnDisk: 1000, bytesFreeOnDisk };
    expect(judgeSpace(plan, isSelected).status).toBe(status);
  });

  const disk: FileSystem = { type: 0xef53, inodes: 100, freeInodes: 10 };
  it.each([
    [disk, 10 * 265_000, true, 'ok'],
    [disk, 11 * 265_000, true, 'problem'],
    [disk, 11 * 265_000, false, 'warning'],
    [{ ...disk, freeInodes: 0 }, 265_000, false, 'problem'],
    [{ ...disk, inodes: 0 }, 11 * 265_000, true, undefined],
  ])('%j for %i bytes of images (selected: %s)', (of, bytes, isSelected, status) => {
    expect(judgeInodes(of, bytes, isSelected)?.status).toBe(status);
  });

  it.each([
    [0x6969, [], 'ok', 'NFS, over the network'],
    // Its highest bit is set: some systems give it with a sign.
    [0xff534d42 | 0, [], 'ok', 'SMB, over the network'],
    [0x01021994, [], 'warning', 'tmpfs: files are in memory'],
    [1, [], 'ok', 'a file system of another kind than the common ones'],
    [
      0xef53,
      ['images'],
      'problem',
      'images on another disk than the directory: no rename leads there',
    ],
  ])('of the type %i with %j elsewhere', (type, elsewhere, status, seen) => {
    expect(judgeFileSystem({ ...disk, type }, elsewhere)).toMatchObject({ status, seen });
  });
});

describe('the machine', () => {
  it.each([
    ['20.18.3', 'problem'],
    ['20.19.0', 'ok'],
    ['26.1.0', 'ok'],
  ])('Node %s', (version, status) => {
    expect(judgeNode(version).status).toBe(status);
  });

  it.each([
    ['Max open files            1024                 1048576              files', 'ok'],
    ['Max open files            unlimited            unlimited            files', 'ok'],
    ['Max open files            64                   64                   files', 'warning'],
    ['', undefined],
  ])('%s', (limits, status) => {
    expect(judgeOpenFiles(`Max cpu time  unlimited  unlimited  seconds\n${limits}\n`)?.status).toBe(
      status,
    );
  });

  it('little memory is a warning', () => {
    const memory = { freeBytes: 1e9, totalBytes: 8e9 };
    expect(judgeMemory(memory, 2).seen).toBe(
      '1.0 GB of 8.0 GB free; 2 processors, 2 threads to hash and 3 to unpack',
    );
    expect(judgeMemory({ ...memory, freeBytes: 1e8 }, 2).status).toBe('warning');
  });
});
