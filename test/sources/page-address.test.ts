import { describe, expect, it } from 'vitest';
import type { PageOrigin } from '../../src/sources/page-address.ts';
import { readPage } from '../../src/sources/page-read.ts';
import { md5Of, release } from './support.ts';

const LIVE: PageOrigin = { kind: 'live', url: 'https://h.test/data/page.html' };

/** A page with one file. */
const pageOf = (href: string, head = '') =>
  `${head}<table><tr><td>${md5Of(1)}<td><a href="${href}">download</a></table>`;

describe('addresses', () => {
  const at = async (href: string, head = '', origin: PageOrigin = LIVE) =>
    (await readPage(pageOf(href, head), release, origin)).urls.get('ChestDx-1.zip');
  const SAVED: PageOrigin = {
    kind: 'saved',
    fileName: 'CC CXRI.html',
    homepage: 'https://home.test/cxr/',
  };
  const savedFrom = '<!-- saved from url=(0030)https://was.test/data/page?x=1 -->';

  it.each([
    ['relative', 'd?id=1', '', 'https://h.test/data/d?id=1'],
    ['from the root', '/d/1', '', 'https://h.test/d/1'],
    ['without a scheme', '//cdn.test/1', '', 'https://cdn.test/1'],
    [
      'absolute, elsewhere, plain http',
      'http://other.test:81/1.zip',
      '',
      'http://other.test:81/1.zip',
    ],
    ['with white space around it', ' \n1.zip ', '', 'https://h.test/data/1.zip'],
    ['with entities', 'd?a=1&amp;b=2', '', 'https://h.test/data/d?a=1&b=2'],
    ['with userinfo, which is dropped', 'https://u:p@other.test/1', '', 'https://other.test/1'],
    ['with a fragment, which is dropped', '1.zip#top', '', 'https://h.test/data/1.zip'],
    ['with a base', '1', '<base href="/files/v2/">', 'https://h.test/files/v2/1'],
    ['with a base elsewhere', '1', '<base href="https://b.test/f/">', 'https://b.test/f/1'],
    [
      'with two bases: the first counts',
      '1',
      '<base href="/a/"><base href="/b/">',
      'https://h.test/a/1',
    ],
    ['with a base that is none', '1', '<base href="data:,x">', 'https://h.test/data/1'],
  ])('of a live page: %s', async (_, href, head, expected) => {
    expect(await at(href, head)).toBe(expected);
  });

  it.each([
    'javascript:get(1)',
    'mailto:a@b.test',
    '#1',
    '',
    'file:///etc/passwd',
    'data:text/plain,x',
    'ftp://h.test/1.zip',
    'blob:https://h.test/1',
    'page.html',
    'page.html#part',
    'http://[bad',
    'http://127.0.0.1:9/1.zip',
    'http://localhost/1.zip',
    'http://169.254.169.254/latest',
    'http://[::1]/1.zip',
  ])('that can not be followed from a page of the web: %s', async (href) => {
    expect(await at(href)).toBeUndefined();
  });

  it('may lead into this machine from a page that is on it', async () => {
    const here: PageOrigin = { kind: 'live', url: 'http://127.0.0.1:8080/' };
    expect(await at('http://localhost:9/1.zip', '', here)).toBe('http://localhost:9/1.zip');
  });

  it.each([
    ['absolute', 'https://h.test/1', '', 'https://h.test/1'],
    ['relative, with the comment of Chrome', '1', savedFrom, 'https://was.test/data/1'],
    [
      'relative, with the comment and the base of Chrome',
      '1',
      `${savedFrom}<base href=".">`,
      'https://was.test/data/1',
    ],
    ['relative, with a base', '1', '<base href="https://b.test/">', 'https://b.test/1'],
  ])('of a saved page: %s', async (_, href, head, expected) => {
    expect(await at(href, head, SAVED)).toBe(expected);
    const { isBaseGuessed } = await readPage(pageOf(href, head), release, SAVED);
    expect(isBaseGuessed).toBe(false);
  });

  it.each(['', '<!-- saved from url=(0014)about:internet -->', '<base href="file:///home/me/">'])(
    'of a saved page that does not say where it was are taken from the homepage, and that is said: %s',
    async (head) => {
      const html = pageOf('d/1', head);
      const reading = await readPage(html, release, SAVED);
      expect(reading.urls.get('ChestDx-1.zip')).toBe('https://home.test/cxr/d/1');
      expect(reading.isBaseGuessed).toBe(true);
    },
  );

  it.each(['./CC CXRI_files/1.zip', 'CC%20CXRI_files/1.zip', 'file:///home/me/1.zip'])(
    'of a saved page that are files beside it are none: %s',
    async (href) => {
      expect(await at(href, savedFrom, SAVED)).toBeUndefined();
    },
  );
});
