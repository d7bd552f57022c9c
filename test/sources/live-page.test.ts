import { describe, expect, it } from 'vitest';
import { createStartLoader } from '../support/page-loaders.ts';
import { nextSaying, saying } from '../support/matchers.ts';
import { PAGE, fileOf, md5Of, openOne, useWebServers } from './support.ts';

const serve = useWebServers();

async function urlOf(source: string, name = 'ChestDx-1.zip') {
  const { opened } = await openOne(source);
  const location = await opened.locate(fileOf(name));
  return location?.kind === 'url' ? location.url : undefined;
}

describe('a page that shows another', () => {
  it.each([
    ['a refresh', '<meta http-equiv="refresh" content="0; url=/v2/t.html">'],
    ['a refresh in quotes', `<meta http-equiv=Refresh content="3;URL='/v2/t.html'">`],
    [
      'a refresh for readers without scripts',
      '<noscript><meta http-equiv=refresh content="0;url=/v2/t.html"></noscript>',
    ],
    ['an iframe', '<h1>CXR</h1><iframe src="v2/t.html"></iframe>'],
    [
      'a frameset',
      '<frameset cols="1,2"><frame src="/menu.html"><frame src="/v2/t.html"></frameset>',
    ],
    ['a frame in a frame', '<iframe src="/outer.html"></iframe>'],
  ])('is read with it: %s', async (_, page) => {
    const web = await serve({
      '/p.html': page,
      '/menu.html': '<a href="/">home</a>',
      '/outer.html': '<iframe src=v2/t.html></iframe>',
      '/v2/t.html': PAGE,
    });
    expect(await urlOf(`${web.url}p.html`)).toBe(`${web.url}v2/d?id=0`);
  });

  it('is read with all its frames, where each has a part of the table', async () => {
    const rowOf = (n: number) => `<table><tr><td>${md5Of(n)}<td><a href="f/${n}">x</a></table>`;
    const web = await serve({
      '/p.html': '<iframe src=1.html></iframe><iframe src=2.html></iframe>',
      '/1.html': rowOf(1),
      '/2.html': rowOf(2),
    });
    expect(await urlOf(`${web.url}p.html`, 'ChestDx-1.zip')).toBe(`${web.url}f/1`);
    expect(await urlOf(`${web.url}p.html`, 'ChestDx-2.zip')).toBe(`${web.url}f/2`);
  });

  it('is not followed in a circle, nor without end', async () => {
    const web = await serve({
      '/p.html': '<iframe src=/n0.html></iframe><iframe src=p.html></iframe>',
    });
    for (let n = 0; n < 30; n += 1) {
      web.pages[`/n${n}.html`] =
        `<iframe src=/n${n + 1}.html></iframe><iframe src=/p.html></iframe><iframe src=/n${n}.html>`;
    }
    const { opened } = await openOne(`${web.url}p.html`, { pagePolicy: { ...ONCE } });
    await expect(opened.locate(fileOf('ChestDx-1.zip'))).rejects.toMatchObject({ code: 'no-link' });
    expect(web.asked.length).toBeLessThanOrEqual(10);
    expect(new Set(web.asked).size).toBe(web.asked.length);
  });

  it('is not followed into the network of this machine', async () => {
    const asked: string[] = [];
    const { opened } = await openOne('https://h.test/p.html', {
      pagePolicy: { ...ONCE },
      loadPage: (url) => {
        asked.push(url);
        const text = '<iframe src="http://127.0.0.1:1/t.html"></iframe>';
        return Promise.resolve({ text, url, contentType: 'text/html' });
      },
    });
    await expect(opened.locate(fileOf('ChestDx-1.zip'))).rejects.toMatchObject({ code: 'no-link' });
    expect(asked).toEqual(['https://h.test/p.html']);
  });
});

const ONCE = {
  retries: 0,
  firstDelayMs: 1,
  maxDelayMs: 1,
  maxRetryAfterMs: 1,
  maxAttempts: 1,
};

describe('what comes once instead of a page', () => {
  it.each([
    ['an empty body', { body: '' }],
    ['a busy page', { body: '<title>Busy</title>' }],
    ['JSON', { body: '{"code":1}', headers: { 'content-type': 'application/json' } }],
    ['202', { status: 202 }],
    ['403', { status: 403 }],
    ['404', { status: 404 }],
    ['423', { status: 423 }],
    ['502', { status: 502 }],
    ['529', { status: 529 }],
    ['a limit told as JSON', { body: '{"code":429,"msg":"too many"}' }],
  ])('is gone the next time: %s', async (_, first) => {
    const web = await serve({ '/p.html': first });
    const { opened } = await openOne(`${web.url}p.html`, {
      clock: {
        nowMs: () => performance.now(),
        date: () => new Date(),
        random: () => 0.5,
        sleep: () => {
          web.pages['/p.html'] = PAGE;
          return Promise.resolve();
        },
      },
    });
    expect(await opened.locate(fileOf('ChestDx-1.zip'))).toBeDefined();
    expect(web.asked).toEqual(['/p.html', '/p.html']);
  });

  it('is told in its own words, where it says each time that it is a limit', async () => {
    const headers = { 'content-type': 'application/json' };
    const web = await serve({ '/p.html': { body: '{"code":429,"msg":"请稍后再试"}', headers } });
    const { opened, warnings } = await openOne(`${web.url}p.html`);
    await expect(opened.locate(fileOf('ChestDx-1.zip'))).rejects.toMatchObject({
      code: 'http-status',
      message: saying('请稍后再试'),
      facts: { status: 429, attempts: 3 },
    });
    expect(warnings()).toEqual([]);
  });
});

