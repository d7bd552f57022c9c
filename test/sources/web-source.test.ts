import { describe, expect, it } from 'vitest';
import { openSources } from '../../src/sources/open-source.ts';
import { fastClock } from '../support/clock.ts';
import { saying, nextSaying } from '../support/matchers.ts';
import {
  PAGE,
  closedUrl,
  fileOf,
  manifestOf,
  md5Of,
  openOne as open,
  release,
  rowOf,
  sourceOptions,
  useWebServers,
} from './support.ts';

const serve = useWebServers();

async function urlOf(source: string, name = 'ChestDx-1.zip') {
  const { opened } = await open(source);
  const location = await opened.locate(fileOf(name));
  return { kind: opened.kind, url: location?.kind === 'url' ? location.url : undefined };
}

describe('a page', () => {
  it('is loaded at the first locate, once for all files', async () => {
    const web = await serve({ '/p': PAGE });
    const { opened } = await open(`${web.url}p`);
    expect(web.asked).toEqual([]);
    const found = await Promise.all(release.files.map((file) => opened.locate(file)));
    const expected = release.files.map((_, i) => ({ kind: 'url', url: `${web.url}d?id=${i}` }));
    expect(found).toEqual(expected);
    expect(web.asked).toEqual(['/p']);
    expect(opened).toMatchObject({ kind: 'page', name: `${web.url}p` });
  });

  it('is loaded once more for all files whose links have expired together', async () => {
    const web = await serve({ '/p': PAGE });
    const { opened } = await open(`${web.url}p`);
    await opened.locate(fileOf('ChestDx-1.zip'));
    const again = await Promise.all(release.files.map(async (file) => opened.locateAgain?.(file)));
    expect(again).toEqual(
      release.files.map((_, i) => ({ kind: 'url', url: `${web.url}d?id=${i}` })),
    );
    expect(web.asked).toEqual(['/p', '/p']);
    await opened.locateAgain?.(fileOf('ChestDx-1.zip'));
    expect(web.asked).toEqual(['/p', '/p', '/p']);
  });

  it.each(['', 'a/b/', 'a/b', 'p.html', 'x?page=1'])('may be at /%s', async (path) => {
    const web = await serve({ [`/${path}`]: PAGE });
    const url = new URL('d?id=0', web.url + path).href;
    expect(await urlOf(web.url + path)).toEqual({ kind: 'page', url });
  });

  it('gives links relative to where it was redirected to', async () => {
    const web = await serve({ '/v2/p': PAGE });
    web.pages['/p'] = { status: 302, headers: { location: '/v2/p' } };
    expect(await urlOf(`${web.url}p`)).toEqual({ kind: 'page', url: `${web.url}v2/d?id=0` });
  });

  it('is known by its text where its type says nothing', async () => {
    const web = await serve({ '/p': { body: PAGE, headers: { 'content-type': 'text/plain' } } });
    expect(await urlOf(`${web.url}p`)).toEqual({ kind: 'page', url: `${web.url}d?id=0` });
  });

  it('gets user and password of its URL, which no name and no location shows', async () => {
    const web = await serve({ '/p': PAGE });
    const source = `${web.url.replace('//', '//me:s3cret@')}p#x`;
    const { opened } = await open(source);
    const location = await opened.locate(fileOf('Viral-1.zip'));
    const basic = `Basic ${Buffer.from('me:s3cret').toString('base64')}`;
    expect(web.headers[0]).toMatchObject({ authorization: basic });
    expect(location).toEqual({ kind: 'url', url: `${web.url}d?id=4` });
    expect(opened.name).toBe(`${web.url}p`);
  });

  it('lacks a file that it lists by no MD5 and no name', async () => {
    const web = await serve({ '/p': `<table>${rowOf(fileOf('ChestDx-2.zip'), 1)}</table>` });
    const { opened } = await open(`${web.url}p`);
    expect(await opened.locate(fileOf('ChestDx-1.zip'))).toBeUndefined();
    expect(await opened.locate(fileOf('ChestDx-2.zip'))).toBeDefined();
  });

  it('says of an MD5 that two files share that nothing tells them apart', async () => {
    const { md5 } = fileOf('Viral-1.zip');
    const web = await serve({
      '/p': `<table>${`<tr><td>${md5}<td><a href=a>x</a>`.repeat(2)}</table>`,
    });
    const { opened } = await open(`${web.url}p`);
    await expect(opened.locate(fileOf('Viral-1.zip'))).rejects.toMatchObject({
      code: 'no-link',
      message: saying(/has the MD5 of Viral-1\.zip .* several files/),
      next: nextSaying('--source page.html'),
    });
    expect(await opened.locate(fileOf('ChestDx-1.zip'))).toBeUndefined();
  });

  it.each([
    ['no link', '<title>Busy</title><p>Come back later', /Busy.*without any link/],
    [
      'links, but no MD5',
      '<a href=/home>Home</a><a href=/login>Log in</a>',
      /2 links, but without any MD5.*login/,
    ],
    [
      'only links of scripts',
      `<table><tr><td>${md5Of(1)}<td><a href="javascript:0">x</a></table>`,
      /lists 1 file .* scripts/,
    ],
    [
      'MD5s, but no link',
      `<title>Index of /</title><p>${md5Of(1)}`,
      /lists 1 file .* no link at all/,
    ],
    ['MD5s of another release', `<p>${'e'.repeat(32)}<a href=/x>x</a>`, /none of Test-CXR 2\.0/],
    ['HTML without end', '<div>'.repeat(1000), /nested too deep/],
  ])(
    'with %s can not be used: the error of each file says why, with the next steps',
    async (_, html, why) => {
      const web = await serve({ '/': html, '/p.html': html });
      for (const path of ['', 'p.html']) {
        const { opened } = await open(web.url + path);
        for (const name of ['ChestDx-1.zip', 'Viral-1.zip']) {
          await expect(opened.locate(fileOf(name))).rejects.toMatchObject({
            code: 'no-link',
            message: saying(why),
            next: nextSaying(/--source page\.html \(save /),
          });
        }
      }
      // Three times each: a busy server may send it once.
      expect(web.asked.join(' ')).toBe('/ / / /p.html /p.html /p.html');
    },
  );

  it('that might be a base URL says how to say so', async () => {
    const web = await serve({ '/cxr': '<p>Welcome to our lab' });
    const { opened } = await open(`${web.url}cxr`);
    await expect(opened.locate(fileOf('ChestDx-1.zip'))).rejects.toMatchObject({
      next: nextSaying(`--source '${web.url}cxr/{name}'`),
    });
  });
});

describe('a base URL', () => {
  it.each([
    ['that forbids a listing', { status: 403 }],
    ['that has no listing', { status: 404 }],
    ['that wants a login', { status: 401 }],
    [
      'that answers with something else',
      { body: '{}', headers: { 'content-type': 'application/json' } },
    ],
    ['that answers with nothing', { body: '', headers: { 'content-type': 'text/plain' } }],
  ])('%s has files below it by name', async (_, page) => {
    const web = await serve({ '/cxr/': page, '/cxr': page });
    const expected = { kind: 'base-url', url: `${web.url}cxr/ChestDx-1.zip` };
    expect(await urlOf(`${web.url}cxr/`)).toEqual(expected);
    expect(await urlOf(`${web.url}cxr`)).toEqual(expected);
  });

  it('keeps its query, and hides it in its name', async () => {
    const web = await serve();
    const { opened } = await open(`${web.url}cxr?sig=abc`);
    expect(await opened.locate(fileOf('ChestDx-1.zip'))).toEqual({
      kind: 'url',
      url: `${web.url}cxr/ChestDx-1.zip?sig=abc`,
    });
    expect(opened.name).toBe(`${web.url}cxr?…`);
  });

  it('writes a name in a path as a path has it', async () => {
    const web = await serve();
    const file = { ...fileOf('ChestDx-1.zip'), name: 'a b+c.zip' };
    const { opened } = await open(web.url, { manifest: manifestOf([file]) });
    expect(await opened.locate(file)).toEqual({ kind: 'url', url: `${web.url}a%20b%2Bc.zip` });
  });

  it('with a listing takes the links of the listing, and what it does not show by name', async () => {
    const listing =
      '<title>Index of /cxr/</title><a href="../">../</a><a href="ChestDx-1.zip?raw=1">ChestDx-1..&gt;</a>';
    const web = await serve({ '/cxr/': listing });
    expect(await urlOf(`${web.url}cxr/`)).toEqual({
      kind: 'base-url',
      url: `${web.url}cxr/ChestDx-1.zip?raw=1`,
    });
    expect(await urlOf(`${web.url}cxr/`, 'ChestDx-2.zip')).toEqual({
      kind: 'base-url',
      url: `${web.url}cxr/ChestDx-2.zip`,
    });
  });

  it('may be another dataset directory', async () => {
    const web = await serve({
      '/': '<title>Index of /</title><a href="archives/">archives/</a><a href="labels/">labels/</a><a href="index.csv">index.csv</a>',
    });
    expect(await urlOf(web.url)).toEqual({
      kind: 'base-url',
      url: `${web.url}archives/ChestDx-1.zip`,
    });
    expect(await urlOf(web.url, 'chest_dx.csv')).toEqual({
      kind: 'base-url',
      url: `${web.url}labels/chest_dx.csv`,
    });
  });
});

describe('what can be only a page', () => {
  it.each([
    [
      'p.html',
      { status: 404 },
      /could not read http\S+p\.html: it answers with status 404/,
      'http-status',
      // To save a page that is gone does not help.
      'check its address',
    ],
    ['p.html', { status: 403 }, /status 403/, 'http-status', '--source page.html'],
    [
      'p.html',
      { body: 'PK', headers: { 'content-type': 'application/zip' } },
      /is no web page: it is application\/zip/,
      'no-link',
      '--source page.html',
    ],
    ['p.php', { status: 410 }, /status 410/, 'http-status', 'check its address'],
  ])('is no base URL: %s %j', async (path, page, why, code, advice) => {
    const web = await serve({ [`/${path}`]: page });
    const { opened } = await open(web.url + path);
    await expect(opened.locate(fileOf('ChestDx-1.zip'))).rejects.toMatchObject({
      code,
      message: saying(why),
      next: nextSaying(advice),
    });
    expect(opened.kind).toBe('page');
  });

  it('is the homepage, also when it is named', async () => {
    const web = await serve({ '/cxr/': { status: 404 } });
    const manifest = manifestOf(release.files, `${web.url}cxr/`);
    for (const sources of [[], [`${web.url}cxr`], [`${web.url}cxr/`]]) {
      const { options } = sourceOptions({ manifest });
      web.pages['/cxr'] = { status: 301, headers: { location: '/cxr/' } };
      const [opened] = await openSources(sources, options);
      await expect(opened?.locate(fileOf('ChestDx-1.zip'))).rejects.toMatchObject({
        code: 'http-status',
        message: saying(/could not read the page .*status 404/),
      });
    }
  });

  it('may name the files without MD5s', async () => {
    const web = await serve({ '/p.html': '<a href="d/ChestDx-1.zip">first</a>' });
    expect(await urlOf(`${web.url}p.html`)).toEqual({
      kind: 'page',
      url: `${web.url}d/ChestDx-1.zip`,
    });
  });
});

describe('a page that does not come', () => {
  it('by default, from the homepage: says what was tried, how often, and both next steps', async () => {
    const homepage = await closedUrl();
    const clock = fastClock();
    const { options } = sourceOptions({ manifest: manifestOf(release.files, homepage), clock });
    const [opened] = await openSources([], options);
    for (const name of ['ChestDx-1.zip', 'ChestDx-2.zip']) {
      await expect(opened?.locate(fileOf(name))).rejects.toMatchObject({
        code: 'network',
        message: `could not read the page ${homepage}: the connection was refused (ECONNREFUSED) (3 attempts)`,
        next: nextSaying(
          `add --source page.html (save ${homepage} in a browser), or add --source URL-or-directory to name a mirror`,
        ),
        facts: { source: homepage, url: homepage, attempts: 3 },
      });
    }
    expect(clock.sleeps.length).toBe(2);
  });

  it.each([
    [503, {}, 3],
    [500, {}, 3],
    [202, {}, 3],
    [429, {}, 3],
    [429, { 'retry-after': '60' }, 1],
    [407, {}, 1],
  ])('with status %i %j is no base URL', async (status, headers, attempts) => {
    const web = await serve({ '/': { status, headers } });
    const { opened } = await open(web.url);
    await expect(opened.locate(fileOf('ChestDx-1.zip'))).rejects.toMatchObject({
      code: 'http-status',
      message: saying(`status ${status}`),
      facts: { status, attempts },
    });
    expect(web.asked.length).toBe(attempts);
  });

  it('says how long a server asks to wait', async () => {
    const web = await serve({ '/': { status: 503, headers: { 'retry-after': '3600' } } });
    const { opened } = await open(web.url);
    const failing = opened.locate(fileOf('ChestDx-1.zip'));
    await expect(failing).rejects.toThrow('it asks to wait 1 h 00 min');
  });

  it('is requested again, and used once it responds', async () => {
    const web = await serve({ '/': { status: 503 } });
    const clock = fastClock();
    const sleep = (ms: number) => {
      web.pages['/'] = PAGE;
      return clock.sleep(ms);
    };
    const { opened } = await open(web.url, { clock: { ...clock, sleep } });
    expect(await opened.locate(fileOf('ChestDx-1.zip'))).toBeDefined();
    expect(web.asked).toEqual(['/', '/']);
  });

  it('keeps the next step of its failure', async () => {
    const web = await serve({ '/p.html': { status: 401 } });
    const { opened } = await open(`${web.url}p.html`);
    await expect(opened.locate(fileOf('ChestDx-1.zip'))).rejects.toMatchObject({
      next: nextSaying(
        /--header .* with the credentials it wants, or .*save http:\/\/127\.0\.0\.1/,
      ),
    });
  });

  it('ends on abort, while it waits and while it loads', async () => {
    const stop = new AbortController();
    const web = await serve({ '/': { status: 503 } });
    const clock = fastClock();
    const sleep = (ms: number, signal?: AbortSignal) => {
      stop.abort();
      return clock.sleep(ms, signal);
    };
    const { opened } = await open(web.url, { signal: stop.signal, clock: { ...clock, sleep } });
    const failing = opened.locate(fileOf('ChestDx-1.zip'), stop.signal);
    await expect(failing).rejects.toMatchObject({ code: 'aborted' });
    expect(web.asked).toEqual(['/']);
  });

  it('lets a bug pass as a bug', async () => {
    const loadPage = () => Promise.reject(new TypeError('a bug'));
    const { opened } = await open('http://h.test/', { loadPage });
    await expect(opened.locate(fileOf('ChestDx-1.zip'))).rejects.toThrow(TypeError);
  });
});
