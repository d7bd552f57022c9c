import { describe, expect, it } from 'vitest';
import { readAll, useHttpClients } from '../support/http-clients.ts';
import { extraResources } from '../support/resources.ts';
import { answer, head, honest, redirect, useRawServers } from '../support/raw-server.ts';
import { lacking, saying } from '../support/matchers.ts';

const serve = useRawServers();
const toClient = useHttpClients();

describe('a stall', () => {
  it.each([
    { name: '#16 after the headers', script: head(200, { 'Content-Length': 100 }) },
    { name: 'after some bytes', script: `${head(200, { 'Content-Length': 100 })}abc` },
    { name: 'before any byte', script: '' },
    { name: '#19 within the headers', script: 'HTTP/1.1 200 OK\r\nContent-Le' },
  ])('$name ends in `stalled`', async ({ script }) => {
    const server = await serve(async (_, reply) => {
      await reply.send(script);
      await reply.hang();
    });
    await expect(readAll(toClient({ timeoutMs: 300 }), server.url)).rejects.toMatchObject({
      code: 'stalled',
    });
  });

  it.each([
    {
      name: '#18 a byte now and then',
      first: head(200, { 'Content-Length': 1_000_000 }),
      drip: 'x',
    },
    { name: '#19 headers byte by byte', first: 'HTTP/1.1 200 OK\r\nX-Slow: ', drip: 'x' },
    { name: '#20 a 102 now and then', first: '', drip: head(102) },
  ])('$name ends in `stalled`', async ({ first, drip }) => {
    const server = await serve(async (_, reply) => {
      await reply.send(first);
      while (await reply.send(drip)) await reply.wait(30);
    });
    await expect(readAll(toClient({ timeoutMs: 300 }), server.url)).rejects.toMatchObject({
      code: 'stalled',
    });
  });

  it('#17 is seen also where the reader is slow', async () => {
    const server = await serve(async (_, reply) => {
      await reply.send(`${head(200, { 'Content-Length': 100 })}abc`);
      await reply.hang();
    });
    const got = await toClient({ timeoutMs: 100 }).get(server.url);
    const read = async () => {
      for await (const batch of got.body()) {
        expect(batch.toString()).toBe('abc');
        // Longer than the timeout: the reader's own time does not count against the server.
        await new Promise((resolve) => setTimeout(resolve, 250));
      }
    };
    await expect(read()).rejects.toMatchObject({ code: 'stalled' });
  });

  it('does not count the time of a slow reader against the server', async () => {
    const server = await serve(async (_, reply) => {
      await reply.send(`${head(200, { 'Content-Length': 6 })}abc`);
      await reply.wait(50);
      await reply.send('def');
    });
    const got = await toClient({ timeoutMs: 600 }).get(server.url);
    let text = '';
    for await (const batch of got.body()) {
      text += batch.toString();
      await new Promise((resolve) => setTimeout(resolve, 800));
    }
    expect(text).toBe('abcdef');
  });
});

describe('a broken answer', () => {
  it.each([
    { name: '#1 less than announced', script: `${head(200, { 'Content-Length': 100 })}abc` },
    {
      name: '#2 chunks without their end',
      script: `${head(200, { 'Transfer-Encoding': 'chunked' })}3\r\nabc\r\n`,
    },
    {
      name: '#7 two lengths',
      script: 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd',
    },
    { name: '#7 a negative length', script: `${head(200, { 'Content-Length': -3 })}abc` },
    { name: '#7 a list of lengths', script: `${head(200, { 'Content-Length': '3,4' })}abc` },
    {
      name: '#7 a length and chunks',
      script: `${head(200, { 'Content-Length': 3, 'Transfer-Encoding': 'chunked' })}abc`,
    },
    { name: '#21 a header too long', script: head(200, { 'X-Long': 'x'.repeat(100_000) }) },
    {
      name: '#21 headers without end',
      script: head(
        200,
        Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`X-${n}`, 'x'])),
      ),
    },
    { name: 'no HTTP', script: 'SSH-2.0-OpenSSH_9.2\r\n' },
    { name: '#30 nothing', script: '' },
  ])('$name ends in `network`, and may be tried again', async ({ script }) => {
    const server = await serve(async (_, reply) => {
      await reply.send(script);
      reply.end();
    });
    await expect(readAll(toClient(), server.url)).rejects.toMatchObject({
      code: 'network',
      facts: lacking({ permanent: true }),
    });
  });

  it('#30 a connection that is closed at once ends in `network`', async () => {
    const server = await serve(() => undefined, { onConnection: (socket) => socket.destroy() });
    await expect(readAll(toClient(), server.url)).rejects.toMatchObject({ code: 'network' });
  });

  it('#34 a port where nobody listens ends in `network`, in words', async () => {
    const server = await serve(() => undefined);
    await server.close();
    await expect(readAll(toClient(), server.url)).rejects.toMatchObject({
      code: 'network',
      message: saying('refused'),
    });
  });

  it('#34 a name that nobody knows ends in `network`, in words', async () => {
    const url = 'http://no-such-host.invalid/x';
    await expect(readAll(toClient(), url)).rejects.toMatchObject({
      code: 'network',
      message: saying(/not known|looked up/),
      facts: { url },
    });
  });
});

