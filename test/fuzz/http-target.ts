import assert from 'node:assert/strict';
import fc from 'fast-check';
import { CcxriError } from '../../src/errors.ts';
import { decodeHtml } from '../../src/http/page.ts';
import {
  type AnswerHead,
  type RangeRequest,
  checkRange,
  toStrongValidator,
} from '../../src/http/range.ts';
import { isInside, nextHop } from '../../src/http/redirect.ts';
import { decideRetry, parseRetryAfter } from '../../src/http/retry.ts';
import { DEFAULT_RETRY_POLICY } from '../../src/http/retry-policy.ts';
import { isPlausibleSize, toPublishedSize, toSizeWindow } from '../../src/manifest/size.ts';
import { type Fuzz, toFuzz } from './harness.ts';

const ODD = [
  '',
  ' ',
  '\t',
  '\0',
  '\r\n',
  '-',
  '-1',
  '+1',
  '1.5',
  '1e3',
  '0x10',
  'Infinity',
  '*',
  '/',
];
const numbers = fc.oneof(
  fc.constantFrom('0', '1', '9', '10', '19', '20', '99', '007', '9'.repeat(15), '9'.repeat(30)),
  fc.nat(30).map(String),
  fc.nat().map(String),
  fc.constantFrom(...ODD, '٣', '１'),
);
const junk = fc.oneof(fc.constantFrom(...ODD), fc.string({ unit: 'binary', maxLength: 12 }));

/** A header put together of right pieces, one of them wrong now and then. */
const header = (...parts: readonly fc.Arbitrary<string>[]): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 12, arbitrary: fc.tuple(...parts).map((texts) => texts.join('')) },
    { weight: 1, arbitrary: fc.tuple(junk, ...parts, junk).map((texts) => texts.join('')) },
    { weight: 1, arbitrary: junk },
  );
const text = (...texts: readonly string[]) => fc.constantFrom(...texts);
const absent = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 5 });

const first = fc.oneof({ weight: 3, arbitrary: text('10') }, { weight: 1, arbitrary: numbers });
const last = fc.oneof(
  { weight: 3, arbitrary: text('19', '29') },
  { weight: 1, arbitrary: numbers },
);
const total = fc.oneof(
  { weight: 3, arbitrary: text('20', '30', '*') },
  { weight: 1, arbitrary: numbers },
);
const length = fc.oneof(
  { weight: 3, arbitrary: text('10', '20') },
  { weight: 1, arbitrary: numbers },
);

interface RangeInput {
  readonly request: RangeRequest;
  readonly head: AnswerHead;
}

const ranges: fc.Arbitrary<RangeInput> = fc.record({
  request: fc.record({
    fromByte: fc.oneof(fc.constant(10), fc.constantFrom(0, 20, 2 ** 53)),
    toByte: fc.constantFrom(undefined, undefined, 20, 30),
    isRanged: fc.constantFrom(true, true, true, false),
    totalBytes: fc.constantFrom(null, 20, 30, 20),
  }),
  head: fc.record({
    status: fc.oneof(
      { weight: 6, arbitrary: fc.constant(206) },
      { weight: 4, arbitrary: fc.constantFrom(200, 416, 412, 404, 100, 302) },
      { weight: 1, arbitrary: fc.nat(999) },
    ),
    contentLength: absent(header(length)),
    contentRange: absent(
      fc.oneof(
        { weight: 4, arbitrary: header(text('bytes '), first, text('-'), last, text('/'), total) },
        { weight: 1, arbitrary: header(text('bytes */'), total) },
      ),
    ),
    contentType: absent(text('application/zip', 'multipart/byteranges', 'MULTIPART/x; a')),
  }),
});

