import type { Twist } from '../../support/odd-server.ts';
import {
  change,
  HTML,
  isRanged,
  isResumed,
  once,
  page,
  refuse,
  times,
  when,
} from '../../support/twists.ts';
import type { Exchange } from '../exchange.ts';

const JSON_TYPE = { 'Content-Type': 'application/json; charset=utf-8' };
const BUSY_JSON = JSON.stringify({ code: 429, msg: '请求过于频繁，请稍后再试' });

const ANSWERS: Readonly<Record<string, Twist>> = {
  'an empty 200': page(200),
  'an empty 200 without a type': page(200, '', { 'Content-Type': undefined }),
  'a page with 200': page(200, HTML),
  'a page with 200, as application/zip': page(200, HTML, { 'Content-Type': 'application/zip' }),
  'JSON with 200': page(200, '{"error":"busy"}', JSON_TYPE),
  'rate limit as JSON with 200': page(200, BUSY_JSON, JSON_TYPE),
  'text with 200': page(200, 'Too many requests', { 'Content-Type': 'text/plain' }),
  '202': page(202),
  '204': page(204, '', { 'Content-Type': undefined }),
  ...Object.fromEntries(
    [
      400, 403, 404, 408, 409, 418, 421, 423, 425, 429, 500, 502, 503, 504, 507, 520, 525, 530, 598,
    ].map((status) => [String(status), page(status, HTML)]),
  ),
  'Retry-After: 0': page(503, '', { 'Retry-After': '0' }),
  '#196 Retry-After in the past': page(503, '', {
    'Retry-After': 'Fri, 31 Dec 1999 23:59:59 GMT',
  }),
  '#196 Retry-After: -1': page(429, '', { 'Retry-After': '-1' }),
  '206 with a page': page(206, HTML),
  'a reset': refuse,
  'a closed connection': change({ cutAt: 0, render: () => '', end: 'fin' }),
  'half a head': change({ cutAt: 0, render: (head) => head.slice(0, 40), end: 'fin' }),
  'no HTTP': change({ cutAt: 0, render: () => 'busy\r\n\r\n', end: 'fin' }),
};

/** In `npm test`: one of each kind. */
const isShort = (name: string) =>
  /^(an empty 200|a page with 200|rate limit as JSON|202|403|404|598|206 with a page|half a head|#196.*past)$|JSON/.test(
    name,
  );

const numbered = (name: string) => (name.startsWith('#') ? name : `#188 ${name}`);

const atFirst = Object.entries(ANSWERS).map(([name, twist]): Exchange => ({
  name: `${numbered(name)}, once`,
  twists: () => [once(twist)],
  sizes: ['2 MB'],
  isLong: !isShort(name),
}));

const onResume = Object.entries(ANSWERS).map(([name, twist]): Exchange => ({
  name: `${name.startsWith('#') ? name : `#198 ${name}`}, once, where the download goes on`,
  twists: () => [once(twist, isResumed)],
  isLong: !isShort(name),
  cuts: ['first answer cut'],
}));

const repeated: readonly Exchange[] = [
  {
    name: '#188 502 three times',
    twists: () => [times(3, () => true, page(502, HTML))],
    cuts: ['no cut', 'each answer cut'],
  },
  {
    name: '#188 a page with 200 every second time',
    twists: () => [when(({ index }) => index % 2 === 0, page(200, HTML))],
    cuts: ['no cut', 'first answer cut'],
  },
  {
    name: '#188 503 every second time',
    twists: () => [when(({ index }) => index % 2 === 1, page(503, HTML))],
    cuts: ['no cut', 'each answer cut'],
  },
  {
    name: '#198 403 with a page to each range after a cut',
    twists: () => [when(isRanged, page(403, HTML))],
    cuts: ['first answer cut'],
    isPlaced: false,
  },
];

/** No client gets the file: what matters is that it is told, and how. */
const always: readonly Exchange[] = (
  [
    ['#189 rate limit as JSON with 200', page(200, BUSY_JSON, JSON_TYPE), [4]],
    [
      '#189 限流 as text with 200',
      page(200, '限流，请稍后', { 'Content-Type': 'text/plain' }),
      [4],
    ],
    ['#8 a page with 200', page(200, HTML), [9]],
    ['#188 an empty 200', page(200), [4, 9]],
    ['#13 404', page(404, HTML), [4]],
    ['#13 403', page(403, HTML), [4]],
    ['#13 410', page(410, HTML), [4]],
    ['#190 445', page(445, HTML), [4]],
    ['#191 a challenge with 202', page(202, '', { 'x-amzn-waf-action': 'challenge' }), [4, 9]],
    [
      '#191 a page with a challenge',
      page(200, '<html><script src="/cdn-cgi/challenge-platform/x.js"></script></html>'),
      [4, 9],
    ],
    ['#191 511', page(511, HTML), [4, 9]],
    ['#196 Retry-After in ten years', page(503, '', { 'Retry-After': '315360000' }), [4]],
    [
      '#196 Retry-After at a date in ten years',
      page(503, '', { 'Retry-After': 'Fri, 31 Dec 2038 23:59:59 GMT' }),
      [4],
    ],
  ] as const
).map(([name, twist, exit]) => ({
  name: `${name}, each time`,
  twists: () => [twist],
  sizes: ['2 MB'],
  isPlaced: false,
  exit,
}));

export const ONCE_EXCHANGES: readonly Exchange[] = [
  ...atFirst,
  ...onResume,
  ...repeated,
  ...always,
];