/** undici gives a connection back a turn of the event loop after the body's end. */
const idle = () => new Promise((resolve) => setTimeout(resolve, 20));

describe('keep-alive', () => {
  it('uses a connection again', async () => {
    const server = await serve((_, reply) => reply.send(answer(200, 'ok')));
    const client = toClient();
    for (let n = 0; n < 3; n += 1) {
      expect(await readAll(client, server.url)).toBe('ok');
      await idle();
    }
    expect(server.connections().made).toBe(1);
  });

  it.each([
    { how: 'closed', act: 'end' },
    { how: 'reset', act: 'reset' },
  ] as const)(
    '#33 asks again, unseen, when a kept connection is $how on its use',
    async ({ act }) => {
      const server = await serve(async (request, reply) => {
        // The second request on the first connection meets its end.
        if (request.index === 1) reply[act]();
        else await reply.send(answer(200, 'ok'));
      });
      const client = toClient();
      expect(await readAll(client, server.url)).toBe('ok');
      await idle();
      expect(await readAll(client, server.url)).toBe('ok');
      expect(server.requests.map(({ connection }) => connection)).toEqual([0, 0, 1]);
    },
  );

  it('#33 asks again only once', async () => {
    const server = await serve(async (request, reply) => {
      if (request.index === 0) await reply.send(answer(200, 'ok'));
      else reply.reset();
    });
    const client = toClient();
    await readAll(client, server.url);
    await idle();
    await expect(readAll(client, server.url)).rejects.toMatchObject({ code: 'network' });
    expect(server.requests).toHaveLength(3);
  });
});

describe('redirects', () => {
  it('follows them to the end', async () => {
    const server = await serve((request, reply) =>
      reply.send(
        request.path === '/c' ? answer(200, 'here') : redirect(request.path === '/a' ? '/b' : '/c'),
      ),
    );
    const client = toClient();
    const got = await client.get(`${server.url}/a`);
    expect(got.url).toBe(`${server.url}/c`);
    got.discard();
  });

  it('#192 follows an address with raw bytes, a blank and a fragment byte by byte', async () => {
    const server = await serve((request, reply) =>
      reply.send(
        request.path === '/a'
          ? Buffer.from(redirect('/\u00c3\u00fb 1.zip?f=\u00e5#top').toString(), 'latin1')
          : answer(200, request.path),
      ),
    );
    expect(await readAll(toClient(), `${server.url}/a`)).toBe('/%C3%FB%201.zip?f=%E5');
  });

  it('follows the first of several addresses', async () => {
    const server = await serve((request, reply) =>
      reply.send(
        request.path === '/a' ? redirect('/b\r\nLocation: /c') : answer(200, request.path),
      ),
    );
    expect(await readAll(toClient(), `${server.url}/a`)).toBe('/b');
  });

  it('#22 gives a redirect without an address back as an error', async () => {
    const server = await serve((_, reply) => reply.send(answer(302, 'look elsewhere')));
    await expect(toClient().get(server.url)).rejects.toMatchObject({
      code: 'network',
      facts: { permanent: true },
    });
  });

  it('#23 stops after ten', async () => {
    const server = await serve((request, reply) =>
      reply.send(redirect(`/${Number(request.path.slice(1)) + 1}`)),
    );
    await expect(toClient().get(`${server.url}/0`)).rejects.toThrow('more than 10');
    expect(server.requests).toHaveLength(11);
  });

  it('#24 stops at once in a circle', async () => {
    const server = await serve((request, reply) =>
      reply.send(redirect(request.path === '/a' ? '/b' : '/a')),
    );
    await expect(toClient().get(`${server.url}/a`)).rejects.toThrow('in a circle');
    expect(server.requests).toHaveLength(2);
  });

  it('asks each hop for the same bytes', async () => {
    const other = await serve((request, reply) =>
      reply.send(honest(Buffer.from('abcdef'), request)),
    );
    const server = await serve((_, reply) => reply.send(redirect(`${other.url}/x`)));
    const got = await toClient().get(server.url, {
      headers: { range: 'bytes=2-', 'if-range': '"v1"' },
    });
    expect(got.status).toBe(206);
    got.discard();
  });

  it('counts the deadline to the first byte over all hops', async () => {
    const server = await serve(async (request, reply) => {
      await reply.wait(80);
      await reply.send(redirect(`/${Number(request.path.slice(1)) + 1}`));
    });
    await expect(toClient({ timeoutMs: 200 }).get(`${server.url}/0`)).rejects.toMatchObject({
      code: 'stalled',
    });
  });
});