/** Whatever is said of a body: its bytes have a place, and all numbers fit each other. */
function assertRange({ request, head }: RangeInput): boolean {
  const judged = checkRange(request, head);
  switch (judged?.kind) {
    case undefined:
    case 'unusable':
      return false;
    case 'unsatisfied':
      assert.equal(head.status, 416);
      assert(request.isRanged);
      return false;
    case 'complete':
      assert.equal(head.status, 416);
      assert.equal(head.contentRange, `bytes */${request.fromByte}`);
      return true;
    case 'bytes': {
      const { fromByte, endByte, totalBytes } = judged;
      const wanted = request.isRanged ? request.fromByte : 0;
      assert([200, 203, 206].includes(head.status));
      assert(fromByte <= wanted && Number.isSafeInteger(fromByte));
      if (fromByte > 0) {
        assert(endByte !== null && totalBytes !== null && endByte > wanted);
        assert([null, totalBytes].includes(request.totalBytes));
      }
      const total = totalBytes ?? Infinity;
      assert(endByte === null || (endByte <= total && Number.isSafeInteger(endByte)));
      return true;
    }
  }
}

const DATES = [
  'Sun, 21 Mar 2021 08:00:00 GMT',
  'Sunday, 21-Mar-21 08:02:00 GMT',
  'Sun Mar 21 08:09:00 2021',
];
const someDates = fc
  .date({ min: new Date('2021-03-20'), max: new Date('2021-03-23'), noInvalidDate: true })
  .map((date) => date.toUTCString());
const dates = header(
  fc.oneof(
    text(...DATES, 'Sun, 21 Mar 9999 08:00:00 GMT', 'Mon, 30 Feb 2021 25:61:61 GMT'),
    someDates,
  ),
);
const NOW = new Date('2021-03-21T08:01:00Z');

const HOPS = [
  'https://h.test/a',
  'https://h.test/b?x=1',
  'http://127.0.0.1:8080/a',
  'http://mirror.test/',
];
/** Hosts that are this machine, in every way to write them; and some that only look so. */
const LOCAL = [
  ...[
    '127.1',
    '0x7f000001',
    '2130706433',
    '0177.0.0.1',
    '0',
    '[::1]',
    '[::]',
    '[::ffff:127.0.0.1]',
  ],
  ...['LOCALHOST', 'localhost.', 'a.localhost', 'a.localhost.', '169.254.169.254', '[fe80::1]'],
  ...['127.0.0.1.', '１２７.0.0.1', 'ⓛocalhost', '127.0.0.1.nip.io', 'localhost.test', '[', ''],
];
const SCHEMES = [
  'http://',
  'https://',
  '//',
  'HTTP:\\\\',
  'http:',
  'file://',
  'ftp://',
  'data:',
  'x:',
];
const places = fc.oneof(
  fc.constantFrom(
    ...HOPS,
    'c',
    '/c',
    '?y',
    '#x',
    '',
    ' ',
    '.',
    'https:c',
    '\\\\h\\x',
    'javascript:x',
  ),
  fc
    .tuple(
      fc.constantFrom(...SCHEMES),
      fc.constantFrom('', '', '', 'user:S3cr3t@', '@', 'h.test@'),
      fc.oneof(fc.constantFrom(...LOCAL, 'h.test', 'H.TEST'), fc.nat(0xffffffff).map(String)),
      fc.constantFrom('', '', ':443', ':99999', ':'),
      fc.constantFrom('/', '', '/a', '/#x', '?x=1'),
    )
    .map((parts) => parts.join('')),
);
const locations = fc.oneof(
  places,
  fc.tuple(places, fc.string({ maxLength: 6 })).map((parts) => parts.join('')),
  fc.tuple(junk, places, junk).map((parts) => parts.join('')),
);

const etags = fc
  .tuple(text('"', 'W/"', '', '"a", "'), fc.string({ maxLength: 6 }), text('"', '', 'é"', '中"'))
  .map((parts) => parts.join(''));

