import { describe, expect, it } from 'vitest';
import { hasOpenssl, selfSigned } from '../support/certificate.ts';
import { readAll, useHttpClients } from '../support/http-clients.ts';
import { lacking, saying } from '../support/matchers.ts';
import { answer, useRawServers } from '../support/raw-server.ts';
import { type SocksOptions, useSocksServers } from '../support/socks-server.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const serve = useRawServers();
const serveSocks = useSocksServers();
const tempDir = useTempDirs();
const newClient = useHttpClients();

const hosts = { 'far.example': '127.0.0.1', '127.0.0.7': '127.0.0.1' };

describe('#35 a SOCKS5 proxy', () => {
  it.each([
    { scheme: 'socks5h', what: 'gets the name', asked: ['name far.example'] },
    { scheme: 'socks', what: 'gets the name', asked: ['name far.example'] },
    { scheme: 'socks5', what: 'gets an address', asked: ['ipv4 127.0.0.7'] },
  ])('by $scheme:// $what', async ({ scheme, asked }) => {
    const server = await serve((_, reply) => reply.send(answer(200, 'there')));
    const proxy = await serveSocks({ hosts });
    const client = newClient({
      env: { ALL_PROXY: `${scheme}://${proxy.address}` },
      lookup: () => Promise.resolve(['127.0.0.7']),
    });
    expect(await readAll(client, `http://far.example:${server.port}/a`)).toBe('there');
    expect(proxy.asked).toEqual(asked.map((each) => `${each}:${server.port}`));
    expect(server.requests[0]).toMatchObject({
      path: '/a',
      headers: { host: `far.example:${server.port}` },
    });
    // Kept alive, as direct ones are: of two that are free one is used again.
    for (const path of ['b', 'c'])
      await readAll(client, `http://far.example:${server.port}/${path}`);
    expect(proxy.asked.length).toBeLessThan(3);
    await client.close();
    await expect.poll(proxy.openSockets).toBe(0);
  });

  it('gets an address of IPv6 as one', async () => {
    const proxy = await serveSocks({ reply: 3 });
    const client = newClient({ env: { ALL_PROXY: `socks5h://${proxy.address}` } });
    await expect(readAll(client, 'http://[fd00::1:ffff]:81/')).rejects.toThrow('unreachable');
    expect(proxy.asked).toEqual(['ipv6 fd00:0:0:0:0:0:1:ffff:81']);
  });

  it('by socks5://, tries the addresses of a name one after the other', async () => {
    const server = await serve((_, reply) => reply.send(answer(200, 'there')));
    const proxy = await serveSocks();
    const client = newClient({
      env: { ALL_PROXY: `socks5://${proxy.address}` },
      // Nothing listens at the first.
      lookup: () => Promise.resolve(['127.0.0.8', '127.0.0.1']),
    });
    expect(await readAll(client, `http://far.example:${server.port}/`)).toBe('there');
    expect(proxy.asked).toContain(`ipv4 127.0.0.1:${server.port}`);
  });

  it.each([{ isSlow: false }, { isSlow: true }])('gets user and password, $isSlow', async (row) => {
    const server = await serve((_, reply) => reply.send(answer(200, 'there')));
    const login = { user: 'me', password: 'p@ss' };
    const proxy = await serveSocks({ ...row, login });
    const client = newClient({ env: { all_proxy: `socks5h://me:p%40ss@${proxy.address}` } });
    expect(await readAll(client, server.url)).toBe('there');
  });

  it.skipIf(!hasOpenssl)('carries TLS to the server, whose certificate counts', async () => {
    const tls = await selfSigned(await tempDir(), '-addext', 'subjectAltName=IP:127.0.0.1');
    const server = await serve((_, reply) => reply.send(answer(200, 'secret')), { tls });
    const proxy = await serveSocks();
    const client = newClient({ env: { HTTPS_PROXY: `socks5h://${proxy.address}` } });
    await expect(readAll(client, server.url)).rejects.toMatchObject({
      message: saying('not trusted'),
    });
    expect(proxy.asked).toEqual([`ipv4 127.0.0.1:${server.port}`]);
  });
});

