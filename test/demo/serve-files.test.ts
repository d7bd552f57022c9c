import { createHash, randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import {
  type Answer,
  type Fault,
  serveFiles,
  type FileServer,
} from '../../src/demo/serve-files.ts';

const PAGE = Buffer.from('<p>page</p>');
const ZIP = randomBytes(50_000);
const ETAG = `"${createHash('md5').update(ZIP).digest('hex')}"`;
const FILES = new Map([
  ['index.html', PAGE],
  ['a.zip', ZIP],
]);

let server: FileServer;
beforeEach(async () => {
  server = await serveFiles(FILES, { bytesPerSecond: Infinity });
});
afterEach(async () => {
  await server.close();
});

async function get(path: string, headers: Readonly<Record<string, string>> = {}, method = 'GET') {
  const answer = await fetch(new URL(path, server.url), { headers, method });
  const body = Buffer.from(await answer.arrayBuffer());
  return { status: answer.status, headers: Object.fromEntries(answer.headers), body };
}

describe('serveFiles', () => {
  it('listens on this machine alone', () => {
    expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
  });

  it.each(['', 'index.html', 'index.html?from=mail'])('answers /%s with the page', async (path) => {
    const { status, headers, body } = await get(path);
    expect({ status, body }).toEqual({ status: 200, body: PAGE });
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
  });

  it('gives a whole file with its length and validator', async () => {
    const { status, headers, body } = await get('a.zip');
    expect(status).toBe(200);
    expect(body.equals(ZIP)).toBe(true);
    expect(headers).toMatchObject({
      'content-type': 'application/zip',
      'content-length': '50000',
      'accept-ranges': 'bytes',
      etag: ETAG,
    });
    expect(await get('a.zip', {}, 'HEAD')).toMatchObject({
      status: 200,
      headers: { 'content-length': '50000', etag: ETAG },
      body: Buffer.alloc(0),
    });
  });

  it.each([
    ['bytes=0-0', 0, 1],
    ['bytes=100-', 100, 50_000],
    ['bytes=100-199', 100, 200],
    ['bytes=49990-60000', 49_990, 50_000],
    ['bytes=-10', 49_990, 50_000],
    ['bytes=-60000', 0, 50_000],
  ])('gives the part that %s asks for', async (range, from, to) => {
    const { status, headers, body } = await get('a.zip', { range, 'if-range': ETAG });
    expect(status).toBe(206);
    expect(headers['content-range']).toBe(`bytes ${from}-${to - 1}/50000`);
    expect(headers['content-length']).toBe(String(to - from));
    expect(body.equals(ZIP.subarray(from, to))).toBe(true);
  });

  it.each(['bytes=50000-', 'bytes=60000-70000', 'bytes=-0'])(
    'says that %s is beyond the end',
    async (range) => {
      const { status, headers, body } = await get('a.zip', { range });
      expect({ status, length: body.length }).toEqual({ status: 416, length: 0 });
      expect(headers['content-range']).toBe('bytes */50000');
    },
  );

  it.each([
    { range: 'bytes=100-', 'if-range': '"another"' },
    { range: 'bytes=0-1,5-6' },
    { range: 'bytes=9-3' },
    { range: 'bytes=-' },
    { range: 'lines=1-2' },
  ])('gives the whole file for %o', async (headers) => {
    const { status, body } = await get('a.zip', headers);
    expect({ status, length: body.length }).toEqual({ status: 200, length: 50_000 });
  });

  it.each([
    ['b.zip', 'GET', 404],
    ['../package.json', 'GET', 404],
    ['%E0%A4%A', 'GET', 404],
    ['a.zip', 'POST', 405],
    ['a.zip', 'DELETE', 405],
  ])('answers %s by %s with %i', async (path, method, status) => {
    expect(await get(path, {}, method)).toMatchObject({ status, body: Buffer.alloc(0) });
  });

  it('ends every connection when it is closed, also in the middle of an answer', async () => {
    const slow = await serveFiles(FILES, { bytesPerSecond: 20_000 });
    const socket = connect(Number(new URL(slow.url).port), '127.0.0.1');
    const ended = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => undefined);
    socket.write('GET /a.zip HTTP/1.1\r\nhost: x\r\n\r\n');
    await once(socket, 'data');
    await slow.close();
    await ended;
    await expect(fetch(slow.url)).rejects.toThrow();
  });
});

