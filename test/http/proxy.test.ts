import { describe, expect, it } from 'vitest';
import { CcxriError } from '../../src/errors.ts';
import { proxyFor, toProxySettings, withProxy } from '../../src/http/proxy.ts';
import { having, saying } from '../support/matchers.ts';

/** What the environment has for a URL, as `variable kind host:port`. */
function chosen(url: string, env: Readonly<Record<string, string>>): string | undefined {
  const proxy = proxyFor(new URL(url), toProxySettings(env));
  return proxy && `${proxy.variable} ${proxy.kind} ${proxy.host}:${proxy.port}`;
}

describe('#35 which variable counts, as with curl', () => {
  const all = { HTTP_PROXY: 'h:1', HTTPS_PROXY: 's:2', ALL_PROXY: 'a:3' };
  it.each([
    { url: 'http://x.example/', env: all, proxy: 'HTTP_PROXY http h:1' },
    { url: 'https://x.example/', env: all, proxy: 'HTTPS_PROXY http s:2' },
    { url: 'http://x.example/', env: { ALL_PROXY: 'a:3' }, proxy: 'ALL_PROXY http a:3' },
    { url: 'https://x.example/', env: { all_proxy: 'a:3' }, proxy: 'all_proxy http a:3' },
    { url: 'https://x.example/', env: { HTTP_PROXY: 'h:1' }, proxy: undefined },
    { url: 'http://x.example/', env: { ...all, http_proxy: 'l:4' }, proxy: 'http_proxy http l:4' },
    { url: 'http://x.example/', env: { ...all, http_proxy: ' ' }, proxy: 'HTTP_PROXY http h:1' },
    { url: 'http://x.example/', env: {}, proxy: undefined },
  ])('$url, $env: $proxy', ({ url, env, proxy }) => {
    expect(chosen(url, env)).toBe(proxy);
  });
});

describe('#35 the address of a proxy', () => {
  it.each([
    ['proxy.example', 'http proxy.example:80'],
    ['http://proxy.example:3128/', 'http proxy.example:3128'],
    ['https://proxy.example', 'https proxy.example:443'],
    ['socks5://127.0.0.1', 'socks 127.0.0.1:1080'],
    ['socks5h://127.0.0.1:7891/', 'socks 127.0.0.1:7891'],
    ['SOCKS5H://127.0.0.1:7891/', 'socks 127.0.0.1:7891'],
    ['socks://[::1]:7891', 'socks ::1:7891'],
    ['http://[::1]:8080', 'http ::1:8080'],
  ])('%s: %s', (value, proxy) => {
    expect(chosen('https://x.example/', { ALL_PROXY: value })).toBe(`ALL_PROXY ${proxy}`);
  });

  it('has a user and password, decoded, which are not shown', () => {
    const { https: proxy } = toProxySettings({ https_proxy: 'socks5h://me:p%40ss@127.0.0.1:1' });
    expect(proxy).toMatchObject({ user: 'me', password: 'p@ss', shown: 'socks5h://127.0.0.1:1' });
  });

  it.each([
    ['socks4://127.0.0.1:1080', 'of a kind'],
    ['ftp://127.0.0.1', 'of a kind'],
    ['socks5://', 'no address'],
    ['http://:3128', 'no address'],
    ['http://127.0.0.1:99999', 'no address'],
    ['http//127.0.0.1:3128', 'no address'],
  ])('%s is refused, with the variable that has it', (value, said) => {
    expect(() => toProxySettings({ all_proxy: value })).toThrow(
      having({
        code: 'usage',
        message: saying(
          `all_proxy ${said === 'of a kind' ? 'names a proxy of a kind' : 'is no address'}`,
        ),
      }),
    );
  });

  it('one that counts for nothing is not looked at', () => {
    const env = { HTTP_PROXY: 'h:1', HTTPS_PROXY: 's:2', ALL_PROXY: 'gopher://x' };
    expect(() => toProxySettings(env)).not.toThrow();
  });
});

