import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RequestEvent, RunEvent } from '../../src/events.ts';
import { serveDataset } from '../../src/serve/serve-dataset.ts';
import type { ServeResult } from '../../src/serve/types.ts';
import { makeDataset } from '../support/dataset.ts';
import { buildEdited, editedBytes } from './edit-bytes.ts';
import { toFuzz, type Fuzz } from './harness.ts';

const SERVED = 'ChestDx-1.zip';
/** Has changed since it passed its check. */
const CHANGED = 'ChestDx-2.zip';
/** Stands in every file that must not be served. */
const SECRET = 'not-for-the-network';

const REQUESTS: readonly Buffer[] = [
  `GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`,
  `GET /${SERVED} HTTP/1.1\r\nHost: localhost\r\nRange: bytes=10-99\r\n\r\n`,
  `GET /archives/${SERVED} HTTP/1.1\r\nHost: [::1]:80\r\nIf-None-Match: "x"\r\nRange: bytes=-5\r\nIf-Range: "x"\r\n\r\n`,
  `HEAD /${SERVED} HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nConnection: close\r\n\r\n`,
  `GET http://127.0.0.1/${CHANGED}?a=b HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: 100-continue\r\n\r\n`,
  `GET /labels/../secret.txt HTTP/1.0\r\n\r\n`,
  `GET /${SERVED} HTTP/1.1\r\nHost: a\r\n\r\nGET /%2e%2e/secret.txt HTTP/1.1\r\nHost: ::1\r\n\r\n`,
  `POST /${SERVED} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\nHost: localhost\r\n\r\n`,
].map((text) => Buffer.from(text));

const TOKENS = [
  ...['\r\n', '\r', '\n', ' ', '\t', '\0', ':', ',', '\r\n ', '\r\n\r\n', 'HTTP/9.9', 'HTTP/1.0'],
  ...['..', '../', '/../secret.txt', '%2e%2e%2f', '%2F', '%5c..%5c', '\\..\\', '%00', '%', '%zz'],
  ...[
    '/.ccxri/manifest.json',
    '/.ccxri/',
    '//',
    '/./',
    '/secret.txt',
    `/${CHANGED}`,
    '#',
    '?',
    ';',
  ],
  ...[
    'CONNECT a:1',
    'PUT ',
    'OPTIONS * ',
    'TRACE ',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    'é',
    '\x1b[2J',
  ],
  ...[
    'Host: evil.test\r\n',
    'Host: \r\n',
    'Range: bytes=0-0,5-9\r\n',
    'Range: bytes=9-1\r\n',
    '9'.repeat(30),
  ],
  ...[
    'Transfer-Encoding: chunked\r\n',
    'Content-Length: -1\r\n',
    'Content-Length: 3\r\n',
    'Upgrade: h2c\r\n',
  ],
  ...['If-Match: *\r\n', 'If-None-Match: *\r\n', 'a: b\r\n'.repeat(3000), 'x'.repeat(20_000)],
  Buffer.from([0xff, 0x80]),
];

const LAST = Buffer.from('GET /last HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');

/** A dataset directory that is served, and files in it and beside it that are not. */
export class ServedSite {
  readonly #stop = new AbortController();
  readonly requests: RequestEvent[] = [];
  #root = '';
  #port = 0;
  #ended: Promise<ServeResult> | undefined;
  /** All that may be sent, by ETag. */
  readonly #contents = new Map<string, Buffer>();

  async start(): Promise<void> {
    this.#root = await mkdtemp(join(tmpdir(), 'ccxri-fuzz-'));
    const set = await makeDataset(this.#root);
    await appendFile(set.pathOf(CHANGED), SECRET);
    await writeFile(join(set.root, 'secret.txt'), SECRET);
    await writeFile(join(set.root, '.ccxri/manifest.json'), SECRET);
    for (const { name, md5 } of set.release.written) {
      if (name !== CHANGED) this.#contents.set(`"${md5}"`, await readFile(set.pathOf(name)));
    }
    const { root: dest, manifest } = set;
    const url = await new Promise<string>((resolve, reject) => {
      const onEvent = (event: RunEvent) => {
        if (event.event === 'serving') resolve(event.url);
        if (event.event === 'request') this.requests.push(event);
      };
      const { signal } = this.#stop;
      this.#ended = serveDataset({ dest, manifest, port: 0, headTimeoutMs: 50, onEvent, signal });
      this.#ended.catch(reject);
    });
    this.#port = Number(new URL(url).port);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#ended;
    await rm(this.#root, { recursive: true, force: true });
  }

  /** All that the server says to some bytes, and to a request behind them that ends the connection. */
  exchange(bytes: Buffer): Promise<Buffer> {
    return new Promise((resolve) => {
      const chunks: Buffer[] = [];
      const socket = connect(this.#port, '127.0.0.1', () => {
        socket.write(Buffer.concat([bytes, LAST]));
      });
      socket.on('data', (chunk) => chunks.push(chunk));
      // It may end the connection while there is more to be read.
      socket.on('error', () => undefined);
      socket.on('close', () => resolve(Buffer.concat(chunks)));
    });
  }

  /** Takes one answer off: its status, and what is behind it. Its body has to be what its head says. */
  takeAnswer(said: Buffer): { readonly status: number; readonly rest: Buffer } {
    const end = said.indexOf('\r\n\r\n');
    const head = said.subarray(0, end).toString('latin1');
    const status = Number(/^HTTP\/1\.1 (\d{3}) [\w ]+(?:\r\n|$)/.exec(head)?.[1]);
    assert(end > 0 && status >= 100, `no head of an answer: ${JSON.stringify(head)}`);
    const behind = said.subarray(end + 4);
    const length = Number(/^content-length: (\d+)$/im.exec(head)?.[1] ?? 0);
    // Of HEAD, or the last one, of which nothing else can be told by what it says.
    const hasNone = behind.length === 0 || behind.subarray(0, 7).toString() === 'HTTP/1.';
    if (hasNone) return { status, rest: behind };
    const body = behind.subarray(0, length);
    const content = this.#contents.get(/^etag: (.*)$/im.exec(head)?.[1] ?? '');
    if (content !== undefined && status < 300) {
      const from = Number(/^content-range: bytes (\d+)-/im.exec(head)?.[1] ?? 0);
      // A head that can't be read behind a good one ends the connection, and the answer with it.
      assert(
        content
          .subarray(from, from + length)
          .subarray(0, body.length)
          .equals(body),
      );
    }
    return { status, rest: behind.subarray(length) };
  }
}

/** Whatever a client sends: answers in good form or the end, and only of what may be served. */
export function serveTargets(site: ServedSite): readonly Fuzz[] {
  return [
    toFuzz({
      parser: 'HTTP request',
      inputs: editedBytes(REQUESTS, TOKENS, 3),
      build: (edited) => buildEdited(REQUESTS, edited),
      codes: [],
      parse: async (bytes: Buffer) => {
        const statuses: number[] = [];
        const said = await site.exchange(bytes);
        assert(!said.includes(SECRET), 'what is not served was sent');
        for (let rest = said; rest.length > 0;) {
          const answer = site.takeAnswer(rest);
          statuses.push(answer.status);
          rest = answer.rest;
        }
        const seen = site.requests.splice(0);
        for (const { path, method } of seen) assert.match(path + method, /^[^\p{Cc}\p{Cf}]*$/u);
        return statuses.some((status) => status === 200 || status === 206);
      },
    }),
  ];
}