describe('serveFiles with a fault', () => {
  /** Each fault once, then none; what it was asked about. */
  async function serveWith(...faults: readonly Fault[]) {
    const asked: Answer[] = [];
    const left = [...faults];
    const faultOf = (answer: Answer) => {
      asked.push(answer);
      return left.shift();
    };
    const broken = await serveFiles(FILES, { bytesPerSecond: Infinity, faultOf });
    onTestFinished(() => broken.close());
    return { url: new URL('a.zip', broken.url), asked };
  }

  function hold(atByte: number) {
    let onReached = () => {};
    const reached = new Promise<void>((resolve) => (onReached = resolve));
    return { fault: { kind: 'hold', atByte, onReached } as const, reached };
  }

  /** As many bytes as come, over a connection of its own, and how long the body was said to be. */
  async function receive(url: URL) {
    const socket = connect(Number(url.port), '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    socket.write(`GET ${url.pathname} HTTP/1.1\r\nhost: x\r\n\r\n`);
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => chunks.push(chunk));
    await once(socket, 'close');
    const all = Buffer.concat(chunks);
    const bodyAt = all.indexOf('\r\n\r\n') + 4;
    const length = /content-length: (\d+)/i.exec(all.toString('latin1', 0, bodyAt))?.[1];
    return { length, body: all.subarray(bodyAt) };
  }

  it('closes the connection at the byte of a cut, and serves the rest when asked again', async () => {
    const { url, asked } = await serveWith({ kind: 'cut', atByte: 20_001 });
    const { length, body } = await receive(url);
    expect(length).toBe('50000');
    expect(body.equals(ZIP.subarray(0, 20_001))).toBe(true);
    const rest = await fetch(url, { headers: { range: 'bytes=20001-' } });
    expect(Buffer.from(await rest.arrayBuffer()).equals(ZIP.subarray(20_001))).toBe(true);
    expect(asked).toEqual([
      { name: 'a.zip', fromByte: 0, bytes: 50_000, totalBytes: 50_000 },
      { name: 'a.zip', fromByte: 20_001, bytes: 29_999, totalBytes: 50_000 },
    ]);
  });

  it('changes one bit of one answer', async () => {
    const { url } = await serveWith({ kind: 'flip', atByte: 777 });
    const flipped = Buffer.from(await (await fetch(url)).arrayBuffer());
    const differing = [...flipped].flatMap((byte, at) => (byte === ZIP[at] ? [] : [at]));
    expect(differing).toEqual([777]);
    expect(Buffer.from(await (await fetch(url)).arrayBuffer()).equals(ZIP)).toBe(true);
  });

  it('holds an answer until its client goes away', async () => {
    const { fault, reached } = hold(5000);
    const { url } = await serveWith(fault);
    const gone = new AbortController();
    const { body } = await fetch(url, { signal: gone.signal });
    let bytes = 0;
    const reading = (async () => {
      for await (const chunk of body ?? []) bytes += (chunk as Uint8Array).length;
    })();
    await reached;
    await expect.poll(() => bytes).toBe(5000);
    gone.abort();
    await expect(reading).rejects.toThrow('abort');
    expect((await fetch(url)).headers.get('content-length')).toBe('50000');
  });

  it('can be closed while it holds an answer', async () => {
    const { fault, reached } = hold(10);
    const held = await serveFiles(FILES, { bytesPerSecond: Infinity, faultOf: () => fault });
    const received = receive(new URL('a.zip', held.url));
    await reached;
    await held.close();
    expect((await received).body).toHaveLength(10);
  });
});
