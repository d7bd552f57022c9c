import { describe, expect, it } from 'vitest';
import { CookieJar, toCookieHeader } from '../../src/http/cookies.ts';
import { readAll, useHttpClients } from '../support/http-clients.ts';
import { type RawRequest, answer, redirect, useRawServers } from '../support/raw-server.ts';

const serve = useRawServers();
const toClient = useHttpClients();
const NOW = Date.UTC(2026, 0, 1);

function sentTo(url: string, from: string, ...lines: readonly string[]): string {
  const jar = new CookieJar();
  jar.keep(new URL(from), lines, NOW);
  return toCookieHeader(undefined, jar.cookiesFor(new URL(url), NOW + 10_000)) ?? '';
}

describe('a cookie', () => {
  const from = 'https://a.example/x/y';

  it.each([
    { line: 'k=v', to: from, sent: 'k=v' },
    { line: 'k=v; Path=/', to: 'https://a.example/z', sent: 'k=v' },
    { line: 'k=v; Path=/', to: 'http://a.example:81/z', sent: 'k=v' },
    { line: 'k=a=b; path = /; HttpOnly; SameSite=Strict', to: from, sent: 'k=a=b' },
    { line: 'k=v', to: 'https://a.example/z', sent: '' },
    { line: 'k=v; Path=/x', to: 'https://a.example/xy', sent: '' },
    { line: 'k=v; Path=/; Secure', to: 'https://a.example/', sent: 'k=v' },
    { line: 'k=v; Path=/; Secure', to: 'http://a.example/', sent: '' },
    { line: 'k=v; Max-Age=20', to: from, sent: 'k=v' },
    { line: 'k=v; Max-Age=5', to: from, sent: '' },
    { line: 'k=v; Expires=Thu, 01 Jan 2026 00:01:00 GMT', to: from, sent: 'k=v' },
    { line: 'k=v; Expires=Thu, 01 Jan 2026 00:00:05 GMT', to: from, sent: '' },
    { line: 'k=v; Expires=soon', to: from, sent: 'k=v' },
    // Never to another host, whatever it says.
    { line: 'k=v; Path=/; Domain=.example', to: 'https://b.example/', sent: '' },
    { line: 'k=v; Path=/; Domain=a.example', to: 'https://www.a.example/', sent: '' },
    { line: 'k=v; Path=/; Domain=b.example', to: 'https://b.example/', sent: '' },
    { line: 'no cookie', to: from, sent: '' },
    { line: '=v', to: from, sent: '' },
    { line: 'k=a\u0001b', to: from, sent: '' },
    { line: `k=${'v'.repeat(5000)}`, to: from, sent: '' },
  ])('$line, to $to: "$sent"', ({ line, to, sent }) => {
    expect(sentTo(to, from, line)).toBe(sent);
  });

  it('is replaced, and deleted, by its host', () => {
    expect(sentTo(from, from, 'a=1', 'b=1', 'a=2')).toBe('a=2; b=1');
    expect(sentTo(from, from, 'a=1', 'b=1', 'a=; Max-Age=0')).toBe('b=1');
  });

  it('is one of so many at most, of so many hosts', () => {
    const jar = new CookieJar();
    for (let host = 0; host < 100; host += 1) {
      const lines = Array.from({ length: 100 }, (_, n) => `k${n}=v`);
      jar.keep(new URL(`https://h${host}.example/`), lines, NOW);
    }
    const counts = Array.from(
      { length: 100 },
      (_, host) => jar.cookiesFor(new URL(`https://h${host}.example/`), NOW).size,
    );
    expect(counts).toEqual([...Array<number>(50).fill(20), ...Array<number>(50).fill(0)]);
  });

  it('is new where its value is', () => {
    const jar = new CookieJar();
    const keep = (line: string) => jar.keep(new URL(from), [line], NOW);
    expect(['k=1', 'k=1', 'k=2', 'k=; Max-Age=0', 'none'].map(keep)).toEqual([
      true,
      false,
      true,
      false,
      false,
    ]);
  });

  it.each([
    { typed: undefined, set: {}, sent: undefined },
    { typed: 'a=1; b=2;', set: {}, sent: 'a=1; b=2' },
    { typed: 'a=1; b=2', set: { b: '3', c: '4' }, sent: 'a=1; b=3; c=4' },
  ])('goes along with what was typed ($typed): $sent', ({ typed, set, sent }) => {
    expect(toCookieHeader(typed, new Map(Object.entries(set)))).toBe(sent);
  });
});

const setting = (place: string, ...cookies: readonly string[]) =>
  redirect(place)
    .toString()
    .replace('\r\n', `\r\n${cookies.map((c) => `Set-Cookie: ${c}\r\n`).join('')}`);
const cookieOf = ({ headers }: RawRequest) => headers['cookie'];

describe('#193 a wall that sets a cookie', () => {
  it('and redirects to itself lets in who sends it back, for the rest of the run', async () => {
    const server = await serve((request, reply) =>
      reply.send(
        cookieOf(request) === 'a=1; b=2' ? answer(200, 'ok') : setting('/file', 'a=1', 'b=2'),
      ),
    );
    const client = toClient();
    expect(await readAll(client, `${server.url}/file`)).toBe('ok');
    expect(await readAll(client, `${server.url}/file`)).toBe('ok');
    expect(server.requests.map(cookieOf)).toEqual([undefined, 'a=1; b=2', 'a=1; b=2']);
  });

  it('and goes round by another place lets in as well', async () => {
    const server = await serve((request, reply) => {
      if (request.path === '/check') return reply.send(redirect('/file'));
      return reply.send(
        cookieOf(request) === undefined ? setting('/check', 'k=1') : answer(200, 'ok'),
      );
    });
    expect(await readAll(toClient(), `${server.url}/file`)).toBe('ok');
    expect(server.requests.map(({ path }) => path)).toEqual(['/file', '/check', '/file']);
  });

  it('again and again is a circle', async () => {
    const server = await serve((_, reply) => reply.send(setting('/file', 'k=1')));
    await expect(readAll(toClient(), `${server.url}/file`)).rejects.toThrow('in a circle');
    expect(server.requests).toHaveLength(2);
  });

  it('another one each time is one redirect too many', async () => {
    const server = await serve(({ index }, reply) => reply.send(setting('/file', `k=${index}`)));
    await expect(readAll(toClient(), `${server.url}/file`)).rejects.toThrow('more than 10');
    expect(server.requests).toHaveLength(11);
  });

  it('gets no cookie of another host, nor of another run', async () => {
    const server = await serve((request, reply) => {
      const other = `http://localhost:${request.headers['host']?.split(':')[1] ?? ''}/other`;
      return reply.send(
        request.path === '/other' ? answer(200, 'ok') : setting(other, 'k=1; Path=/'),
      );
    });
    await readAll(toClient(), server.url);
    await readAll(toClient(), server.url);
    expect(server.requests.map(cookieOf)).toEqual([undefined, undefined, undefined, undefined]);
  });
});
