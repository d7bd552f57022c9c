import { rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hasOpenssl, selfSigned } from '../support/certificate.ts';
import { ARCHIVE, LABELS, MANIFEST, runDiagnose, writeRelease } from '../support/doctor.ts';
import { freePort } from '../support/daemon.ts';
import { saying } from '../support/matchers.ts';
import { hasNginx, useNginx } from '../support/nginx.ts';
import {
  type RawRequest,
  answer,
  head,
  html,
  redirect,
  spanOf,
  useRawServers,
  whole,
} from '../support/raw-server.ts';
import { useTempDirs, writeTree } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const startNginx = useNginx();
const serve = useRawServers();

/** A server's root with the release in it, and a destination. */
async function places(): Promise<{ readonly root: string; readonly dest: string }> {
  const root = await tempDir();
  await writeRelease(root);
  return { root, dest: join(await tempDir(), 'set') };
}

const bodyOf = ({ path }: RawRequest) => (path.includes('.zip') ? ARCHIVE.bytes : LABELS.bytes);
const md5Of = (name: string) => MANIFEST.files.find((file) => file.name === name)?.md5 ?? '';

describe.skipIf(!hasNginx)('of nginx', () => {
  it('finds nothing wrong, and moves a few hundred KB', async () => {
    const { root, dest } = await places();
    const nginx = await startNginx({ root, autoindex: true });
    const found = await runDiagnose({ dest, sources: [`${nginx.url}/`] });
    expect([found.all('problem'), found.all('warning'), found.code]).toEqual([[], [], 0]);
    const network = found.rows.filter(({ part }) => part === 'network');
    expect(network.map(({ check }) => check)).toEqual([
      ...['names', 'connect', 'source', 'archive', 'labels', 'ranges', 'validator', 'wall'],
      ...['speed', 'clock'],
    ]);
    expect(found.row('ranges')?.seen).toContain('any range can be requested');
    expect(found.row('validator')?.seen).toBe('a strong ETag, accepted in If-Range');
    expect(found.row('speed')?.seen).toMatch(/with 1, .* with 4, .* with 8/);
    const requests = await nginx.requests();
    const bytes = requests.reduce((sum, request) => sum + request.bytes, 0);
    expect(bytes).toBeGreaterThan(13 * 32_768);
    expect(bytes).toBeLessThan(600_000);
    expect(requests.length).toBeLessThan(25);
  });

  it('says that ranges are off, and does not measure what takes whole files', async () => {
    const { root, dest } = await places();
    const nginx = await startNginx({ root, extra: 'max_ranges 0;' });
    const found = await runDiagnose({ dest, sources: [`${nginx.url}/{name}`] });
    expect([found.all('warning'), found.all('problem'), found.code]).toEqual([['ranges'], [], 0]);
    expect(found.row('ranges')?.seen).toContain('ranges are ignored');
    expect(found.row('speed')).toBeUndefined();
  });

  it('tells a weak validator', async () => {
    const { root, dest } = await places();
    const nginx = await startNginx({ root, extra: `etag off; add_header ETag 'W/"1"';` });
    const found = await runDiagnose({ dest, sources: [`${nginx.url}/{name}`] });
    expect([found.all('warning'), found.code]).toEqual([['validator'], 0]);
    expect(found.row('validator')?.seen).toContain('a weak ETag');
  });

  it('names a wall: 403 for programs', async () => {
    const { root, dest } = await places();
    const nginx = await startNginx({ root, extra: 'location ~ zip$ { return 403; }' });
    const found = await runDiagnose({ dest, sources: [`${nginx.url}/{name}`] });
    expect([found.all('problem'), found.code]).toEqual([['archive', 'wall'], 4]);
    expect(found.row('wall')).toMatchObject({
      seen: 'forbidden',
      next: [{ kind: 'option', option: 'header' }],
    });
  });

  it('reads a page, counts its links, and looks at the server that they lead to', async () => {
    const { root, dest } = await places();
    const files = await startNginx({ root });
    const link = `<a href="${files.url}/${ARCHIVE.name}">download</a>`;
    const row = `<tr><td>ChestDx</td><td>${md5Of(ARCHIVE.name)}</td><td>${link}</td></tr>`;
    const page = await tempDir();
    await writeTree(page, { 'data.html': `<html><table>${row}</table></html>` });
    const nginx = await startNginx({ root: page });
    const found = await runDiagnose({ dest, sources: [`${nginx.url}/data.html`] });
    expect([found.all('warning'), found.all('problem'), found.code]).toEqual([['source'], [], 0]);
    expect(found.row('source')).toMatchObject({
      seen: 'a page with the links of 1 of 2 files; not there: chest_dx.csv',
      next: [{ kind: 'option', option: 'source' }],
    });
    const connects = found.rows.filter(({ check }) => check === 'connect');
    expect(connects.map(({ seen }) => seen)).toEqual([
      saying('IPv4: 1 of 1 reached'),
      saying('127.0.0.1: IPv4: 1 of 1 reached'),
    ]);
    expect((await nginx.requests()).map(({ path }) => path)).toEqual(['/data.html']);
  });
});

