import { describe, expect, it } from 'vitest';
import { CHECK_NETWORK } from '../../src/http/errors.ts';
import { md5Of, noise } from '../support/fetching.ts';
import { readAll, useHttpClients } from '../support/http-clients.ts';
import { type RawScript, answer, head, redirect, useRawServers } from '../support/raw-server.ts';
import { extraResources } from '../support/resources.ts';

const serve = useRawServers();
const toClient = useHttpClients();
const OK = 'HTTP/1.1 200 OK\r\n';

/** Answers and keeps the connection open, as servers do. */
const saysAlways =
  (text: string): RawScript =>
  (_, reply) =>
    reply.send(Buffer.from(text, 'latin1'));

describe('#194 sloppy HTTP', () => {
  it.each([
    { name: 'line ends by LF alone', text: 'HTTP/1.1 200 OK\nContent-Length: 3\nX: y\n\nabc' },
    { name: 'some lines by LF alone', text: `${OK}Content-Length: 3\nX: y\r\n\r\nabc` },
    { name: 'a head that ends by LF', text: `${OK}Content-Length: 3\r\n\nabc` },
    { name: 'a length twice', text: `${OK}Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc` },
    { name: 'a list of one length', text: `${OK}Content-Length: 3, 3\r\n\r\nabc` },
    {
      name: 'a length beside chunks',
      text: `${OK}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`,
    },
    {
      name: 'chunks beside a length, another one',
      text: `${OK}Transfer-Encoding: chunked\r\nContent-Length: 9\r\n\r\n3\r\nabc\r\n0\r\n\r\n`,
    },
    { name: 'a blank before a colon', text: `${OK}Content-Length : 3\r\n\r\nabc` },
    { name: 'a line that is no field', text: `${OK}Nothing\r\nContent-Length: 3\r\n\r\nabc` },
    { name: 'a name with a blank', text: `${OK}X Y: 1\r\nContent-Length: 3\r\n\r\nabc` },
    { name: 'a control character', text: `${OK}X: a\u0001\r\nContent-Length: 3\r\n\r\nabc` },
    { name: 'a line continued', text: `${OK}X: a\r\n b\r\nContent-Length: 3\r\n\r\nabc` },
    { name: 'another version', text: 'HTTP/1.2 200 OK\r\nContent-Length: 3\r\n\r\nabc' },
  ])('is read: $name', async ({ text }) => {
    const server = await serve(saysAlways(text));
    const notices: unknown[] = [];
    const client = toClient({ onSloppy: (...notice) => notices.push(notice) });
    expect(await readAll(client, server.url)).toBe('abc');
    expect(await readAll(client, server.url)).toBe('abc');
    // undici once, and the lenient client from then on.
    expect(server.requests.map(({ connection }) => connection)).toEqual([0, 1, 2]);
    expect(notices).toEqual([[new URL(server.url).host, []]]);
  });

  it('is an answer as well: another host that is not known is no sign of being offline', async () => {
    const server = await serve(saysAlways('HTTP/1.1 200 OK\nContent-Length: 3\n\nabc'));
    const lookup = () => Promise.reject(Object.assign(new Error(), { code: 'ENOTFOUND' }));
    const client = toClient({ lookup });
    const gone = 'http://gone.example/';
    await expect(readAll(client, gone)).rejects.toMatchObject({ next: [CHECK_NETWORK] });
    expect(await readAll(client, server.url)).toBe('abc');
    await expect(readAll(client, gone)).rejects.toMatchObject({ code: 'network', next: [] });
  });

  it.each([
    { name: 'two lengths', text: `${OK}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd` },
    { name: 'a list of two lengths', text: `${OK}Content-Length: 3,4\r\n\r\nabcd` },
    { name: 'a negative length', text: `${OK}Content-Length: -3\r\n\r\nabc` },
    { name: 'no HTTP', text: 'SSH-2.0-OpenSSH_9.2\r\n' },
  ])('that means nothing is refused still: $name', async ({ text }) => {
    const server = await serve(async (_, reply) => {
      await reply.send(text);
      reply.end();
    });
    const notices: unknown[] = [];
    const client = toClient({ onSloppy: (host) => notices.push(host) });
    await expect(readAll(client, server.url)).rejects.toMatchObject({ code: 'network' });
    expect(server.requests).toHaveLength(2);
    expect(notices).toEqual([]);
  });

  it('a response that nobody asked for is that of no request', async () => {
    const evil = answer(200, 'evil').toString();
    const server = await serve(saysAlways(`HTTP/1.1 200 OK\nContent-Length: 3\n\nabc${evil}`));
    const client = toClient();
    const read = () => readAll(client, server.url).catch((error: unknown) => error);
    const got = [await read(), await read(), await read()];
    expect(got.filter((each) => each !== 'abc')).toEqual([]);
  });

  it('a connection that ends within the head is no sloppy HTTP', async () => {
    const server = await serve(async (_, reply) => {
      await reply.send(`${OK}Content-Length: 3\r\nX:`);
      reply.end();
    });
    await expect(readAll(toClient(), server.url)).rejects.toMatchObject({ code: 'network' });
    expect(server.requests).toHaveLength(1);
  });

  it('within chunks is read from the next request on', async () => {
    const chunks = head(200, { 'Transfer-Encoding': 'chunked' });
    const server = await serve(saysAlways(`${chunks}3  \r\nabc\r\n0\r\n\r\n`));
    const client = toClient();
    await expect(readAll(client, server.url)).rejects.toMatchObject({ code: 'network' });
    expect(await readAll(client, server.url)).toBe('abc');
  });
});

