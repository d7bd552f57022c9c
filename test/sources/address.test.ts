import { describe, expect, it } from 'vitest';
import { parseAddress } from '../../src/sources/address.ts';

describe('parseAddress', () => {
  const path = (at: string, isPage = false) => ({ kind: 'path', path: at, isPage });
  const web = (url: string, isPage = false) => ({ kind: 'web', url, isPage });

  it.each([
    ['', path('')],
    ['data', path('data')],
    ['/data/cxr.html/', path('/data/cxr.html/')],
    ['./Page.HTML', path('./Page.HTML', true)],
    ['page.htm', path('page.htm', true)],
    ['page.xhtml', path('page.xhtml', true)],
    ['page.php', path('page.php')],
    ['page.mhtml', path('page.mhtml')],
    ['D:\\mirror', path('D:\\mirror')],
    ['localhost:8080/x', path('localhost:8080/x')],
    ['http:/h.test', path('http:/h.test')],
    ['/mirror/{name}', path('/mirror/{name}')],
  ])('a path: %s', (typed, expected) => {
    expect(parseAddress(typed)).toEqual(expected);
  });

  it.each([
    ['file:///data/c%20x', path('/data/c x')],
    ['FILE:///data/page.html', path('/data/page.html', true)],
    ['file://localhost/data', path('/data')],
  ])('a file URL: %s', (typed, expected) => {
    expect(parseAddress(typed)).toEqual(expected);
  });

  it.each([
    ['https://h.test', web('https://h.test/')],
    ['HTTP://H.test/cxr?sig=1#top', web('http://h.test/cxr?sig=1')],
    ['https://me:pw@h.test/cxr/', web('https://h.test/cxr/')],
    ['https://h.test/page.html?v=2', web('https://h.test/page.html?v=2', true)],
    ['https://h.test/get.PHP', web('https://h.test/get.PHP', true)],
    ['https://h.test/a.aspx', web('https://h.test/a.aspx', true)],
    ['https://h.test/?page=a.html', web('https://h.test/?page=a.html')],
    ['https://h.test/ChestDx-1.zip', web('https://h.test/ChestDx-1.zip')],
  ])('a page or a base URL: %s', (typed, expected) => {
    expect(parseAddress(typed)).toEqual(expected);
  });

  it.each(['https://me:pw@h.test/get?file={name}', 'http://h.test/{name}/{name}.html'])(
    'a URL with a place for the name: %s',
    (typed) => {
      expect(parseAddress(typed)).toEqual({ kind: 'template', url: typed, isPage: false });
    },
  );

  it.each(['ftp://h.test/', 's3://bucket/{name}', 'http://', 'https://[', 'file://server/share'])(
    'none: %s',
    (typed) => {
      expect(parseAddress(typed)).toMatchObject({ kind: 'invalid', isPage: false });
    },
  );
});