describe('a list of files as data', () => {
  const files = [{ name: 'ChestDx-1.zip', md5: md5Of(1), url: '/f/1' }];
  it.each(['/files.json', '/files', '/p.php'])('is a page: %s', async (path) => {
    const headers = { 'content-type': 'application/json' };
    const web = await serve({ [path]: { body: JSON.stringify({ files }), headers } });
    expect(await urlOf(web.url.replace(/\/$/, path))).toBe(`${web.url}f/1`);
  });
});

describe('a page with names, and no MD5', () => {
  const zip = { body: 'PK\x03\x04…', headers: { 'content-type': 'application/zip' } };
  const page = '<b onclick="get(\'ChestDx-1.zip\')">1</b><a href="get?f=Viral-2">2</a>';
  const options = { loadStart: createStartLoader() };

  it('is used, and that is said, where a link proves to lead to its file', async () => {
    const web = await serve({ '/p.html': page, '/get?f=Viral-2': zip });
    const { opened, warnings } = await openOne(`${web.url}p.html`, options);
    const url = `${web.url}get?f=Viral-2`;
    expect(await opened.locate(fileOf('Viral-2.zip'))).toEqual({ kind: 'url', url });
    expect(opened.kind).toBe('page');
    expect(warnings()).toEqual([saying('it names the files')]);
  });

  it('is not, where it does not', async () => {
    const web = await serve({ '/p.html': page, '/get?f=Viral-2': '<title>Log in</title>' });
    const { opened } = await openOne(`${web.url}p.html`, options);
    await expect(opened.locate(fileOf('Viral-2.zip'))).rejects.toMatchObject({ code: 'no-link' });
  });
});

describe('a wall in front of the page', () => {
  const challenge =
    '<!DOCTYPE html><title>Just a moment...</title><script>window._cf_chl_opt={}</script>';
  const aws = { 'x-amzn-waf-action': 'challenge' };
  it.each([
    ['#191 a page of Cloudflare', { body: challenge }, 'no-link', /Cloudflare/],
    ['#191 202 of AWS', { status: 202, headers: aws }, 'http-status', /202.*AWS WAF/],
    [
      '403 with a page of Cloudflare',
      { status: 403, body: challenge },
      'http-status',
      /Cloudflare/,
    ],
    [
      '503 with a page of Cloudflare',
      { status: 503, body: challenge },
      'http-status',
      /Cloudflare/,
    ],
    ['#191 511', { status: 511 }, 'http-status', /captive portal/],
    [
      'a script alone',
      { body: '<script>document.cookie="a=1";location.reload()</script>' },
      'no-link',
      /a script that has to run first/,
    ],
  ])('is named, with the ways on, and asked once: %s', async (_, page, code, why) => {
    const web = await serve({ '/p.html': page });
    const { opened } = await openOne(`${web.url}p.html`);
    await expect(opened.locate(fileOf('ChestDx-1.zip'))).rejects.toMatchObject({
      code,
      message: saying(why),
      next: nextSaying(/browser.*--source page\.html/s),
    });
    expect(web.asked).toEqual(['/p.html']);
  });

  it('is none, where the page has the links', async () => {
    const web = await serve({ '/p.html': `${challenge}${PAGE}` });
    expect(await urlOf(`${web.url}p.html`)).toBe(`${web.url}d?id=0`);
  });
});

describe('the page under a status that says that there is none', () => {
  it.each([403, 404, 500])('is read, as browsers show it: %i', async (status) => {
    const web = await serve({ '/p.html': { status, body: PAGE } });
    expect(await urlOf(`${web.url}p.html`)).toBe(`${web.url}d?id=0`);
    expect(web.asked).toEqual(['/p.html']);
  });

  it('is not taken for a page for some number in it', async () => {
    const body = `<p>Request ${'f'.repeat(32)} <a href=/>home</a>`;
    const web = await serve({ '/p.html': { status: 503, body } });
    const { opened } = await openOne(`${web.url}p.html`);
    await expect(opened.locate(fileOf('ChestDx-1.zip'))).rejects.toMatchObject({
      code: 'http-status',
      facts: { status: 503, attempts: 3 },
    });
  });
});
