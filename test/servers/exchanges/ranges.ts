import type { Answer, Ask, Twist } from '../../support/odd-server.ts';
import {
  change,
  headers,
  HTML,
  isRanged,
  isResumed,
  once,
  page,
  refuse,
  times,
  when,
  whole,
} from '../../support/twists.ts';
import type { Exchange } from '../exchange.ts';

const CUT = ['each answer cut', 'no cut'] as const;

/** Ranges that are refused, while the whole file is served. */
const refused = (
  [
    ...[400, 403, 404, 405, 406, 416, 500, 501, 502, 503].map(
      (status) => [`${status}`, page(status)] as const,
    ),
    ['416 with its length', page(416, '', { 'Content-Range': 'bytes */1' })],
    ['403 with a page', page(403, HTML)],
    ['200 with a page', page(200, HTML)],
    ['an empty 200', page(200)],
    ['204', page(204, '', { 'Content-Type': undefined })],
    ['a reset', refuse],
    ['a closed connection', change({ cutAt: 0, render: () => '', end: 'fin' })],
  ] as const
).flatMap(([how, twist]): Exchange[] => [
  {
    name: `#183 ${how} to any range`,
    twists: () => [when(isRanged, twist)],
    sizes: ['24 MB'],
    isLong: how !== '405' && how !== 'a reset',
  },
  // After a cut the file begins anew: what had come can't be continued.
  {
    name: `#183 ${how} to any range`,
    twists: () => [when(isRanged, twist)],
    cuts: ['first answer cut'],
    isPlaced: false,
    isLong: !['403', '404', '416', '501', '200 with a page', 'a closed connection'].includes(how),
  },
]);

const isClosedRange = ({ range, isOpen }: Ask) => range !== undefined && !isOpen;

const closedRefused = ([416, 400, 403, 501] as const).map((status): Exchange => ({
  name: `#183 ${status} to a range with an end, none to an open one`,
  twists: () => [when(isClosedRange, page(status))],
  cuts: CUT,
}));

const ignored: readonly Exchange[] = [
  {
    name: 'ranges ignored',
    twists: () => [when(isRanged, whole)],
  },
  {
    name: 'ranges ignored',
    twists: () => [when(isRanged, whole)],
    cuts: ['first answer cut'],
    isPlaced: false,
  },
  {
    name: 'ranges ignored, and no word of them',
    twists: () => [when(isRanged, whole), headers({ 'Accept-Ranges': undefined })],
  },
  {
    name: 'ranges ignored, Accept-Ranges: none',
    twists: () => [when(isRanged, whole), headers({ 'Accept-Ranges': 'none' })],
  },
  {
    name: 'ranges ignored when there is an end, not when there is none',
    twists: () => [when(isClosedRange, whole)],
    cuts: CUT,
  },
  ...[2, 3].map((nodes): Exchange => ({
    name: `ranges ignored by one of ${nodes} nodes`,
    twists: () => [when(({ index, range }) => range !== undefined && index % nodes === 1, whole)],
    cuts: CUT,
  })),
  {
    name: 'ranges ignored once',
    twists: () => [once(whole, isResumed)],
    cuts: CUT,
  },
];

const short: readonly Exchange[] = [1, 2, 3].flatMap((count) => [
  {
    name: `#177 416 without a length ${count} times while the part is short`,
    twists: () => [times(count, isResumed, page(416))],
    cuts: ['each answer cut', 'first answer cut'],
  },
  {
    name: `#177 416 with the length ${count} times while the part is short`,
    twists: () => [
      times(count, isResumed, (answer, ask) =>
        page(416, '', { 'Content-Range': `bytes */${ask.bytes.length}` })(answer, ask),
      ),
    ],
    cuts: ['each answer cut', 'first answer cut'],
  },
]);

/** What the server says of a slice; `end` is the last byte. */
type Spell = (from: number, end: number, total: number) => string | undefined;

const spelled = (spell: Spell): Twist =>
  when(isRanged, (answer, ask) => {
    const [from, to] = ask.range ?? [0, 0];
    const contentRange = spell(from, to - 1, ask.bytes.length);
    return headers({ 'Content-Range': contentRange })(answer, ask);
  });

const SPELLINGS: Readonly<Record<string, Spell>> = {
  '#182 Content-Range: Bytes a-b/T': (a, b, t) => `Bytes ${a}-${b}/${t}`,
  '#182 Content-Range: BYTES a-b/T': (a, b, t) => `BYTES ${a}-${b}/${t}`,
  '#182 Content-Range: bytes=a-b/T': (a, b, t) => `bytes=${a}-${b}/${t}`,
  '#182 Content-Range: bytes: a-b/T': (a, b, t) => `bytes: ${a}-${b}/${t}`,
  '#182 Content-Range: a-b/T, no unit': (a, b, t) => `${a}-${b}/${t}`,
  '#182 Content-Range: bytes a - b / T': (a, b, t) => `bytes ${a} - ${b} / ${t}`,
  '#182 Content-Range with two blanks': (a, b, t) => `bytes  ${a}-${b}/${t}`,
  '#43 Content-Range: bytes a-b/*': (a, b) => `bytes ${a}-${b}/*`,
  '#43 Content-Range: bytes a-b, no total': (a, b) => `bytes ${a}-${b}`,
};

const spellings = Object.entries(SPELLINGS).map(([name, spell], at): Exchange => ({
  name,
  twists: () => [spelled(spell)],
  cuts: CUT,
  isLong: at % 2 === 1,
}));

