import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { toProxySettings } from '../../src/http/proxy.ts';
import { hasOpenssl, selfSigned } from '../support/certificate.ts';
import { readAll, useHttpClients } from '../support/http-clients.ts';
import { having, lacking, notSaying, saying } from '../support/matchers.ts';
import {
  type RawReply,
  type RawRequest,
  answer,
  head,
  useRawServers,
} from '../support/raw-server.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const serve = useRawServers();
const tempDir = useTempDirs();
const newClient = useHttpClients();
const toClient = (env: Readonly<Record<string, string>> = {}) =>
  newClient({ env, timeoutMs: 5000 });

describe.skipIf(!hasOpenssl)('#29 a certificate', () => {
  it.each([
    { name: 'self-signed', args: ['-addext', 'subjectAltName=IP:127.0.0.1'] },
    { name: 'for another host', args: ['-addext', 'subjectAltName=DNS:other.example'] },
  ])('that is $name is not trusted, for good, and the way on is named', async ({ args }) => {
    const tls = await selfSigned(await tempDir(), ...args);
    const server = await serve((_, reply) => reply.send(answer(200, 'secret')), { tls });
    await expect(readAll(toClient(), server.url)).rejects.toMatchObject({
      code: 'network',
      message: saying('not trusted'),
      facts: { permanent: true },
      next: expect.arrayContaining([
        expect.objectContaining({ kind: 'advice', text: saying('NODE_EXTRA_CA_CERTS') }),
      ]) as unknown,
    });
    expect(server.requests).toEqual([]);
  });
});

it('#30 a handshake that breaks off may be tried again', async () => {
  const server = await serve(() => undefined, { onConnection: (socket) => socket.end() });
  const url = server.url.replace('http:', 'https:');
  await expect(readAll(toClient(), url)).rejects.toMatchObject({
    code: 'network',
    facts: lacking({ permanent: true }),
  });
});

it('#30 plain HTTP where TLS is expected ends in `network`', async () => {
  const server = await serve(() => undefined, {
    onConnection: (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'),
  });
  const url = server.url.replace('http:', 'https:');
  await expect(readAll(toClient(), url)).rejects.toMatchObject({ code: 'network' });
});

/** A proxy as Squid is one: whole URLs for http, tunnels for https. */
async function honestProxy(request: RawRequest, reply: RawReply): Promise<void> {
  if (request.method !== 'CONNECT') {
    await reply.send(answer(200, `by proxy: ${request.path}`));
    return;
  }
  const port = Number(request.path.split(':')[1]);
  const upstream = connect(port, '127.0.0.1');
  upstream.on('error', () => reply.socket.destroy());
  await reply.send(head(200));
  reply.socket.pipe(upstream).pipe(reply.socket);
}

describe('#35 proxies of the environment', () => {
  it.each(['HTTP_PROXY', 'http_proxy'])('%s is asked for the whole address', async (name) => {
    const proxy = await serve(honestProxy);
    const url = 'http://far-away.invalid/a.zip?x=1';
    expect(await readAll(toClient({ [name]: proxy.url }), url)).toBe(`by proxy: ${url}`);
    expect(proxy.requests[0]?.headers['host']).toBe('far-away.invalid');
  });

  it('an address without a scheme will do', async () => {
    const proxy = await serve(honestProxy);
    const env = { HTTP_PROXY: `127.0.0.1:${proxy.port}` };
    expect(await readAll(toClient(env), 'http://far-away.invalid/')).toContain('by proxy');
  });

  it('user and password in it are sent to the proxy', async () => {
    const proxy = await serve(honestProxy);
    const env = { HTTP_PROXY: proxy.url.replace('//', '//me:pa%20ss@') };
    await readAll(toClient(env), 'http://far-away.invalid/');
    const basic = Buffer.from('me:pa ss').toString('base64');
    expect(proxy.requests[0]?.headers['proxy-authorization']).toBe(`Basic ${basic}`);
  });

  it.skipIf(!hasOpenssl)('HTTPS_PROXY is asked for a tunnel, and TLS goes through it', async () => {
    const tls = await selfSigned(await tempDir(), '-addext', 'subjectAltName=IP:127.0.0.1');
    const server = await serve((_, reply) => reply.send(answer(200, 'ok')), { tls });
    const proxy = await serve(honestProxy);
    // The certificate comes through the tunnel: that it is refused proves it.
    await expect(readAll(toClient({ HTTPS_PROXY: proxy.url }), server.url)).rejects.toMatchObject({
      message: saying('not trusted'),
    });
    expect(proxy.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      `CONNECT 127.0.0.1:${server.port}`,
    ]);
  });

  it.each(['127.0.0.1', '*', 'example.org, 127.0.0.1'])('NO_PROXY=%s goes past it', async (no) => {
    const server = await serve((_, reply) => reply.send(answer(200, 'direct')));
    const proxy = await serve(honestProxy);
    const env = { HTTP_PROXY: proxy.url, NO_PROXY: no };
    expect(await readAll(toClient(env), server.url)).toBe('direct');
    expect(proxy.requests).toEqual([]);
  });

  it('the real environment is not looked at', async () => {
    const server = await serve((_, reply) => reply.send(answer(200, 'direct')));
    const proxy = await serve(honestProxy);
    process.env['HTTP_PROXY'] = proxy.url;
    try {
      expect(await readAll(toClient(), server.url)).toBe('direct');
    } finally {
      delete process.env['HTTP_PROXY'];
    }
  });

  it.each(['http://', 'ftp://proxy.example', ':3128'])('%s is refused as wrong usage', (proxy) => {
    expect(() => toProxySettings({ HTTPS_PROXY: proxy })).toThrow(
      having({
        code: 'usage',
        next: expect.arrayContaining([
          expect.objectContaining({ kind: 'advice', text: saying('HTTPS_PROXY') }),
        ]) as unknown,
      }),
    );
  });

  it('a password in a wrong address is not shown', () => {
    expect(() => toProxySettings({ HTTPS_PROXY: 'ftp://me:hunter2@proxy.example' })).toThrow(
      having({ message: notSaying('hunter2') }),
    );
  });
});

describe('#36 a proxy that refuses', () => {
  it.each([
    { scheme: 'http', status: 407, permanent: true },
    { scheme: 'https', status: 407, permanent: true },
    { scheme: 'https', status: 403, permanent: true },
    { scheme: 'https', status: 502, permanent: false },
  ])('$scheme, $status: a clear error, permanent: $permanent', async (row) => {
    const proxy = await serve((_, reply) =>
      reply.send(answer(row.status, 'no', { 'Proxy-Authenticate': 'Basic' })),
    );
    const env = { HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url };
    const client = toClient(env);
    await expect(readAll(client, `${row.scheme}://far-away.invalid/`)).rejects.toMatchObject({
      code: 'network',
      message: saying('proxy'),
      facts: row.permanent ? { status: row.status, permanent: true } : lacking({ permanent: true }),
      next: expect.arrayContaining([
        expect.objectContaining({
          kind: 'advice',
          text: saying(`check ${row.scheme.toUpperCase()}_PROXY`),
        }),
      ]) as unknown,
    });
  });

  it('a proxy that is not there ends in `network`', async () => {
    const proxy = await serve(() => undefined);
    await proxy.close();
    const client = toClient({ HTTP_PROXY: proxy.url });
    await expect(readAll(client, 'http://far-away.invalid/')).rejects.toMatchObject({
      code: 'network',
    });
  });
});