describe('#35 NO_PROXY', () => {
  it.each([
    ['*', 'http://x.example/', true],
    ['a.example, *', 'http://x.example/', true],
    ['x.example', 'http://x.example/', true],
    ['X.Example', 'http://x.example/', true],
    ['x.example', 'http://www.x.example/', true],
    ['x.example', 'http://box.example/', false],
    ['.x.example', 'http://x.example/', true],
    ['.x.example', 'http://www.x.example/', true],
    ['*.x.example', 'http://www.x.example/', true],
    ['x.example.', 'http://x.example/', true],
    ['x.example', 'http://x.example./', true],
    ['x.example:8080', 'http://x.example:8080/', true],
    ['x.example:8080', 'http://x.example/', false],
    ['x.example:443', 'https://x.example/', true],
    ['127.0.0.1', 'http://127.0.0.1:5000/', true],
    ['127.0.0.1', 'http://127.0.0.2/', false],
    ['127.0.0.1', 'http://1.127.0.0.1.example/', false],
    ['0.0.1', 'http://127.0.0.1/', false],
    ['127.0.0.1:80', 'http://127.0.0.1/', true],
    ['127.0.0.1:80', 'http://127.0.0.1:81/', false],
    ['127.0.0.0/8', 'http://127.3.4.5/', true],
    ['127.0.0.0/8', 'http://128.0.0.1/', false],
    ['10.1.2.3/8', 'http://10.200.0.1/', true],
    ['192.168.0.0/16,10.0.0.0/8', 'http://10.0.0.1/', true],
    ['192.168.0.0/16 10.0.0.0/8', 'http://10.0.0.1/', true],
    ['0.0.0.0/0', 'http://8.8.8.8/', true],
    ['0.0.0.0/0', 'http://x.example/', false],
    ['127.0.0.0/33', 'http://127.0.0.1/', false],
    ['127.0.0/8', 'http://127.0.0.1/', false],
    ['::1', 'http://[::1]:80/', true],
    ['[::1]', 'http://[::1]/', true],
    ['[::1]:8080', 'http://[::1]:8080/', true],
    ['[::1]:8080', 'http://[::1]/', false],
    ['::1/128', 'http://[::1]/', true],
    ['[fd00::]/8', 'http://[fd12:3456::1]/', true],
    ['fd00::/8', 'http://[fe80::1]/', false],
    ['0:0:0:0:0:0:0:1', 'http://[::1]/', true],
    ['', 'http://x.example/', false],
    [' , ', 'http://x.example/', false],
    ['.', 'http://x.example/', false],
  ])('%s: %s goes past the proxy: %s', (noProxy, url, isPast) => {
    const proxies = { HTTP_PROXY: 'h:1', HTTPS_PROXY: 's:2' };
    expect(chosen(url, { ...proxies, NO_PROXY: noProxy }) === undefined).toBe(isPast);
    expect(chosen(url, { ...proxies, no_proxy: noProxy, NO_PROXY: '' }) === undefined).toBe(isPast);
  });
});

describe('an error behind a proxy', () => {
  const { http: proxy } = toProxySettings({ HTTP_PROXY: 'http://me:secret@p.example:1' });
  const named = 'through the proxy http://p.example:1 (HTTP_PROXY)';
  it.each([
    { code: 'network', message: 'cut', said: `cut, ${named}` },
    { code: 'stalled', message: 'silent', said: `silent, ${named}` },
    { code: 'network', message: 'http://p.example:1 refuses', said: 'http://p.example:1 refuses' },
  ] as const)('of the network names it once: $message', ({ code, message, said }) => {
    const cause = new Error();
    const error = withProxy(new CcxriError(code, message, { cause }), proxy);
    expect(error).toMatchObject({ code, message: said, cause });
    expect(error).toMatchObject({ facts: { proxy: 'http://p.example:1' } });
  });

  it('is left as it is where the proxy is not to blame, or there is none', () => {
    const aborted = new CcxriError('aborted', 'stopped');
    expect(withProxy(aborted, proxy)).toBe(aborted);
    const network = new CcxriError('network', 'cut');
    expect(withProxy(network, undefined)).toBe(network);
  });
});
