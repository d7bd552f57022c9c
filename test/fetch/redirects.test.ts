import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { layoutOf } from '../../src/dataset/layout.ts';
import type { RunEvent } from '../../src/events.ts';
import { destIn, manifestOf, noise, run, sampleArchive } from '../support/fetching.ts';
import { having, nextSaying, saying } from '../support/matchers.ts';
import {
  type RawRequest,
  answer,
  brokenOff,
  fromByteOf,
  honest,
  part,
  redirect,
  useRawServers,
  whole,
} from '../support/raw-server.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const serve = useRawServers();
const a = sampleArchive('ChestDx-1.zip');
const manifest = manifestOf(a);
const HALF = 100_000;
const TOTAL = a.bytes.length;
const half = brokenOff(a.bytes, HALF);

describe('#40 a link that has its time', () => {
  it('is requested again, if it comes by a redirect, and resumed', async () => {
    let signature = 1;
    const server = await serve(async (request, reply) => {
      const [path, query] = request.path.split('?');
      if (path === `/${a.name}`) {
        await reply.send(redirect(`/signed?sig=${signature}`));
      } else if (query !== `sig=${signature}`) {
        await reply.send(answer(403, 'expired'));
      } else if (signature === 1) {
        signature = 2;
        await reply.send(half);
        reply.end();
      } else await reply.send(honest(a.bytes, request));
    });
    const dest = destIn(await tempDir());
    const ran = await run({ dest, manifest, sources: [`${server.url}/{name}`] });
    expect(ran.exit).toBe(0);
    expect(ran.result?.bytesDownloaded).toBe(TOTAL);
    expect(JSON.stringify(ran)).not.toContain('sig=');
  });

  it('is read again from the page that has it, once', async () => {
    let signature = 1;
    const server = await serve(async (request, reply) => {
      const page = `<table><tr><td>${String(a.file['md5'])}</td><td><a href="/f/${a.name}?sig=${signature}">download</a></td></tr></table>`;
      if (request.path === '/page.html') {
        await reply.send(answer(200, page, { 'Content-Type': 'text/html' }));
      } else if (!request.path.endsWith(`sig=${signature}`)) {
        await reply.send(answer(403, 'expired'));
      } else if (signature === 1) {
        signature = 2;
        await reply.send(half);
        reply.end();
      } else await reply.send(honest(a.bytes, request));
    });
    const dest = destIn(await tempDir());
    const ran = await run({ dest, manifest, sources: [`${server.url}/page.html`] });
    expect(ran.outcomes).toEqual(['downloaded']);
    expect(ran.result?.bytesDownloaded).toBe(TOTAL);
    expect(server.requests.filter(({ path }) => path === '/page.html')).toHaveLength(2);
  });

  it('that stays refused is given up, and what is here is kept', async () => {
    const dest = destIn(await tempDir());
    const server = await serve(async (request, reply) => {
      await reply.send(request.index === 0 ? half : answer(403, 'no'));
      if (request.index === 0) reply.end();
    });
    const ran = await run({ dest, manifest, sources: [`${server.url}/{name}`] });
    expect(ran.outcomes).toEqual(['http-status']);
    // The half, its rest, its rest from the page's address again, and the whole file.
    expect(server.requests).toHaveLength(4);
    expect(await readdir(layoutOf(dest).partial)).toHaveLength(2);
  });
});

const wrong = noise('another file', TOTAL);

it('#28 a redirect that leads to another file for a range: the mixture is found out', async () => {
  const server = await serve(async (request, reply) => {
    if (request.path === `/${a.name}`) {
      await reply.send(redirect(fromByteOf(request) === undefined ? '/right' : '/wrong'));
    } else if (request.path === '/wrong') {
      await reply.send(part(wrong, fromByteOf(request) ?? 0));
    } else if (request.index < 2) {
      await reply.send(half);
      reply.end();
    } else await reply.send(whole(a.bytes));
  });
  const dest = destIn(await tempDir());
  const ran = await run({ dest, manifest, sources: [`${server.url}/{name}`] });
  expect(ran.exit).toBe(0);
});

