import { deflateSync, gzipSync } from 'node:zlib';
import type { Twist } from '../../support/odd-server.ts';
import { change, headers, isRanged, when, whole } from '../../support/twists.ts';
import type { Exchange } from '../exchange.ts';

const CUT = ['no cut', 'each answer cut', 'first answer cut'] as const;

const TYPES: Readonly<Record<string, string | undefined>> = {
  'text/html': 'text/html; charset=utf-8',
  'no type': undefined,
  'application/json': 'application/json',
  'text/plain': 'text/plain',
  'a type that is none': 'zip',
  'multipart/form-data': 'multipart/form-data',
};

const types = Object.entries(TYPES).flatMap(([name, type]): Exchange[] => {
  const isLong = name !== 'text/html' && name !== 'no type';
  const wrong = headers({ 'Content-Type': type });
  return [
    { name: `#185 the file as ${name}`, twists: () => [wrong], isLong: true },
    {
      name: `#185 the file as ${name}`,
      twists: () => [wrong],
      cuts: ['each answer cut'],
      isLong,
    },
    {
      name: `#185 the file as ${name}, in chunks`,
      twists: () => [wrong, change({ framing: 'chunked' })],
      isLong: true,
    },
    {
      name: `#185 the file as ${name}, without a length`,
      twists: () => [wrong, change({ framing: 'close' })],
      isLong: name !== 'text/html',
    },
  ];
});

const unsized: Pick<Exchange, 'name' | 'twists'> = {
  name: '#3 the file without a length',
  twists: () => [change({ framing: 'close' })],
};

const lengths: readonly Exchange[] = [
  { name: '#2 the file in chunks', twists: () => [change({ framing: 'chunked' })], cuts: CUT },
  { ...unsized },
  { ...unsized, sizes: ['24 MB'], cuts: ['each answer cut', 'first answer cut'] },
  // The published size does not show the cut: what is here may be the whole.
  { ...unsized, sizes: ['2 MB'], cuts: ['first answer cut'], isPlaced: false, exit: [0, 3] },
];

const CODINGS = [
  'none',
  'identity',
  'binary',
  '8bit',
  'utf-8',
  'application/zip',
  'zip',
  'bytes',
  'aws-chunked',
  '',
];

const codings = CODINGS.map((coding): Exchange => ({
  name: `#186 Content-Encoding: ${coding === '' ? 'nothing' : coding}`,
  twists: () => [headers({ 'Content-Encoding': coding })],
  sizes: ['2 MB'],
  cuts: ['first answer cut', 'no cut'],
  isLong: !['none', 'application/zip', ''].includes(coding),
}));

/** The whole file compressed; ranges are not served. */
const compressed =
  (coding: string, compress: (bytes: Uint8Array) => Buffer): Twist =>
  (answer, { bytes }) => ({
    ...answer,
    status: 200,
    headers: {
      ...answer.headers,
      'Content-Range': undefined,
      'Content-Encoding': coding,
      'Accept-Ranges': undefined,
    },
    body: compress(bytes),
  });

const gzip = (bytes: Uint8Array) => gzipSync(bytes, { level: 1 });
const gzipTwist = compressed('gzip', gzip);

const compressions: readonly Exchange[] = [
  { name: '#187 gzip over the file', twists: () => [gzipTwist] },
  { name: '#187 x-gzip over the file', twists: () => [compressed('x-gzip', gzip)] },
  {
    name: '#187 gzip over the file, in chunks',
    twists: () => [gzipTwist, change({ framing: 'chunked' })],
  },
  { name: '#187 deflate over the file', twists: () => [compressed('deflate', deflateSync)] },
  {
    name: '#187 gzip over the whole file, none over a part',
    twists: () => [when(({ range }) => range === undefined, gzipTwist)],
  },
  {
    // The bytes of a part can't be decoded: the whole is requested.
    name: '#187 gzip over each part, none over the whole file',
    twists: () => [
      when(isRanged, (answer) => ({
        ...answer,
        headers: { ...answer.headers, 'Content-Encoding': 'gzip' },
        body: gzip(answer.body),
      })),
    ],
  },
  {
    name: '#186 Content-Encoding: gzip before plain bytes',
    twists: () => [headers({ 'Content-Encoding': 'gzip' })],
    cuts: ['no cut', 'first answer cut'],
  },
  {
    name: '#186 Content-Encoding: gzip before plain bytes, ranges ignored',
    twists: () => [whole, headers({ 'Content-Encoding': 'gzip' })],
  },
];

export const LABEL_EXCHANGES: readonly Exchange[] = [
  ...types,
  ...lengths,
  ...codings,
  ...compressions,
];
