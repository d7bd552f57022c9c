import { Buffer } from 'node:buffer';
import type { Twist } from '../../support/odd-server.ts';
import { change, headers, HTML, page, refuse, when } from '../../support/twists.ts';
import type { Exchange } from '../exchange.ts';

const rewritten = (rewrite: (head: string) => string): Twist =>
  change({ render: (head) => Buffer.from(rewrite(head), 'latin1') });

const withLine = (line: string) => rewritten((head) => head.replace('\r\n', `\r\n${line}\r\n`));

const lengthTwice = rewritten((head) =>
  head.replace(/Content-Length: \d+\r\n/, (line) => `${line}${line}`),
);

/** HTTP that browsers and curl take. */
const HEADS: Readonly<Record<string, Twist>> = {
  '#194 lines that end by LF alone': rewritten((head) => head.replaceAll('\r\n', '\n')),
  '#194 Content-Length twice alike': lengthTwice,
  '#194 Content-Length beside chunked': (answer) => ({
    ...answer,
    framing: 'chunked',
    headers: { ...answer.headers, 'Content-Length': String(answer.body.length) },
  }),
  '#194 no reason in the status line': rewritten((head) => head.replace(' Whatever', '')),
  '#194 HTTP/1.0': rewritten((head) => head.replace('HTTP/1.1', 'HTTP/1.0')),
  '#194 a header line without a colon': withLine('X-Powered-By PHP'),
  '#194 a blank before a colon': withLine('X-Powered-By : PHP'),
  '#194 a header folded over two lines': withLine('X-Note: one\r\n two'),
  '#194 raw bytes in a header': withLine('Content-Disposition: attachment; filename=\xb5\xc4.zip'),
  '#194 a control character in a header': withLine('X-Note: a\x01b'),
  '#194 a header of 20 KB': withLine(`X-Policy: ${'x'.repeat(20_000)}`),
  '#194 an empty line in front of the status': rewritten((head) => `\r\n${head}`),
  '#194 early hints in front': rewritten((head) => `HTTP/1.1 103 Early Hints\r\n\r\n${head}`),
  // Its end closes the connection: the others would wait for that.
  '#194 Transfer-Encoding: identity': (...given) => ({
    ...headers({ 'Transfer-Encoding': 'identity' })(...given),
    end: 'fin',
  }),
  '#194 Connection: close without closing': headers({ Connection: 'close' }),
};

const heads = Object.entries(HEADS).map(([name, twist]): Exchange => ({
  name,
  twists: () => [twist],
  cuts: ['no cut', 'each answer cut'],
}));

const CHUNKS: Readonly<Record<string, (size: string) => string>> = {
  '#194 chunk lines that end by LF alone': (size) => `${size}\n`,
  '#194 a blank behind a chunk size': (size) => `${size}  \r\n`,
  '#194 zeros in front of a chunk size': (size) => `0000${size}\r\n`,
  '#194 a chunk extension': (size) => `${size};name=value\r\n`,
};

const chunks = Object.entries(CHUNKS).map(([name, renderChunk]): Exchange => ({
  name,
  twists: () => [change({ framing: 'chunked', renderChunk })],
}));

const twoLengths: Exchange = {
  name: '#7 two different lengths',
  twists: () => [
    rewritten((head) => head.replace(/Content-Length: \d+\r\n/, '$&Content-Length: 17\r\n')),
  ],
  sizes: ['2 MB'],
  isPlaced: false,
  exit: [4],
};

const isFirstHop: Parameters<typeof when>[0] = ({ request }) => !request.path.startsWith('/real/');

const redirects: readonly Exchange[] = (
  [
    ['#192 Location with raw UTF-8', Buffer.from('/real/胸片/ChestDx-1.zip').toString('latin1')],
    ['#192 Location with raw GBK', '/real/\xd0\xd8\xc6\xac/ChestDx-1.zip'],
    ['#192 Location with blanks', '/real/a b/ChestDx-1.zip'],
    ['#192 Location with a fragment', '/real/ChestDx-1.zip#part'],
    ['a relative Location', 'real/ChestDx-1.zip'],
  ] as const
).map(([name, location]) => ({
  name,
  twists: () => [
    when(isFirstHop, page(302, HTML)),
    when(isFirstHop, withLine(`Location: ${location}`)),
  ],
  cuts: ['no cut', 'each answer cut'],
}));

const hasCookie: Parameters<typeof when>[0] = ({ request }) =>
  /\bwall=passed\b/.test(request.headers['cookie'] ?? '');

const walls: readonly Exchange[] = [
  {
    name: '#193 a cookie, and a redirect to itself',
    twists: () => [
      (answer, ask) =>
        hasCookie(ask, answer)
          ? answer
          : page(302, '', { Location: ask.request.path, 'Set-Cookie': 'wall=passed; Path=/' })(
              answer,
              ask,
            ),
    ],
    cuts: ['no cut', 'each answer cut'],
  },
  ...(
    [
      ['403', page(403, HTML)],
      ['445', page(445, HTML)],
      ['468', page(468, HTML)],
      ['a reset', refuse],
    ] as const
  ).map(([name, twist]): Exchange => ({
    name: `#190 ${name} to a client without User-Agent`,
    twists: () => [when(({ request }) => (request.headers['user-agent'] ?? '') === '', twist)],
  })),
  {
    name: '#190 403 to a client without Accept',
    twists: () => [when(({ request }) => request.headers['accept'] === undefined, page(403, HTML))],
  },
  {
    name: '#190 445 to all but browsers',
    twists: () => [
      when(({ request }) => !/Mozilla/.test(request.headers['user-agent'] ?? ''), page(445, HTML)),
    ],
    sizes: ['2 MB'],
    isPlaced: false,
    exit: [4],
  },
];

export const SLOPPY_EXCHANGES: readonly Exchange[] = [
  ...heads,
  ...chunks,
  twoLengths,
  ...redirects,
  ...walls,
];