/** What can't be placed: asked for in one piece. */
const UNPLACED: Readonly<Record<string, Spell>> = {
  '#182 206 without Content-Range': () => undefined,
  '#43 Content-Range: bytes */T': (_, __, t) => `bytes */${t}`,
  '#43 Content-Range: junk': () => 'pages 1-2/3',
  '#43 Content-Range with numbers out of bounds': (a, _, t) =>
    `bytes ${a}-99999999999999999999/${t}`,
};

const unplaced = Object.entries(UNPLACED).flatMap(([name, spell]): Exchange[] => [
  { name, twists: () => [spelled(spell)] },
  { name, twists: () => [spelled(spell)], cuts: ['first answer cut'], isPlaced: false },
]);

/** A slice that begins or ends elsewhere, and says so. */
const slice = (from: number, to: number, { bytes }: Ask, answer: Answer): Answer => ({
  ...answer,
  headers: { ...answer.headers, 'Content-Range': `bytes ${from}-${to - 1}/${bytes.length}` },
  body: bytes.subarray(from, to),
});

const reslice = (edges: (from: number, to: number, total: number) => [number, number]): Twist =>
  when(isRanged, (answer, ask) => {
    const [from, to] = ask.range ?? [0, 0];
    const [first, end] = edges(from, to, ask.bytes.length);
    return slice(Math.max(0, first), Math.min(ask.bytes.length, end), ask, answer);
  });

const moved: readonly Exchange[] = [
  {
    name: '#181 206 that begins 10 bytes earlier',
    twists: () => [reslice((from, to) => [from - 10, to])],
    cuts: CUT,
  },
  {
    name: '#181 206 that begins at a block of 4 KB',
    twists: () => [reslice((from, to) => [from - (from % 4096), to])],
    cuts: CUT,
  },
  {
    name: '#181 206 from 0 with the whole file',
    twists: () => [reslice((_, __, total) => [0, total])],
  },
  {
    name: '#181 206 from 0 with the whole file',
    twists: () => [reslice((_, __, total) => [0, total])],
    cuts: ['first answer cut'],
    isPlaced: false,
  },
  {
    name: '#42 206 that begins 10 bytes later',
    twists: () => [reslice((from, to) => [from + (from > 0 ? 10 : 0), to])],
    cuts: ['first answer cut'],
    isPlaced: false,
  },
  {
    name: '206 shorter than asked: at most 1 MB each',
    twists: () => [reslice((from, to) => [from, Math.min(to, from + 1_048_576)])],
    cuts: ['first answer cut', 'no cut'],
  },
  {
    name: '206 longer than asked: to the end of the file',
    twists: () => [reslice((from, _, total) => [from, total])],
    cuts: CUT,
  },
  {
    name: '206 a byte longer than asked',
    twists: () => [reslice((from, to) => [from, to + 1])],
    cuts: CUT,
  },
  {
    name: '206 that says a byte more than it holds',
    twists: () => [spelled((a, b, t) => `bytes ${a}-${b + 1}/${t}`)],
    cuts: ['first answer cut', 'no cut'],
  },
  {
    name: '206 that says more than it holds',
    twists: () => [
      when(
        (ask, answer) => isRanged(ask, answer) && answer.body.length > 100_000,
        (answer) => ({ ...answer, cutAt: answer.body.length - 1000 }),
      ),
    ],
    cuts: ['first answer cut', 'no cut'],
  },
  {
    name: '206 without a length',
    twists: () => [when(isRanged, change({ framing: 'close' }))],
    cuts: CUT,
  },
  {
    name: '206 in chunks',
    twists: () => [when(isRanged, change({ framing: 'chunked' }))],
    cuts: CUT,
  },
  {
    name: '#178 200 with Content-Range and the length of the slice',
    twists: () => [when(isRanged, change({ status: 200 }))],
    cuts: CUT,
  },
  {
    name: '#178 200 with Content-Range and the slice in chunks',
    twists: () => [when(isRanged, change({ status: 200, framing: 'chunked' }))],
    cuts: CUT,
  },
  {
    name: '#184 206 to a request without a range',
    twists: () => [
      (answer, { range, bytes }) =>
        range !== undefined
          ? answer
          : {
              ...answer,
              status: 206,
              headers: {
                ...answer.headers,
                'Content-Range': `bytes 0-${bytes.length - 1}/${bytes.length}`,
              },
            },
    ],
    cuts: ['each answer cut', 'no cut'],
  },
  {
    name: '#184 206 to a request without a range, ranges not served',
    twists: () => [
      (answer, { bytes }) => ({
        ...answer,
        status: 206,
        headers: {
          ...answer.headers,
          'Content-Range': `bytes 0-${bytes.length - 1}/${bytes.length}`,
        },
        body: bytes,
      }),
    ],
  },
  {
    name: '#45 206 as multipart/byteranges',
    twists: () => [
      when(isRanged, (answer) => {
        const part =
          `\r\n--X\r\nContent-Type: application/zip\r\n` +
          `Content-Range: ${answer.headers['Content-Range'] ?? ''}\r\n\r\n`;
        return {
          ...answer,
          headers: {
            ...answer.headers,
            'Content-Range': undefined,
            'Content-Type': 'multipart/byteranges; boundary=X',
          },
          body: Buffer.concat([Buffer.from(part), answer.body, Buffer.from('\r\n--X--\r\n')]),
        };
      }),
    ],
    cuts: ['first answer cut', 'no cut'],
    isPlaced: false,
  },
];

export const RANGE_EXCHANGES: readonly Exchange[] = [
  ...refused,
  ...closedRefused,
  ...ignored,
  ...short,
  ...spellings,
  ...unplaced,
  ...moved,
];