describe('#25 secrets', () => {
  const headers = { Authorization: 'Bearer hunter2', 'X-Api-Key': 'k', Cookie: 'session=1' };
  const secret = ['authorization', 'x-api-key', 'cookie'];
  const sentTo = (request: { headers: Readonly<Record<string, string>> } | undefined) =>
    secret.filter((name) => request?.headers[name] !== undefined);

  it('go to the origin that they are for, and stay there in a redirect', async () => {
    const other = await serve((_, reply) => reply.send(answer(200, 'ok')));
    const server = await serve((request, reply) =>
      reply.send(redirect(request.path === '/a' ? '/b' : `${other.url}/c`)),
    );
    const client = toClient({ headers, headerOrigins: [`${server.url}/some/page.html`] });
    expect(await readAll(client, `${server.url}/a`)).toBe('ok');
    expect(server.requests.map(sentTo)).toEqual([secret, secret]);
    expect(other.requests.map(sentTo)).toEqual([[]]);
  });

  it('go nowhere without an origin that they are for', async () => {
    const server = await serve((_, reply) => reply.send(answer(200, 'ok')));
    await readAll(toClient({ headers, headerOrigins: ['./a/directory'] }), server.url);
    expect(server.requests.map(sentTo)).toEqual([[]]);
  });

  it('are sent also when they stand in the address, percent signs and all', async () => {
    const server = await serve((_, reply) => reply.send(answer(200, 'ok')));
    const source = server.url.replace('//', '//user:a%20b%zz@');
    await readAll(toClient({ headerOrigins: [source] }), source);
    const basic = Buffer.from('user:a%20b%zz').toString('base64');
    expect(server.requests[0]?.headers['authorization']).toBe(`Basic ${basic}`);
    expect(server.requests[0]?.path).toBe('/');
  });
});

describe('a stop', () => {
  it.each([
    { name: 'before the request', when: 'before' },
    { name: 'before the headers', when: '/silent' },
    { name: 'in the body', when: '/body' },
  ])('$name ends in `aborted`, with no connection left', async ({ when }) => {
    const server = await serve(async (request, reply) => {
      if (request.path === '/body') await reply.send(`${head(200, { 'Content-Length': 9 })}abc`);
      await reply.hang();
    });
    const stop = new AbortController();
    if (when === 'before') stop.abort();
    const before = process.getActiveResourcesInfo();
    const client = toClient({ timeoutMs: 60_000 });
    const run = async () => {
      const got = await client.get(`${server.url}${when === 'before' ? '' : when}`, {
        signal: stop.signal,
      });
      for await (const batch of got.body()) if (batch.length > 0) stop.abort();
    };
    const running = run();
    if (when === '/silent') {
      await expect.poll(() => server.requests.length).toBe(1);
      stop.abort();
    }
    await expect(running).rejects.toMatchObject({ code: 'aborted' });
    await client.close();
    await expect.poll(() => server.connections().open).toBe(0);
    expect(extraResources(before)).toEqual([]);
  });

  it('leaves no listener at the signal of the run, however many answers came', async () => {
    const server = await serve((_, reply) => reply.send(answer(200, 'ok')));
    const stop = new AbortController();
    let listeners = 0;
    const signal = new Proxy(stop.signal, {
      get: (target, name) => {
        if (name === 'addEventListener') listeners += 1;
        if (name === 'removeEventListener') listeners -= 1;
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    const client = toClient();
    for (let n = 0; n < 5; n += 1) {
      const got = await client.get(server.url, { signal });
      got.discard();
    }
    expect(listeners).toBe(0);
  });
});
