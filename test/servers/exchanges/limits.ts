import { headers, HTML, page, refuse, times, when, isResumed } from '../../support/twists.ts';
import type { Exchange } from '../exchange.ts';

/** Servers that allow few connections, or fewer requests. */
const REFUSALS = {
  '503': page(503, HTML),
  '429': page(429, HTML, { 'Retry-After': '0' }),
  '403': page(403, HTML),
  'a reset': refuse,
} as const;

const connections = [1, 2].flatMap((count) =>
  Object.entries(REFUSALS).map(([name, twist]): Exchange => ({
    name: `#39 ${name} to more than ${count} connection${count > 1 ? 's' : ''}`,
    twists: () => [when(({ busy }) => busy >= count, twist)],
    sizes: ['24 MB'],
    cuts: ['no cut', 'first answer cut'],
  })),
);

export const LIMIT_EXCHANGES: readonly Exchange[] = [
  ...connections,
  {
    name: '#30 refused twice after a cut',
    twists: () => [times(2, isResumed, refuse)],
    cuts: ['each answer cut', 'first answer cut'],
  },
  {
    name: '#12 429 to every third request',
    twists: () => [when(({ index }) => index % 3 === 2, page(429, HTML))],
    cuts: ['no cut', 'each answer cut'],
  },
  {
    name: '#38 one of two nodes has a file of another length',
    twists: () => [
      when(
        ({ index }) => index % 2 === 1,
        (answer, { bytes }) => ({
          ...answer,
          status: 200,
          headers: { ...answer.headers, 'Content-Range': undefined, ETag: '"old"' },
          body: bytes.subarray(0, bytes.length - 40_000),
        }),
      ),
    ],
    cuts: ['no cut', 'first answer cut'],
    isPlaced: false,
    exit: [0, 3, 4, 9],
  },
  {
    name: '#47 one of two nodes has other bytes of the same length',
    twists: () => [
      headers({ ETag: undefined, 'Last-Modified': undefined }),
      when(
        ({ index }) => index % 2 === 1,
        (answer) => {
          const body = Buffer.from(answer.body);
          body.fill(7, 100, 200);
          return { ...answer, body };
        },
      ),
    ],
    cuts: ['no cut', 'first answer cut'],
    isPlaced: false,
    exit: [0, 3],
  },
];
