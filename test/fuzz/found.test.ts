import { expect, it } from 'vitest';
import { toProxyOptions } from '../../src/net/proxy.ts';
import { toPrintableLink, toPrintableUrl } from '../../src/text.ts';

// What the mutated inputs have found, each by itself.

it.each([
  ['http://user:pa#ssword@proxy:3128', 'http://proxy:3128'],
  ['http://user:pa/ssword@proxy:3128', 'http://proxy:3128'],
  ['http://user:pa?ssword@proxy:3128', 'http://proxy:3128'],
  ['user:password@proxy/x', 'proxy/x'],
  ['https://ho st/x?sig=password', 'https://ho st/x?…'],
])('a password in an address that is none is not shown: %s', (typed, shown) => {
  expect(toPrintableUrl(typed)).toBe(shown);
  expect(toPrintableLink(typed)).toBe(shown);
});

it('nor in the error about a proxy', () => {
  const read = () => toProxyOptions({ HTTPS_PROXY: 'http://user:pa#ssword@proxy:3128' });
  expect(read).toThrow('HTTPS_PROXY is no address of a proxy: http://proxy:3128');
});
