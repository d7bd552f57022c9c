import { expect, it } from 'vitest';
import { toJson } from '../../src/cli/report.ts';
import { parsePartState } from '../../src/download/part-state.ts';
import { CcxriError } from '../../src/errors.ts';
import { toProxySettings } from '../../src/http/proxy.ts';
import { createPageLoader } from '../support/page-loaders.ts';
import { nextHop } from '../../src/http/redirect.ts';
import { toPrintableLink, toPrintableUrl } from '../../src/text.ts';
import { useRawServers } from '../support/raw-server.ts';
import { runCli } from '../support/run-cli.ts';

const rawServer = useRawServers();

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
  const read = () => toProxySettings({ HTTPS_PROXY: 'http://user:pa#ssword@proxy:3128' });
  expect(read).toThrow('HTTPS_PROXY is no address of a proxy: http://proxy:3128');
});

it('a validator that one flipped bit has made unfit to be sent does not end every later run', () => {
  const state = {
    partVersion: 1,
    name: 'ChestDx-1.zip',
    md5: '0123456789abcdef0123456789abcdef',
    owner: null,
    url: 'https://h.test/ChestDx-1.zip',
    validator: '"abc"',
    totalBytes: 4000,
    durableBytes: 2000,
  };
  expect(parsePartState(JSON.stringify(state))).toMatchObject({ validator: '"abc"' });
  // What is no UTF-8 any more is read as U+FFFD.
  for (const validator of ['"ab\ufffd"', '"a\nb"', '"a\u0000"', '']) {
    expect(parsePartState(JSON.stringify({ ...state, validator }))).toBeUndefined();
  }
});

it('an answer whose status undici takes for impossible is a failure of the network', async () => {
  const { url } = await rawServer(async (_, reply) => {
    await reply.send('HTTP/1.1 012 Odd\r\nContent-Length: 0\r\n\r\n');
    reply.end();
  });
  const error: unknown = await createPageLoader()(`${url}/`).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(CcxriError);
  expect(error).toMatchObject({ code: 'network' });
});

it.each(['http://localhost./', 'http://a.localhost./x', 'http://127.0.0.1./'])(
  'a redirect to this machine is refused, with a dot at the end of its name as well: %s',
  (location) => {
    expect(() => nextHop(['https://h.test/'], location)).toThrow("this machine's own network");
  },
);

it('a path that acts in a terminal is shown, and does not act', async () => {
  const { code, stderr } = await runCli(['verify', 'a\x1b[2Jb\u009bc']);
  expect(code).toBe(5);
  expect(stderr).toContain('there is no dataset directory a\\x1b[2Jb\\x9bc\n');
});

it('JSON holds such text as escapes, which mean the same', () => {
  const value = { text: 'a\u009b2J\u202eb\u2028\x1bä\n' };
  const json = toJson(value, 2);
  expect(json).toBe('{\n  "text": "a\\u009b2J\\u202eb\\u2028\\u001bä\\n"\n}');
  expect(JSON.parse(json)).toEqual(value);
});
