import { describe, expect, it } from 'vitest';
import { createStartLoader } from '../support/page-loaders.ts';
import { basesNear } from '../../src/sources/by-name.ts';
import { saying } from '../support/matchers.ts';
import { fileOf, openOne, useWebServers } from './support.ts';

const serve = useWebServers();
const loadStart = createStartLoader();

const ZIP = { body: 'PK\x03\x04 and more', headers: { 'content-type': 'application/zip' } };
const SCRIPTS = '<!doctype html><title>CXR</title><div id=app></div><script src=app.js></script>';
const LOGIN = '<!doctype html><title>Log in</title><form><input name=user></form>';

describe('basesNear', () => {
  it.each([
    [['https://h.test/cxr/'], ['https://h.test/cxr/']],
    [['https://h.test/a/cxr?x=1#y'], ['https://h.test/a/cxr/', 'https://h.test/a/']],
    [['https://h.test/a/p.html'], ['https://h.test/a/']],
    [['https://h.test/p.jsp?id=1'], ['https://h.test/']],
    [['https://u:p@h.test'], ['https://h.test/']],
    [
      ['https://h.test/p.html', 'https://h.test/v2/p.html', 'https://cdn.test/d/'],
      ['https://h.test/', 'https://h.test/v2/', 'https://cdn.test/d/'],
    ],
  ])('%j', (urls, bases) => {
    expect(basesNear(urls)).toEqual(bases);
  });
});

describe('a page without links', () => {
  it.each([
    ['beside a page of scripts', 'p.html', SCRIPTS, '/ChestDx-1.zip'],
    ['under a page of scripts', 'cxr', SCRIPTS, '/cxr/ChestDx-1.zip'],
    ['beside what is no page', 'a/p.php', '{}', '/a/ChestDx-1.zip'],
    ['where the page says its base is', 'p.html', `<base href=/d/>${SCRIPTS}`, '/d/ChestDx-1.zip'],
  ])('has files by name all the same, and says so: %s', async (_, path, page, at) => {
    const web = await serve({ [`/${path}`]: page, [at]: ZIP });
    const { opened, warnings } = await openOne(web.url + path, { loadStart });
    const base = new URL(at, web.url).href.replace('ChestDx-1.zip', '');
    for (const name of ['ChestDx-1.zip', 'Viral-2.zip', 'chest_dx.csv']) {
      expect(await opened.locate(fileOf(name))).toEqual({ kind: 'url', url: base + name });
    }
    expect(opened.kind).toBe('base-url');
    expect(warnings()).toEqual([
      saying(`${base} has ChestDx-1.zip: files are taken by name from there`),
    ]);
  });

  it('has label files by name, too', async () => {
    const csv = { body: 'image,zip,Mass\r\nx,', headers: { 'content-type': 'text/csv' } };
    const web = await serve({ '/p.html': SCRIPTS, '/chest_dx.csv': csv });
    const { opened } = await openOne(`${web.url}p.html`, { loadStart });
    const url = `${web.url}chest_dx.csv`;
    expect(await opened.locate(fileOf('chest_dx.csv'))).toEqual({ kind: 'url', url });
  });

  it.each([
    ['a login for everything', LOGIN],
    ['JSON for everything', { body: '{"code":1,"msg":"no, x"}' }],
    ['an empty body for everything', ''],
  ])('has none where the server sends %s', async (_, page) => {
    const web = await serve({ '/p.html': page, '/ChestDx-1.zip': page, '/chest_dx.csv': page });
    for (const name of ['ChestDx-1.zip', 'chest_dx.csv']) {
      const { opened, warnings } = await openOne(`${web.url}p.html`, { loadStart });
      await expect(opened.locate(fileOf(name))).rejects.toMatchObject({ code: 'no-link' });
      expect(warnings()).toEqual([]);
    }
  });

  it('that comes once is not the reason to look for files by name', async () => {
    const web = await serve({ '/p.html': SCRIPTS, '/ChestDx-1.zip': ZIP });
    const { opened } = await openOne(`${web.url}p.html`, {
      loadStart,
      loadPage: (url) => {
        const text = web.asked.length === 0 ? SCRIPTS : '<a href=/d/ChestDx-1.zip>x</a>';
        web.asked.push(url);
        return Promise.resolve({ text, url, contentType: 'text/html' });
      },
    });
    const url = `${web.url}d/ChestDx-1.zip`;
    expect(await opened.locate(fileOf('ChestDx-1.zip'))).toEqual({ kind: 'url', url });
  });
});

describe('a directory without a listing', () => {
  it('is not asked for twice where it has the file', async () => {
    const web = await serve({ '/cxr/': { status: 403 }, '/cxr/ChestDx-1.zip': ZIP });
    const { opened, warnings } = await openOne(`${web.url}cxr/`, { loadStart });
    const url = `${web.url}cxr/ChestDx-1.zip`;
    expect(await opened.locate(fileOf('ChestDx-1.zip'))).toEqual({ kind: 'url', url });
    expect(web.asked).toEqual(['/cxr/', '/cxr/ChestDx-1.zip']);
    expect(warnings()).toEqual([]);
  });

  it('is taken for one also where it lacks the file', async () => {
    const web = await serve();
    const { opened } = await openOne(`${web.url}cxr/`, { loadStart });
    const url = `${web.url}cxr/ChestDx-1.zip`;
    expect(await opened.locate(fileOf('ChestDx-1.zip'))).toEqual({ kind: 'url', url });
  });
});