/** Every response with a length twice. */
const sloppy = (body: Uint8Array, status = 200, headers = {}) => {
  const [first, ...rest] = answer(status, body, headers).toString('latin1').split('\r\n');
  const length = `Content-Length: ${body.length}`;
  return Buffer.from([first, length, ...rest].join('\r\n'), 'latin1');
};

describe('the lenient client', () => {
  const body = noise('sloppy', 3_000_000);
  const md5From = async (client: ReturnType<typeof toClient>, url: string) => {
    const parts: Buffer[] = [];
    for await (const part of (await client.get(url)).body()) parts.push(Buffer.from(part));
    return md5Of(Buffer.concat(parts));
  };

  it('has one connection to a host at a time, and waits no less for a request in the queue', async () => {
    let open = 0;
    let most = 0;
    const server = await serve(async ({ index }, reply) => {
      if (index === 0) return reply.send(sloppy(body));
      most = Math.max(most, (open += 1));
      await reply.wait(150);
      await reply.send(sloppy(body));
      await reply.hang();
      open -= 1;
      return undefined;
    });
    const client = toClient({ timeoutMs: 400 });
    await md5From(client, server.url);
    const all = await Promise.all([1, 2, 3, 4].map(() => md5From(client, server.url)));
    expect(all).toEqual(Array(4).fill(md5Of(body)));
    expect(most).toBe(1);
  });

  it('sends no credentials, and says so', async () => {
    const server = await serve(saysAlways(`${OK}Set-Cookie: a=1\nContent-Length: 3\n\nabc`));
    const notices: unknown[] = [];
    const client = toClient({
      headers: { Authorization: 'Bearer hunter2', Cookie: 'k=1', 'User-Agent': 'mine' },
      headerOrigins: [server.url.replace('//', '//me:pw@')],
      onSloppy: (...notice) => notices.push(notice),
    });
    await readAll(client, server.url);
    await readAll(client, server.url);
    const sent = server.requests.map(({ headers }) => [
      headers['user-agent'],
      headers['authorization'] === undefined,
      headers['cookie'],
    ]);
    expect(sent).toEqual([
      ['mine', false, 'k=1'],
      ['mine', true, undefined],
      ['mine', true, undefined],
    ]);
    expect(notices).toEqual([[new URL(server.url).host, ['authorization', 'cookie']]]);
  });

  it('follows redirects, with cookies, and asks for the same bytes', async () => {
    const server = await serve(({ headers }, reply) =>
      headers['cookie'] === 'k=1'
        ? reply.send(sloppy(Buffer.from(headers['range'] ?? ''), 206))
        : reply.send(
            redirect('/')
              .toString()
              .replace('\r\n', '\r\nSet-Cookie: k=1\r\nContent-Length: 0\r\n'),
          ),
    );
    const got = await toClient().get(server.url, { headers: { range: 'bytes=2-' } });
    expect(got.status).toBe(206);
    for await (const batch of got.body()) expect(batch.toString()).toBe('bytes=2-');
  });

  it.each([
    { name: 'a body that is cut', end: 'end', code: 'network' },
    { name: 'a connection that is reset', end: 'reset', code: 'network' },
    { name: 'a body that stalls', end: 'hang', code: 'stalled' },
  ] as const)('reports $name', async ({ end, code }) => {
    const server = await serve(async ({ index }, reply) => {
      if (index === 0) return reply.send(sloppy(Buffer.from('abc')));
      await reply.send(sloppy(body).subarray(0, 100_000));
      await reply.wait(50);
      await reply[end]();
      return undefined;
    });
    const client = toClient({ timeoutMs: 300 });
    let bytes = 0;
    const read = async () => {
      for await (const batch of (await client.get(server.url)).body()) bytes += batch.length;
    };
    await expect(read()).rejects.toMatchObject({ code });
    expect(bytes).toBeGreaterThan(90_000);
  });

  it('holds the server back where the reader stops, and leaves nothing open', async () => {
    let sentBytes = 0;
    const MIB = 1024 * 1024;
    const before = process.getActiveResourcesInfo();
    const server = await serve(async (_, reply) => {
      await reply.send(`HTTP/1.1 200 OK\nContent-Length: ${64 * MIB}\n\n`);
      for (let n = 0; n < 64 && (await reply.send(Buffer.alloc(MIB))); n += 1) sentBytes += MIB;
    });
    const client = toClient();
    const got = await client.get(server.url);
    for await (const batch of got.body()) {
      expect(batch).not.toHaveLength(0);
      await new Promise<void>((resolve) => setTimeout(resolve, 500));
      break;
    }
    expect(sentBytes).toBeLessThan(32 * MIB);
    await client.close();
    await expect.poll(() => server.connections().open).toBe(0);
    await server.close();
    expect(extraResources(before)).toEqual([]);
  });

  it('ends with the run, a request in the queue as well', async () => {
    const server = await serve(async ({ index }, reply) => {
      if (index === 0) return reply.send(sloppy(Buffer.from('abc')));
      await reply.hang();
      return undefined;
    });
    const client = toClient({ timeoutMs: 60_000 });
    const stop = new AbortController();
    const first = client.get(server.url, { signal: stop.signal });
    await expect.poll(() => server.requests.length).toBe(2);
    const queued = client.get(server.url, { signal: stop.signal });
    stop.abort();
    await expect(first).rejects.toMatchObject({ code: 'aborted' });
    await expect(queued).rejects.toMatchObject({ code: 'aborted' });
    await client.close();
    await expect.poll(() => server.connections().open).toBe(0);
  });
});