describe('#36 a SOCKS proxy that refuses', () => {
  const login = { user: 'me', password: 'right' };
  it.each<{ what: string; options: SocksOptions; said: string; permanent: boolean }>([
    { what: 'its rules', options: { reply: 2 }, said: 'not allowed', permanent: true },
    {
      what: 'no way to the host',
      options: { reply: 4 },
      said: 'host unreachable',
      permanent: false,
    },
    { what: 'an unknown reason', options: { reply: 99 }, said: 'SOCKS reply 99', permanent: false },
    { what: 'a password', options: { login }, said: 'does not accept the user', permanent: true },
  ])('for $what: a clear error, permanent: $permanent', async ({ options, said, permanent }) => {
    const proxy = await serveSocks(options);
    const env = { ALL_PROXY: `socks5h://me:wrong@${proxy.address}` };
    await expect(readAll(newClient({ env }), 'http://far.example/')).rejects.toMatchObject({
      code: 'network',
      message: expect.stringMatching(
        new RegExp(`the proxy socks5h://${proxy.address} refused the connection: .*${said}`),
      ) as unknown,
      facts: permanent ? { permanent } : lacking({ permanent: true }),
      next: [{ kind: 'advice', text: saying('check ALL_PROXY') }],
    });
  });

  it('it wants a password, and there is none', async () => {
    const proxy = await serveSocks({ login });
    const client = newClient({ env: { ALL_PROXY: `socks5h://${proxy.address}` } });
    await expect(readAll(client, 'http://far.example/')).rejects.toThrow(
      'wants a user and password',
    );
  });

  it.each([
    {
      what: 'that speaks HTTP',
      said: 'HTTP/1.1 400 Bad Request\r\n\r\n',
      error: 'not speak SOCKS5',
    },
    { what: 'that says nothing', said: '', error: 'closed the connection' },
    { what: 'that breaks off', said: '\x05', error: 'closed the connection' },
  ])('one $what', async ({ said, error }) => {
    const proxy = await serve(() => undefined, { onConnection: (socket) => socket.end(said) });
    const client = newClient({ env: { ALL_PROXY: proxy.url.replace('http', 'socks5h') } });
    await expect(readAll(client, 'http://far.example/')).rejects.toMatchObject({
      code: 'network',
      message: saying(error),
    });
  });
});

describe('#36 a proxy that can not be used', () => {
  it.each(['http', 'socks5h'])('is named where it is not there: %s', async (scheme) => {
    const gone = await serve(() => undefined);
    await gone.close();
    const env = { ALL_PROXY: `${scheme}://127.0.0.1:${gone.port}` };
    for (const url of ['http://far.example/', 'https://far.example/']) {
      await expect(readAll(newClient({ env }), url)).rejects.toMatchObject({
        code: 'network',
        message: saying(`failed at the proxy: ${scheme}://127.0.0.1:${gone.port}`),
        next: [{ kind: 'advice', text: saying('check ALL_PROXY') }],
      });
    }
  });

  it('is named where it answers a CONNECT with garbage', async () => {
    const proxy = await serve((_, reply) => reply.send('garbage\r\n\r\n'));
    const client = newClient({ env: { ALL_PROXY: proxy.url } });
    await expect(readAll(client, 'https://far.example/')).rejects.toMatchObject({
      code: 'network',
      message: saying(`failed at the proxy: ${proxy.url}`),
    });
  });

  it('is dropped when the run ends, whatever it is doing', async () => {
    const proxy = await serve((_, reply) => reply.hang());
    const client = newClient({ env: { ALL_PROXY: proxy.url } });
    const failed = expect(readAll(client, 'https://far.example/')).rejects.toThrow();
    await expect.poll(() => proxy.requests.length).toBe(1);
    await client.close();
    await failed;
    await expect.poll(() => proxy.connections().open).toBe(0);
  });
});
