import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { createPageLoader, createStartLoader } from '../support/page-loaders.ts';
import {
  answer,
  chunked,
  head,
  html,
  slice,
  redirect,
  useRawServers,
  whole,
} from '../support/raw-server.ts';
import { lacking } from '../support/matchers.ts';

const serve = useRawServers();

it('loads a page whole, from where redirects lead', async () => {
  const server = await serve((request, reply) =>
    reply.send(request.path === '/' ? redirect('/page/') : html('the page')),
  );
  const page = await createPageLoader()(`${server.url}/`);
  expect(page).toEqual({
    text: '<!doctype html><title>the page</title>',
    url: `${server.url}/page/`,
    contentType: 'text/html; charset=utf-8',
  });
});

it('reads no more than 16 MiB', async () => {
  const piece = Buffer.alloc(1024 * 1024, 'x');
  const server = await serve(async (_, reply) => {
    await reply.send(chunked([], { end: false }));
    for (let n = 0; n < 40; n += 1) {
      await reply.send(Buffer.concat([Buffer.from('100000\r\n'), piece, Buffer.from('\r\n')]));
    }
    await reply.hang();
  });
  const page = await createPageLoader()(server.url);
  expect(page.text.length).toBe(16 * 1024 * 1024);
});

it.each([204, 404, 503])('is an error: %i', async (status) => {
  const server = await serve((_, reply) => reply.send(answer(status, '', { 'Retry-After': 7 })));
  await expect(createPageLoader()(server.url)).rejects.toMatchObject({
    code: 'http-status',
    facts: { status, retryAfterS: 7, url: `${server.url}/` },
  });
});

describe('a page that is encoded, though identity was asked for,', () => {
  const PLAIN = '<!doctype html><title>页</title>';
  it.each([
    ['#31 gzip', 'gzip', gzipSync(PLAIN)],
    ['deflate', 'deflate', deflateSync(PLAIN)],
    ['br', 'BR', brotliCompressSync(PLAIN)],
    ['gzip in gzip', 'gzip, gzip', gzipSync(gzipSync(PLAIN))],
    ['gzip without a word', undefined, gzipSync(PLAIN)],
    ['gzip under the name of no coding', 'none', gzipSync(PLAIN)],
    ['none', 'none', Buffer.from(PLAIN)],
    ['binary', 'binary', Buffer.from(PLAIN)],
    ['a media type', 'text/html', Buffer.from(PLAIN)],
    ['gzip in name only', 'gzip', Buffer.from(` \n${PLAIN}`)],
    ['deflate in name only', 'deflate', Buffer.from(PLAIN)],
  ])('is read: %s', async (_, encoding, body) => {
    const server = await serve((request, reply) => {
      expect(request.headers['accept-encoding']).toBe('identity');
      const type = { 'Content-Type': 'text/html; charset=utf-8' };
      return reply.send(
        answer(200, body, encoding ? { ...type, 'Content-Encoding': encoding } : type),
      );
    });
    expect((await createPageLoader()(server.url)).text.trim()).toBe(PLAIN);
  });

  it('is read up to 16 MiB, however little was sent', async () => {
    const bomb = gzipSync(Buffer.alloc(40 * 1024 * 1024, 'x'));
    const server = await serve((_, reply) =>
      reply.send(answer(200, bomb, { 'Content-Encoding': 'gzip' })),
    );
    expect((await createPageLoader()(server.url)).text.length).toBe(16 * 1024 * 1024);
  });

  it.each([
    ['cut', gzipSync(PLAIN).subarray(0, 30)],
    ['something else', Buffer.from('xyz')],
  ])('is an error that may pass: %s', async (_, body) => {
    const server = await serve((__, reply) =>
      reply.send(answer(200, body, { 'Content-Encoding': 'br' })),
    );
    await expect(createPageLoader()(server.url)).rejects.toMatchObject({
      code: 'network',
      facts: lacking({ permanent: true }),
    });
  });
});

describe('the first bytes of a file', () => {
  const file = Buffer.from(`PK\x03\x04${'x'.repeat(5000)}`);
  it('are asked for by a range, and no more is read of what is sent whole', async () => {
    const server = await serve((request, reply) =>
      reply.send(request.index === 0 ? slice(file, [0, 256]) : whole(file)),
    );
    const load = createStartLoader();
    for (const path of ['/a', '/b']) {
      expect(await load(server.url + path)).toEqual(file.subarray(0, 256));
    }
    expect(server.requests.map(({ headers }) => headers['range'])).toEqual([
      'bytes=0-255',
      'bytes=0-255',
    ]);
  });

  it.each([403, 416, 503])('come from a server that refuses ranges: %i', async (status) => {
    const server = await serve((request, reply) =>
      reply.send(request.headers['range'] ? answer(status, '') : whole(file)),
    );
    expect((await createStartLoader()(server.url))?.length).toBe(256);
  });

  it.each([404, 410, 401, 403])('are not there: %i', async (status) => {
    const server = await serve((_, reply) => reply.send(answer(status, 'no')));
    expect(await createStartLoader()(server.url)).toBeUndefined();
    expect(server.requests.length).toBe(status === 403 ? 2 : 1);
  });
});

it('ends with its timeout, and closes its connection', async () => {
  const server = await serve(async (_, reply) => {
    await reply.send(`${head(200, { 'Content-Length': 100 })}abc`);
    await reply.hang();
  });
  await expect(createPageLoader({ timeoutMs: 100 })(server.url)).rejects.toMatchObject({
    code: 'stalled',
  });
  await expect.poll(() => server.connections().open).toBe(0);
});
