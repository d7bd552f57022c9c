import { headers } from '../../support/twists.ts';
import type { Exchange } from '../exchange.ts';
import { ETAG } from '../../support/odd-server.ts';

const CUT = ['each answer cut', 'first answer cut'] as const;
const IN_A_YEAR = new Date(Date.now() + 365 * 86_400_000).toUTCString();

/** Servers whose validators are of no use, or seem to be. */
export const VALIDATOR_EXCHANGES: readonly Exchange[] = [
  {
    name: 'an honest server',
    cuts: ['no cut', ...CUT, 'third answer cut'],
  },
  {
    name: '#179 no ETag and no Last-Modified',
    validators: { etag: () => undefined, lastModified: () => undefined },
    cuts: CUT,
  },
  {
    name: '#179 Last-Modified alone',
    validators: { etag: () => undefined },
    cuts: CUT,
  },
  {
    name: '#179 a weak ETag',
    validators: { etag: () => `W/${ETAG}` },
    cuts: CUT,
  },
  {
    name: '#179 a weak ETag alone, taken for If-Range',
    validators: { etag: () => `W/${ETAG}`, lastModified: () => undefined, ifRange: 'weak' },
    cuts: ['each answer cut'],
  },
  {
    name: '#179 an ETag without quotes',
    validators: { etag: () => '5fa1c-24', lastModified: () => undefined },
    cuts: CUT,
  },
  {
    name: '#179 an empty ETag',
    validators: { etag: () => '', lastModified: () => undefined },
    cuts: ['each answer cut'],
  },
  {
    name: '#179 an ETag with a blank in front of its quotes',
    validators: { etag: () => 'etag "5fa1c-24"', lastModified: () => undefined },
    cuts: ['each answer cut'],
  },
  {
    name: '#179 no Date',
    validators: { etag: () => undefined },
    twists: () => [headers({ Date: undefined })],
    cuts: CUT,
  },
  {
    name: '#179 Last-Modified in a year',
    validators: { etag: () => undefined, lastModified: () => IN_A_YEAR },
    cuts: CUT,
  },
  {
    name: '#179 Last-Modified that is no date',
    validators: { etag: () => undefined, lastModified: () => '2021-03-21 08:00' },
    cuts: ['each answer cut'],
  },
  {
    name: '#180 another strong ETag from each of three nodes',
    validators: { etag: (node) => `"node${node}-24"`, nodes: 3 },
    cuts: ['no cut', ...CUT],
  },
  {
    name: '#180 another Last-Modified from each of three nodes, no ETag',
    validators: {
      etag: () => undefined,
      lastModified: (node) => `Sun, 21 Mar 2021 08:00:0${node} GMT`,
      nodes: 3,
    },
    cuts: ['each answer cut'],
  },
  {
    name: '#180 another strong ETag with each answer',
    validators: { etag: (_, index) => `"answer-${index}"` },
    cuts: ['no cut', 'each answer cut'],
  },
  {
    name: '#180 another strong ETag from each of three nodes, If-Range not looked at',
    validators: { etag: (node) => `"node${node}-24"`, nodes: 3, ifRange: 'ignored' },
    cuts: ['each answer cut'],
  },
  {
    name: '#179 If-Range refused, though nothing has changed',
    validators: { ifRange: 'refused' },
    cuts: ['no cut', ...CUT],
  },
  {
    name: '#48 412 to If-Range',
    twists: () => [
      (answer, { request }) =>
        request.headers['if-range'] === undefined
          ? answer
          : { ...answer, status: 412, body: Buffer.alloc(0) },
    ],
    cuts: ['no cut', 'first answer cut'],
  },
];
