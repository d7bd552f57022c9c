import assert from 'node:assert/strict';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { systemClock } from '../../src/clock.ts';
import { HttpClient } from '../../src/http/client.ts';
import { toStatusError } from '../../src/http/status.ts';
import { buildEdited, editedBytes } from './edit-bytes.ts';
import { toFuzz, type Fuzz } from './harness.ts';

const ANSWERS: readonly Buffer[] = [
  'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: "a"\r\nContent-Type: application/zip\r\n\r\nhello',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nX-T: y\r\n\r\n',
  'HTTP/1.1 206 Partial\r\nContent-Range: bytes 1-5/9\r\nContent-Length: 5\r\n\r\nhello',
  'HTTP/1.1 302 Found\r\nLocation: b\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 503 Busy\r\nRetry-After: 3\r\nContent-Length: 4\r\n\r\nbusy',
  'HTTP/1.0 200 OK\r\nServer: old\r\n\r\nhello',
  'HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi',
  'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc',
].map((text) => Buffer.from(text));

/** None holds a slash: nothing may lead to another host. */
const TOKENS = [
  ...[
    '\r\n',
    '\r',
    '\n',
    ':',
    ' ',
    '\t',
    '\0',
    ';',
    ',',
    '\r\n ',
    '200',
    '204',
    '304',
    '101',
    '999',
  ],
  ...['Content-Length: 3\r\n', 'Content-Length: -1\r\n', 'Content-Length: 5, 5\r\n', ': x\r\n'],
  ...['Transfer-Encoding: chunked\r\n', 'Transfer-Encoding: x\r\n', 'Connection: upgrade\r\n'],
  ...['Upgrade: h2c\r\n', 'ffffffffffffffff\r\n', '0\r\n\r\n', '-1\r\n', 'é', '\x1b[2J', '\u202e'],
  ...['x'.repeat(20_000), 'a: b\r\n'.repeat(3000), 'Set-Cookie: a\r\n', Buffer.from([0xff, 0x80])],
];

/** Answers, whatever there is of them, and then the end of the connection. */
export class AnswerServer {
  answer: Buffer = Buffer.alloc(0);
  readonly client = new HttpClient({ timeoutMs: 300, clock: systemClock });
  readonly #server: Server;

  constructor() {
    this.#server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end(this.answer));
    });
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/a`;
  }

  async stop(): Promise<void> {
    await this.client.close();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Whatever a server sends: an answer, or an error of the network; never a bug, never a wait. */
export function answerTargets(server: AnswerServer): readonly Fuzz[] {
  return [
    toFuzz({
      parser: 'HTTP answer',
      inputs: editedBytes(ANSWERS, TOKENS, 3),
      build: (edited) => buildEdited(ANSWERS, edited),
      codes: ['network', 'stalled', 'http-status'],
      parse: async (bytes: Buffer) => {
        server.answer = bytes;
        const answer = await server.client.get(server.url);
        try {
          if (answer.status >= 300) throw toStatusError(answer, systemClock);
          const chunks: Buffer[] = [];
          for await (const batch of answer.body()) chunks.push(Buffer.from(batch));
          assert(Buffer.concat(chunks).length <= bytes.length);
        } finally {
          answer.discard();
        }
        return true;
      },
    }),
  ];
}
