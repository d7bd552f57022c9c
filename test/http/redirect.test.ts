import { describe, expect, it } from 'vitest';
import { isRedirect, MAX_REDIRECTS, nextHop } from '../../src/http/redirect.ts';
import { having, notSaying } from '../support/matchers.ts';

const from = 'https://data.example/files/a.zip';

describe('where a redirect leads', () => {
  it.each([
    { location: 'https://cdn.example/a.zip', to: 'https://cdn.example/a.zip' },
    { location: '/b.zip', to: 'https://data.example/b.zip' },
    { location: 'b.zip?x=1#frag', to: 'https://data.example/files/b.zip?x=1' },
    { location: '//cdn.example/a.zip', to: 'https://cdn.example/a.zip' },
    // A mirror over plain http is allowed: the MD5 decides.
    { location: 'http://cdn.example/a.zip', to: 'http://cdn.example/a.zip' },
    { location: ' /a b.zip ', to: 'https://data.example/a%20b.zip' },
    { location: '\\c.zip', to: 'https://data.example/c.zip' },
    { location: 'https://user:secret@cdn.example/a.zip', to: 'https://cdn.example/a.zip' },
  ])('$location: $to', ({ location, to }) => {
    expect(nextHop([from], location)).toBe(to);
  });

  it.each([
    { name: 'no address', location: undefined },
    { name: 'no address that can be read', location: 'http://[' },
    { name: '#27 a file', location: 'file:///etc/passwd' },
    { name: '#27 data', location: 'data:text/plain,hello' },
    { name: '#27 ftp', location: 'ftp://data.example/a.zip' },
    { name: '#27 this machine by name', location: 'http://localhost/a.zip' },
    { name: '#27 this machine by a name below', location: 'http://x.localhost:80/' },
    { name: '#27 this machine by address', location: 'http://127.0.0.1:8080/' },
    { name: '#27 this machine, as one number', location: 'http://2130706433/' },
    { name: '#27 this machine, in IPv6', location: 'http://[::1]/' },
    { name: '#27 this machine, IPv4 in IPv6', location: 'http://[::ffff:127.0.0.1]/' },
    { name: '#27 no machine', location: 'http://0.0.0.0/' },
    { name: "#27 a cloud's metadata", location: 'http://169.254.169.254/latest/meta-data' },
    { name: '#27 the own link', location: 'http://[fe80::1]/' },
    { name: '#24 itself', location: from },
  ])('is refused for good: $name', ({ location }) => {
    expect(() => nextHop([from], location)).toThrow(
      having({
        code: 'network',
        facts: having({ permanent: true }),
      }),
    );
  });

  it.each([
    // 名 in UTF-8 and in GBK, and both mixed with what is encoded already.
    { name: 'UTF-8', bytes: [0xe5, 0x90, 0x8d], to: '%E5%90%8D' },
    { name: 'GBK', bytes: [0xc3, 0xfb], to: '%C3%FB' },
  ])('#192 has raw bytes, $name, as they are', ({ bytes, to }) => {
    const raw = Buffer.from(bytes).toString('latin1');
    const base = 'https://data.example';
    expect(nextHop([from], `/%41${raw} 1.zip?f=${raw}#${raw}`)).toBe(
      `${base}/%41${to}%201.zip?f=${to}`,
    );
    expect(nextHop([from], `http://cdn.example/${raw}`)).toBe(`http://cdn.example/${to}`);
  });

  it('#192 has a host in UTF-8', () => {
    const host = Buffer.from('文件.example').toString('latin1');
    expect(nextHop([from], `http://${host}/a`)).toBe(new URL('http://文件.example/a').href);
  });

  it('#193 may lead back to where a cookie was set since', () => {
    expect(nextHop([from], from, [])).toBe(from);
  });

  it('may lead to another place in the own network from within', () => {
    expect(nextHop(['http://127.0.0.1:1/a'], 'http://127.0.0.1:2/a')).toBe('http://127.0.0.1:2/a');
  });

  it('#24 names a circle', () => {
    const hops = ['https://a.example/', 'https://b.example/'];
    expect(() => nextHop(hops, 'https://a.example/')).toThrow(
      'goes in a circle: https://a.example/ -> https://b.example/ -> https://a.example/',
    );
  });

  it('#23 is refused when there are too many', () => {
    const hops = Array.from({ length: MAX_REDIRECTS + 1 }, (_, n) => `https://a.example/${n}`);
    expect(nextHop(hops.slice(0, -1), 'https://a.example/x')).toBe('https://a.example/x');
    expect(() => nextHop(hops, 'https://a.example/x')).toThrow('more than 10');
  });

  it('never shows a secret in its message', () => {
    const place = 'https://user:hunter2@[bad/?sig=topsecret';
    expect(() => nextHop([from], place)).toThrow(having({ message: notSaying(/hunter2/) }));
  });
});

it.each([
  { status: 301, is: true },
  { status: 302, is: true },
  { status: 303, is: true },
  { status: 307, is: true },
  { status: 308, is: true },
  { status: 300, is: false },
  { status: 304, is: false },
])('$status is a redirect: $is', ({ status, is }) => {
  expect(isRedirect(status)).toBe(is);
});
