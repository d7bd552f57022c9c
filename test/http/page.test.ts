import { expect, it } from 'vitest';
import { createPageLoader } from '../../src/http/page.ts';
import { answer, chunked, head, html, redirect, useRawServers } from '../support/raw-server.ts';

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

it('#31 is an error: a page in gzip, which nobody asked for', async () => {
  const server = await serve((request, reply) => {
    expect(request.headers['accept-encoding']).toBe('identity');
    return reply.send(answer(200, 'xyz', { 'Content-Encoding': 'gzip' }));
  });
  await expect(createPageLoader()(server.url)).rejects.toMatchObject({
    code: 'network',
    facts: { permanent: true },
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