export const httpTargets: readonly Fuzz[] = [
  toFuzz({
    parser: 'range',
    inputs: ranges,
    build: (input) => input,
    codes: [],
    parse: assertRange,
  }),
  toFuzz({
    parser: 'validators',
    inputs: fc.record({
      etag: absent(header(etags)),
      lastModified: absent(header(dates, text('', ' (\u4e2d)', '\r\nx: y'))),
      date: absent(dates),
    }),
    build: (input) => input,
    codes: [],
    parse: (head) => {
      const validator = toStrongValidator(head);
      if (validator === null) return false;
      // It is sent in a header, as it came.
      assert.match(validator, /^[\x20-\x7e\x80-\xff]+$/);
      assert.equal(validator, head.etag ?? head.lastModified);
      assert(head.etag === undefined || /^"[^"]*"$/.test(head.etag), 'a weak tag');
      return true;
    },
  }),
  toFuzz({
    parser: 'Retry-After',
    inputs: fc.oneof(
      header(numbers),
      dates,
      dates,
      fc.string({ unit: 'binary', minLength: 3, maxLength: 40 }),
    ),
    build: (input) => input,
    codes: [],
    parse: (typed) => {
      const seconds = parseRetryAfter(typed, NOW);
      if (seconds === undefined) return false;
      assert(Number.isSafeInteger(seconds) && seconds >= 0, String(seconds));
      const error = new CcxriError('http-status', 'busy', { status: 503, retryAfterS: seconds });
      const state = { attempts: 1, withoutProgress: 1 };
      const decision = decideRetry(error, state, DEFAULT_RETRY_POLICY, 0.5);
      if (decision.kind === 'retry') {
        assert(decision.delayMs >= seconds * 1000 && decision.delayMs <= 11 * 60_000);
      } else assert(seconds * 1000 > DEFAULT_RETRY_POLICY.maxRetryAfterMs);
      return true;
    },
  }),
  toFuzz({
    parser: 'redirect',
    inputs: fc.record({
      hops: fc.oneof(
        fc.constantFrom(...HOPS.map((url) => [url]), HOPS.slice(0, 2)),
        fc.nat(14).map((n) => Array.from({ length: n + 1 }, (_, i) => `https://h.test/${i}`)),
      ),
      location: absent(locations),
    }),
    build: (input) => input,
    codes: ['network'],
    parse: ({ hops, location }) => {
      const next = new URL(nextHop(hops, location));
      assert(['http:', 'https:'].includes(next.protocol), next.href);
      assert.deepEqual([next.username, next.password, next.hash], ['', '', '']);
      assert(!hops.includes(next.href) && hops.length <= 10);
      const from = new URL(hops.at(-1) ?? '');
      assert(!isInside(next.hostname) || isInside(from.hostname), next.href);
      assert(!LOOPBACK.test(next.hostname) || isInside(from.hostname), next.href);
      return true;
    },
  }),
  toFuzz({
    parser: 'published size',
    inputs: fc.record({ bytes: fc.oneof(fc.nat(5000), fc.maxSafeInteger(), fc.nat(2 ** 31 - 1)) }),
    build: ({ bytes }) => Math.abs(bytes),
    codes: [],
    always: 'accepted',
    parse: (bytes) => {
      const size = toPublishedSize(bytes);
      const { minBytes, maxBytes } = toSizeWindow(size);
      assert(minBytes >= 0 && minBytes <= bytes && bytes <= maxBytes, `${bytes} as ${size}`);
      assert(isPlausibleSize({ size }, bytes));
      assert(!isPlausibleSize({ size, bytes: bytes + 1 }, bytes));
      return true;
    },
  }),
  toFuzz({
    parser: 'encoding of a page',
    inputs: fc.record({
      bytes: fc.oneof(
        fc.uint8Array({ minLength: 4, maxLength: 60 }),
        fc
          .constantFrom(
            '\ufeffä',
            '<meta charset=gbk>ä',
            '<meta charset="utf-16">',
            '<meta charset=x>',
          )
          .chain((html) => fc.string({ unit: 'binary', maxLength: 8 }).map((end) => html + end))
          .map((html) => new Uint8Array(Buffer.from(html))),
      ),
      contentType: absent(
        header(
          text('text/html; charset='),
          text('utf-8', 'gb2312', '"utf-16le"', 'x-user-defined', 'replacement', '...'),
        ),
      ),
    }),
    build: (input) => input,
    codes: [],
    always: 'accepted',
    parse: ({ bytes, contentType }) => {
      assert.equal(typeof decodeHtml(bytes, contentType), 'string');
      return true;
    },
  }),
];

/** As WHATWG's URL writes them all. */
const LOOPBACK =
  /^(?:127\.\d+\.\d+\.\d+|0\.0\.0\.0|\[::1?\]|\[::ffff:7f[0-9a-f]{2}:[0-9a-f]+\]|(?:.*\.)?localhost\.?)$/;
