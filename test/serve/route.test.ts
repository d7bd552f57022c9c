import { describe, expect, it } from 'vitest';
import { loadManifest } from '../../src/manifest/load.ts';
import { pathsOf, routeOf } from '../../src/serve/route.ts';

const { files } = await loadManifest();
const paths = pathsOf(files);
const ask = (url: string, more: Readonly<Record<string, unknown>> = {}, isLoopback = true) =>
  routeOf(
    { method: 'GET', url, headers: { host: '127.0.0.1:8080' }, httpVersion: '1.1', ...more },
    { files: paths, isLoopback },
  );

describe('routeOf', () => {
  it.each(['/', '/index.html', '/?x=1', 'http://127.0.0.1:8080', 'http://localhost/'])(
    'finds the page at %s',
    (url) => {
      expect(ask(url)).toEqual({ kind: 'page' });
    },
  );

  it.each([
    '/ChestDx-1.zip',
    '/archives/ChestDx-1.zip',
    '/ChestDx%2D1.zip?from=mail',
    'http://[::1]:8080/ChestDx-1.zip',
  ])('finds a file at %s', (url) => {
    expect(ask(url)).toMatchObject({ kind: 'file', file: { name: 'ChestDx-1.zip' } });
  });

  it.each([
    ['/chestdx-1.zip', 404],
    ['/labels/ChestDx-1.zip', 404],
    ['/archives', 404],
    ['/archives/', 404],
    ['/.ccxri/manifest.json', 404],
    ['/archives/../.ccxri/manifest.json', 404],
    ['/%2e%2e/%2e%2e/etc/passwd', 404],
    ['/..%2f..%2fetc/passwd', 404],
    ['//etc/passwd', 404],
    ['/ChestDx-1.zip%00', 404],
    ['/ChestDx-1.zip/', 404],
    ['/%E0%A4%A', 404],
    [`/${'a'.repeat(10_000)}`, 404],
    ['/__proto__', 404],
    ['*', 400],
    ['/#x', 400],
    ['file:///etc/passwd', 400],
    ['127.0.0.1:8080', 400],
    ['http:///ChestDx-1.zip', 421],
  ])('refuses %s with %i', (url, status) => {
    expect(ask(url)).toMatchObject({ kind: 'refused', status });
  });

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PROPFIND', 'TRACE', undefined])(
    'answers no %s',
    (method) => {
      expect(ask('/', { method })).toMatchObject({ kind: 'refused', status: 405 });
    },
  );

  it.each([
    ['localhost', 'page'],
    ['LOCALHOST:80', 'page'],
    ['lab.localhost', 'page'],
    ['[::1]', 'page'],
    ['192.168.1.2:9', 'page'],
    ['evil.example', 'refused'],
    ['127.0.0.1.evil.example', 'refused'],
    ['localhost.evil.example', 'refused'],
    ['notlocalhost', 'refused'],
    ['', 'refused'],
    ['\u202e', 'refused'],
  ])('on loopback, a request to the host "%s" is %s', (host, kind) => {
    expect(ask('/', { headers: { host } }).kind).toBe(kind);
    expect(ask('/', { headers: { host } }, false).kind).toBe('page');
  });

  it('takes the host of an absolute address before that of the header', () => {
    expect(ask('http://evil.example/').kind).toBe('refused');
    expect(ask('http://127.0.0.1/', { headers: { host: 'evil.example' } }).kind).toBe('page');
  });

  it('wants a host, but of HTTP/1.0', () => {
    expect(ask('/', { headers: {} })).toMatchObject({ status: 400 });
    expect(ask('/', { headers: {}, httpVersion: '1.0' }).kind).toBe('page');
  });
});
