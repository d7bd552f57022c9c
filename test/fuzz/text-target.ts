import assert from 'node:assert/strict';
import fc from 'fast-check';
import { quoteForShell, toPrintable, toPrintableLink, toPrintableUrl } from '../../src/text.ts';
import { toFuzz, type Fuzz } from './harness.ts';
import { isSafe } from './presentable.ts';

/** What acts in a terminal, turns text round, or breaks a line somewhere. */
const ACTING = [
  ...['\x1b[2J', '\x1b]8;;http://evil\x07x\x1b]8;;\x07', '\x1b]52;c;eA==\x07', '\x9b31m', '\r'],
  ...['\n', '\t', '\b', '\x7f', '\0', '\u0085', '\u2028', '\u2029', '\u202e', '\u2066', '\u2069'],
  ...['\u061c', '\u200e', '\u200f', '\u200b', '\ufeff', '\ufffe', '\ud83d', '\ude00', '😀'],
  ...['"', "'", '`', '$(x)', '\\', '%', '%0a', '%1b', ' ', '-', '--', '~', '!', '*', 'é', '下'],
];

const texts = fc.oneof(
  fc
    .array(fc.oneof(fc.constantFrom(...ACTING), fc.string({ unit: 'binary', maxLength: 6 })), {
      maxLength: 12,
    })
    .map((parts) => parts.join('')),
  fc.string({ unit: fc.nat(0xffff).map((code) => String.fromCharCode(code)), maxLength: 400 }),
  fc.nat(0x10ffff).map((code) => `a${String.fromCodePoint(code)}b`),
);

const SECRET = 'S3cr3t';
/** Where a secret stands in an address, well-formed or as people mistype it. */
const SECRET_PLACES: readonly ((host: string, path: string) => string)[] = [
  (host, path) => `https://user:${SECRET}@${host}/${path}`,
  (host, path) => `http://${SECRET}@${host}/${path}`,
  (host, path) => `http://user:a/${SECRET}@${host}/${path}`,
  (host, path) => `http://user:a#${SECRET}@${host}/${path}`,
  (host, path) => `http://user:a?${SECRET}@${host}/${path}`,
  (host, path) => `http://user:a@${SECRET}@${host}/${path}`,
  (host, path) => `http://user:a b${SECRET}@${host}/${path}`,
  (host, path) => `http://user:%zz${SECRET}@${host}:99999/${path}`,
  (host, path) => `//user:${SECRET}@${host}/${path}`,
  (host, path) => `user:${SECRET}@${host}/${path}`,
  (host, path) => `ftp://user:${SECRET}@${host}/${path}`,
  (host, path) => `https://${host}/${path}?X-Amz-Signature=${SECRET}`,
  (host, path) => `https://${host}/${path}?a=b&token=${SECRET}&c`,
  (host, path) => `https://${host}/${path}?${SECRET}`,
  (_, path) => `https://ho st/${path}?sig=${SECRET}`,
  (_, path) => `https://[/${path}?sig=${SECRET}`,
  (_, path) => `${path}?sig=${SECRET}`,
  (host, path) => `https://${host}/${path}#${SECRET}`,
];
/** Of these `toPrintableLink` shows the query: the name of the parameter says nothing. */
const ONLY_IN_URL = [13];

interface SecretUrl {
  readonly place: number;
  readonly url: string;
}

const hosts = fc.oneof(fc.constantFrom('h.test', '127.0.0.1', '[::1]', 'h.test:8080', ''), texts);
const secretUrls: fc.Arbitrary<SecretUrl> = fc
  .record({
    place: fc.nat(SECRET_PLACES.length - 1),
    host: hosts,
    // What would make it the value of another parameter.
    path: texts.map((text) => text.replace(/[?&=#]/g, '')),
  })
  .map(({ place, host, path }) => ({ place, url: SECRET_PLACES[place]?.(host, path) ?? '' }));

/** Foreign text on its way to a terminal. */
export const textTargets: readonly Fuzz[] = [
  toFuzz({
    parser: 'toPrintable',
    inputs: fc.record({ text: texts, most: fc.oneof(fc.constant(300), fc.nat(50)) }),
    build: (input) => input,
    codes: [],
    always: 'accepted',
    parse: ({ text, most }) => {
      const shown = toPrintable(text, most);
      assert(isSafe(shown), JSON.stringify(shown));
      assert(shown.length <= most * 6 + 1, `${shown.length} characters`);
      if (isSafe(text) && text.length <= most && toPrintable(text, most) === text) {
        assert.equal(toPrintable(shown, most), shown);
      }
      for (const url of [toPrintableUrl(text), toPrintableLink(text)]) assert(isSafe(url), url);
      assertShellWord(text);
      return true;
    },
  }),
  toFuzz({
    parser: 'secrets in addresses',
    inputs: secretUrls,
    build: (input) => input,
    codes: [],
    always: 'accepted',
    parse: ({ place, url }) => {
      assert(!toPrintableUrl(url).includes(SECRET), toPrintableUrl(url));
      if (!ONLY_IN_URL.includes(place)) {
        assert(!toPrintableLink(url).includes(SECRET), toPrintableLink(url));
      }
      return true;
    },
  }),
];

/** A word in a suggested command is one word, and the one that was meant. */
function assertShellWord(word: string): void {
  const quoted = quoteForShell(word);
  assert(isSafe(quoted), quoted);
  const shown = toPrintable(word, 4096);
  assert.equal(unquote(quoted), shown);
}

/** As a POSIX shell reads a word of single quotes, escaped quotes, and letters that mean nothing. */
function unquote(word: string): string {
  let value = '';
  for (const [part, quoted, escaped] of word.matchAll(/'([^']*)'|\\(.)|[\w@%+=:,./-]+|./gsu)) {
    assert(quoted !== undefined || escaped !== undefined || /^[\w@%+=:,./-]+$/.test(part), word);
    value += quoted ?? escaped ?? part;
  }
  return value;
}