describe('#25 secrets', () => {
  const headers = { Authorization: 'Bearer hunter2', 'X-Api-Key': 'hunter2', Cookie: 'k=hunter2' };
  const sees = ({ headers: sent }: RawRequest) =>
    Object.values(sent).some((value) => value.includes('hunter2'));

  it('go to the source alone, not to where it leads, and not into any event', async () => {
    const other = await serve((request, reply) => reply.send(honest(a.bytes, request)));
    const server = await serve((_, reply) => reply.send(redirect(`${other.url}/x?sig=topsecret`)));
    const dest = destIn(await tempDir());
    const source = server.url.replace('//', '//me:hunter2@');
    const ran = await run({ dest, manifest, sources: [`${source}/{name}`], headers });
    expect(ran.exit).toBe(0);
    expect(server.requests.map(sees)).toEqual([true]);
    expect(other.requests.map(sees)).toEqual([false]);
    expect(JSON.stringify(ran)).not.toMatch(/hunter2|topsecret/);
  });

  it('go to the page, and to files on its origin, but not to a link that leads elsewhere', async () => {
    const b = sampleArchive('ChestDx-2.zip');
    const cdn = await serve((request, reply) => reply.send(honest(b.bytes, request)));
    const server = await serve((request, reply) => {
      const row = (md5: unknown, href: string) =>
        `<tr><td>${String(md5)}</td><td><a href="${href}">download</a></td></tr>`;
      const rows = `${row(a.file['md5'], '/a')}${row(b.file['md5'], `${cdn.url}/b`)}`;
      const page = answer(200, `<table>${rows}</table>`, { 'Content-Type': 'text/html' });
      return reply.send(request.path === '/a' ? honest(a.bytes, request) : page);
    });
    const dest = destIn(await tempDir());
    const sources = [`${server.url}/page.html`];
    const ran = await run({ dest, manifest: manifestOf(a, b), sources, headers });
    expect(ran.exit).toBe(0);
    expect(server.requests.map(sees)).toEqual([true, true]);
    expect(cdn.requests.map(sees)).toEqual([false]);
  });

  it('are in no error', async () => {
    const server = await serve((_, reply) => reply.send(answer(401, 'no')));
    const dest = destIn(await tempDir());
    const source = server.url.replace('//', '//me:hunter2@');
    const ran = await run({ dest, manifest, sources: [`${source}/{name}?sig=topsecret`], headers });
    expect(ran.outcomes).toEqual(['http-status']);
    const { error } = ran.result?.outcomes[0] ?? {};
    expect(JSON.stringify([ran, String(error), error?.facts, error?.next])).not.toMatch(
      /hunter2|topsecret/,
    );
  });
});