describe('what keeps a fetch from working is a problem, with its code', () => {
  it('a connection that is refused', async () => {
    const { dest } = await places();
    const url = `http://127.0.0.1:${await freePort()}/{name}`;
    const found = await runDiagnose({ dest, sources: [url] });
    expect([found.all('problem'), found.code]).toEqual([['connect', 'archive', 'labels'], 4]);
    expect(found.row('connect')?.seen).toBe('IPv4: 0 of 1 reached (ECONNREFUSED)');
  });

  it('a host that nobody knows', async () => {
    const { dest } = await places();
    const found = await runDiagnose({ dest, sources: ['http://nobody.invalid/data.html'] });
    expect([found.all('problem'), found.code]).toEqual([['names'], 4]);
    expect(found.rows.map(({ check }) => check)).not.toContain('source');
    expect(found.row('names')?.seen).toMatch(/^nobody\.invalid: the host name/);
    expect(found.row('directory')?.status).toBe('ok');
  });

  it.skipIf(!hasOpenssl)('a certificate that nobody has signed', async () => {
    const { dest } = await places();
    const tls = await selfSigned(await tempDir(), '-addext', 'subjectAltName=IP:127.0.0.1');
    const server = await serve((request, reply) => reply.send(whole(bodyOf(request))), { tls });
    const found = await runDiagnose({ dest, sources: [`${server.url}/{name}`] });
    expect(found.all('problem')).toEqual(['certificate', 'archive', 'labels']);
    expect([found.row('connect')?.status, found.code]).toEqual(['ok', 4]);
    expect(found.row('certificate')).toMatchObject({
      seen: saying('not trusted (DEPTH_ZERO_SELF_SIGNED_CERT), issued by ccxri-test'),
      next: [{ text: saying('NODE_EXTRA_CA_CERTS') }],
    });
    expect(server.requests).toEqual([]);
  });

  it('a page without a link to any of the files, live or saved', async () => {
    const { root, dest } = await places();
    const server = await serve((_, reply) => reply.send(html('Welcome')));
    const live = await runDiagnose({ dest, sources: [`${server.url}/page.html`] });
    expect([live.all('problem'), live.code]).toEqual([['source'], 9]);
    await writeFile(join(root, 'page.html'), '<html><title>Welcome</title><p>Hello</p></html>');
    const saved = await runDiagnose({ dest, sources: [join(root, 'page.html')] });
    expect([saved.all('problem'), saved.code]).toEqual([['source'], 9]);
    expect(saved.row('source')?.seen).toContain('Welcome');
  });

  it('a page behind a challenge: what it is, and the ways on', async () => {
    const { dest } = await places();
    const page = '<html><title>Just a moment...</title><script>_cf_chl_opt={}</script></html>';
    const server = await serve((_, reply) =>
      reply.send(answer(403, page, { 'Content-Type': 'text/html' })),
    );
    const found = await runDiagnose({ dest, sources: [`${server.url}/page.html`] });
    expect([found.all('problem'), found.code]).toEqual([['source', 'wall'], 4]);
    expect(found.row('wall')?.seen).toContain('a challenge of Cloudflare');
    expect(server.requests.length).toBeLessThan(6);
  });

  it('a page in place of an archive', async () => {
    const { dest } = await places();
    const server = await serve((request, reply) =>
      reply.send(request.path.endsWith('.zip') ? html('log in') : whole(LABELS.bytes)),
    );
    const found = await runDiagnose({ dest, sources: [`${server.url}/{name}`] });
    expect([found.all('problem'), found.code]).toEqual([['archive'], 9]);
    expect(found.row('archive')?.seen).toMatch(/is a web page: .*log in/);
    expect(found.row('labels')?.status).toBe('ok');
  });

  it('an archive of another length, files that are missing', async () => {
    const { root, dest } = await places();
    await writeFile(join(root, ARCHIVE.name), ARCHIVE.bytes.subarray(0, 50_000));
    const short = await runDiagnose({ dest, sources: [root] });
    expect([short.all('problem'), short.code]).toEqual([['archive'], 9]);
    await rm(join(root, ARCHIVE.name));
    const missing = await runDiagnose({ dest, sources: [root] });
    expect([missing.all('warning'), missing.code]).toEqual([['source'], 0]);
    await rm(join(root, LABELS.name));
    const empty = await runDiagnose({ dest, sources: [root] });
    expect([empty.all('problem'), empty.code]).toEqual([['source'], 4]);
  });

  it('a proxy that refuses, with the variable that names it', async () => {
    const { dest } = await places();
    const proxy = await serve((_, reply) => reply.send(answer(403, 'not for you')));
    const env = { HTTP_PROXY: proxy.url.replace('http://', 'http://me:secret@') };
    const sources = ['http://files.invalid/{name}'];
    const found = await runDiagnose({ dest, sources, env });
    expect(found.row('proxy')?.seen).toBe(`${proxy.url} (HTTP_PROXY)`);
    expect(found.row('connect')?.status).toBe('ok');
    expect(found.all('problem')).toEqual(expect.arrayContaining(['archive', 'labels']));
    expect(found.code).toBe(4);
    expect(JSON.stringify(found.rows)).not.toContain('secret');
  });
});

