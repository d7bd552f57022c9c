import { describe, expect, it } from 'vitest';
import { RequestHeaders, toUserAgent } from '../../src/http/request-headers.ts';
import { readAll, useHttpClients } from '../support/http-clients.ts';
import { answer, redirect, useRawServers } from '../support/raw-server.ts';

const serve = useRawServers();
const toClient = useHttpClients();

describe('#190 a name of its own', () => {
  it('is sent, with */* as what is accepted, on every hop', async () => {
    const server = await serve((request, reply) =>
      reply.send(request.path === '/a' ? redirect('/b') : answer(200, 'ok')),
    );
    const client = toClient({ userAgent: 'ccxri/1.2.3 (+https://data.example/)' });
    await readAll(client, `${server.url}/a`);
    const sent = { 'user-agent': 'ccxri/1.2.3 (+https://data.example/)', accept: '*/*' };
    expect(server.requests).toMatchObject([{ headers: sent }, { headers: sent }]);
  });

  it.each([
    ['https://data.example/x/', 'ccxri/1 (+https://data.example/x/)'],
    ['https://me:pw@data.example/x?key=1#y', 'ccxri/1 (+https://data.example/x)'],
    ['https://data.example/a(b)', 'ccxri/1 (+https://data.example/a%28b%29)'],
    ['https://data.example/名', 'ccxri/1 (+https://data.example/%E5%90%8D)'],
    ['', 'ccxri/1'],
  ])('has the homepage, safe to send: "%s"', (homepage, userAgent) => {
    expect(toUserAgent('ccxri/1', homepage)).toBe(userAgent);
  });

  it('is there without being given', async () => {
    const server = await serve((_, reply) => reply.send(answer(200, 'ok')));
    await readAll(toClient(), server.url);
    expect(server.requests[0]?.headers['user-agent']).toBe('ccxri');
  });
});

const TYPED = {
  'User-Agent': 'Mozilla/5.0',
  ACCEPT: 'application/zip',
  'Accept-Language': 'zh-CN',
  referer: 'https://data.example/',
  Authorization: 'Bearer hunter2',
  'X-Key': 'k',
};
const SECRETS = ['authorization', 'x-key'];
const OPEN = ['user-agent', 'accept', 'accept-language', 'referer'];

const namesFor = (url: string, headers: RequestHeaders) =>
  Object.entries(headers.headersFor({}, new Map(), headers.secretsFor(new URL(url))))
    .filter(([, value]) => Object.values<string>(TYPED).includes(value))
    .map(([name]) => name)
    .sort();

describe('headers that were typed', () => {
  const headers = new RequestHeaders({
    headers: TYPED,
    headerOrigins: ['https://data.example/page.html', './page.html'],
    headerHosts: ['Files.example', 'cdn.example:8443', '[::1]'],
  });

  it.each([
    ['https://data.example/x', true],
    ['http://data.example/x', false],
    ['https://data.example:444/x', false],
    ['https://www.data.example/x', false],
    ['https://files.example/x', true],
    ['http://files.example:81/x', true],
    ['https://cdn.example:8443/x', true],
    ['https://cdn.example/x', false],
    ['http://[::1]:8080/x', true],
    ['https://elsewhere.example/x', false],
  ])('go to %s, all of them: %s', (url, all) => {
    expect(namesFor(url, headers)).toEqual([...OPEN, ...(all ? SECRETS : [])].sort());
    expect(headers.withheldFrom(new URL(url))).toEqual(all ? [] : SECRETS);
  });

  it('give way to those of the request, but for those that every host gets', () => {
    const target = new URL('https://data.example/');
    const typed = { Range: 'bytes=1-', Accept: 'application/zip' };
    const own = { range: 'bytes=5-', accept: 'text/html' };
    const both = new RequestHeaders({ headers: typed, headerOrigins: [target.href] });
    const sent = both.headersFor(own, new Map(), both.secretsFor(target));
    expect(sent).toMatchObject({ range: 'bytes=5-', accept: 'application/zip' });
  });

  it('are sent as the bytes of their UTF-8', async () => {
    const server = await serve((_, reply) => reply.send(answer(200, 'ok')));
    await readAll(toClient({ headers: { Referer: 'https://a.example/名' } }), server.url);
    const sent = Buffer.from(server.requests[0]?.headers['referer'] ?? '', 'latin1');
    expect(sent.toString('utf8')).toBe('https://a.example/名');
  });

  it('#197 go along with a redirect where they say who asks, and stay behind where they are secret', async () => {
    const other = await serve((_, reply) => reply.send(answer(200, 'ok')));
    const server = await serve((_, reply) => reply.send(redirect(`${other.url}/x`)));
    const client = toClient({ headers: TYPED, headerOrigins: [server.url] });
    await readAll(client, server.url);
    const received = [...server.requests, ...other.requests].map(({ headers: sent }) =>
      [...OPEN, ...SECRETS].filter((name) =>
        Object.values<string>(TYPED).includes(sent[name] ?? ''),
      ),
    );
    expect(received).toEqual([[...OPEN, ...SECRETS], OPEN]);
  });

  it('are reported once for each host that a request leads to and that does not get them', async () => {
    const other = await serve((_, reply) => reply.send(answer(200, 'ok')));
    const server = await serve((_, reply) => reply.send(redirect(`${other.url}/x`)));
    const withheld: unknown[] = [];
    const onWithheld = (...args: unknown[]) => withheld.push(args);
    const client = toClient({ headers: TYPED, headerOrigins: [server.url], onWithheld });
    await readAll(client, server.url);
    expect(withheld).toEqual([]);
    await readAll(client, other.url);
    await readAll(client, `${other.url}/again`);
    expect(withheld).toEqual([[new URL(other.url).host, SECRETS]]);
  });
});