describe('a saved page whose links lead to a host that wants a header', () => {
  const headers = { Cookie: 'k=hunter2', 'User-Agent': 'Mozilla/5.0' };

  const serveCookie = () =>
    serve((request, reply) => {
      const isKnown = request.headers['cookie'] === headers.Cookie;
      return reply.send(isKnown ? honest(a.bytes, request) : answer(403, 'no'));
    });

  async function savedPage(url: string): Promise<string> {
    const path = join(await tempDir(), 'page.html');
    await writeFile(
      path,
      `<table><tr><td>${a.file['md5'] as string}</td><td><a href="${url}/x">x</a></td></tr></table>`,
    );
    return path;
  }

  const warnings = (events: readonly RunEvent[]) =>
    events.filter((event) => event.event === 'warning' && event.code === 'source');

  it('#197 gets what says who asks, and a warning names the option for the rest', async () => {
    const server = await serveCookie();
    const sources = [await savedPage(server.url)];
    const ran = await run({
      dest: destIn(await tempDir()),
      manifest,
      sources,
      headers,
      retries: 0,
    });
    expect(ran.outcomes).toEqual(['http-status']);
    expect(server.requests[0]?.headers).toMatchObject({ 'user-agent': 'Mozilla/5.0' });
    expect(server.requests.every(({ headers: sent }) => sent['cookie'] === undefined)).toBe(true);
    const { host } = new URL(server.url);
    expect(warnings(ran.events)).toEqual([
      having({
        message: `${host} does not get your --header (cookie): it is none of your sources`,
        next: nextSaying(`--header-host ${host} if it is meant`),
      }),
    ]);
  });

  it('#25 gets all of it once it is named, and where it redirects to gets nothing', async () => {
    const other = await serve((request, reply) => reply.send(honest(a.bytes, request)));
    const server = await serve((_, reply) => reply.send(redirect(`${other.url}/x`)));
    const sources = [await savedPage(server.url)];
    const headerHosts = [new URL(server.url).host];
    const dest = destIn(await tempDir());
    const ran = await run({ dest, manifest, sources, headers, headerHosts });
    expect(ran.exit).toBe(0);
    expect(warnings(ran.events)).toEqual([]);
    expect(server.requests[0]?.headers).toMatchObject({ cookie: 'k=hunter2' });
    expect(other.requests.map(({ headers: sent }) => [sent['cookie'], sent['user-agent']])).toEqual(
      [[undefined, 'Mozilla/5.0']],
    );
  });
});

describe('#190 a server that goes by the User-Agent', () => {
  const toBrowsers = () =>
    serve((request, reply) => {
      const name = request.headers['user-agent'] ?? '';
      if (name === '') {
        reply.reset();
        return undefined;
      }
      return reply.send(/^Mozilla/.test(name) ? honest(a.bytes, request) : answer(445, ''));
    });

  it('is named, with the header that gets the file', async () => {
    const server = await toBrowsers();
    const sources = [`${server.url}/{name}`];
    const userAgent = 'ccxri/1.2.3';
    const ran = await run({ dest: destIn(await tempDir()), manifest, sources, userAgent });
    expect(ran.exit).toBe(4);
    expect(ran.result?.outcomes[0]?.error).toMatchObject({
      message: saying('445 (it does not let this client in'),
      next: nextSaying("--header 'User-Agent: …'"),
    });
    expect(server.requests[0]?.headers['user-agent']).toBe(
      'ccxri/1.2.3 (+http://127.0.0.1:9/nobody-listens-here/)',
    );
  });

  it('serves who types that header', async () => {
    const server = await toBrowsers();
    const sources = [`${server.url}/{name}`];
    const headers = { 'User-Agent': 'Mozilla/5.0' };
    const ran = await run({ dest: destIn(await tempDir()), manifest, sources, headers });
    expect(ran.exit).toBe(0);
  });
});

it('#191 a challenge is asked once, and named', async () => {
  const challenge = { 'X-Amzn-Waf-Action': 'challenge' };
  const server = await serve((_, reply) => reply.send(answer(202, '', challenge)));
  const sources = [`${server.url}/{name}`];
  const ran = await run({ dest: destIn(await tempDir()), manifest, sources });
  expect(ran.exit).toBe(4);
  expect(ran.result?.outcomes[0]?.error?.message).toContain('a challenge of AWS WAF');
  expect(server.requests).toHaveLength(1);
});

it('#193 a wall that sets a cookie and redirects to itself is passed', async () => {
  const server = await serve((request, reply) => {
    const wall = answer(302, '', { Location: request.path, 'Set-Cookie': 'k=1; Path=/' });
    return reply.send(request.headers['cookie'] === 'k=1' ? honest(a.bytes, request) : wall);
  });
  const sources = [`${server.url}/{name}`];
  const ran = await run({ dest: destIn(await tempDir()), manifest, sources });
  expect(ran.exit).toBe(0);
  expect(server.requests).toHaveLength(2);
});