it.skipIf(!hasOpenssl)('a certificate is seen through a proxy as well', async () => {
  const { dest } = await places();
  const tls = await selfSigned(await tempDir(), '-addext', 'subjectAltName=IP:127.0.0.1');
  const server = await serve((_, reply) => reply.send(answer(404, '')), { tls });
  const proxy = await serve(async (request, reply) => {
    const upstream = connect(Number(request.path.split(':')[1]), '127.0.0.1');
    upstream.on('error', () => reply.socket.destroy());
    await reply.send(head(200));
    reply.socket.pipe(upstream).pipe(reply.socket);
  });
  const env = { HTTPS_PROXY: proxy.url };
  const found = await runDiagnose({ dest, sources: [`${server.url}/{name}`], env });
  expect(found.row('connect')?.status).toBe('ok');
  expect(found.row('certificate')?.seen).toContain('not trusted (DEPTH_ZERO_SELF_SIGNED_CERT)');
  expect(found.code).toBe(4);
});

describe('a server that is odd, and serves the file', () => {
  it('refuses ranges alone', async () => {
    const { dest } = await places();
    const server = await serve((request, reply) =>
      reply.send(spanOf(request) === undefined ? whole(bodyOf(request)) : answer(403, 'no')),
    );
    const found = await runDiagnose({ dest, sources: [`${server.url}/{name}`] });
    expect([found.all('problem'), found.all('warning'), found.code]).toEqual([[], ['ranges'], 0]);
    expect(found.row('ranges')?.seen).toContain('refused (status 403)');
    expect(found.row('wall')?.status).toBe('ok');
  });

  it('takes one connection at a time: the measure ends there, and says so', async () => {
    const { dest } = await places();
    let active = 0;
    const server = await serve(async (request, reply) => {
      const [from = 0, to = 0] = spanOf(request) ?? [];
      active += 1;
      const isRefused = active > 1 && to - from > 30_000;
      await reply.wait(50);
      active -= 1;
      if (isRefused) return reply.send(answer(503, 'busy'));
      const body = bodyOf(request);
      const bytes = body.subarray(from, Math.min(to, body.length));
      return reply.send(
        answer(206, bytes, {
          ETag: '"v1"',
          'Content-Range': `bytes ${from}-${from + bytes.length - 1}/${body.length}`,
        }),
      );
    });
    const found = await runDiagnose({ dest, sources: [`${server.url}/{name}`] });
    expect([found.all('problem'), found.all('warning'), found.code]).toEqual([[], ['speed'], 0]);
    expect(found.row('speed')).toMatchObject({
      seen: saying('4 connections at once are refused'),
      next: [{ kind: 'option', option: 'connections', value: '1' }],
    });
  });

  it('has another clock than we', async () => {
    const { dest } = await places();
    const date = new Date(Date.now() - 2 * 60 * 60_000).toUTCString();
    const server = await serve((request, reply) =>
      reply.send(whole(bodyOf(request), { Date: date })),
    );
    const found = await runDiagnose({ dest, sources: [`${server.url}/{name}`] });
    expect(found.row('clock')?.seen).toMatch(/^our clock is 2 h 00 min ahead/);
  });
});

it('secrets are sent to the source alone, and shown nowhere', async () => {
  const { dest } = await places();
  const files = await serve((request, reply) => reply.send(whole(bodyOf(request))));
  const server = await serve((request, reply) =>
    reply.send(redirect(`${files.url.replace('127.0.0.1', 'localhost')}${request.path}`)),
  );
  const source = `${server.url.replace('://', '://me:secret1@')}/{name}?key=secret2`;
  const headers = { 'X-Key': 'secret3' };
  const found = await runDiagnose({ dest, sources: [source], headers });
  expect([found.all('problem'), found.code]).toEqual([[], 0]);
  expect(found.row('archive')?.seen).toMatch(/; redirected to localhost:\d+$/);
  expect(JSON.stringify(found.rows)).not.toContain('secret');
  expect(server.requests[0]?.headers).toMatchObject({
    authorization: `Basic ${Buffer.from('me:secret1').toString('base64')}`,
    'x-key': 'secret3',
  });
  for (const { headers: sent } of files.requests) {
    expect(Object.keys(sent)).not.toContain('authorization');
    expect(Object.keys(sent)).not.toContain('x-key');
  }
});

it('a server that says nothing hides nothing else, and the run ends', async () => {
  const { root, dest } = await places();
  const silent = await serve((_, reply) => reply.hang());
  const sources = [`${silent.url}/{name}`, root];
  const found = await runDiagnose({ dest, sources, deadlineMs: 1500, timeoutMs: 60_000 });
  expect(found.all('problem')).toEqual(['archive', 'labels']);
  expect(found.row('archive')?.seen).toMatch(/^no answer within/);
  const local = found.rows.filter(({ source }) => source === root);
  expect(local.map(({ status }) => status)).toEqual(['ok', 'ok', 'ok']);
  expect(found.row('lock')?.status).toBe('ok');
  expect(found.code).toBe(4);
});

it('a stop ends it at once, and closes every connection', async () => {
  const { dest } = await places();
  const stop = new AbortController();
  const silent = await serve((_, reply) => {
    stop.abort();
    return reply.hang();
  });
  const sources = [`${silent.url}/{name}`];
  await expect(runDiagnose({ dest, sources, signal: stop.signal })).rejects.toMatchObject({
    code: 'aborted',
  });
  await expect.poll(() => silent.connections().open).toBe(0);
});
