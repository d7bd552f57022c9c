import assert from 'node:assert/strict';
import fc from 'fast-check';
import { isInside } from '../../src/http/redirect.ts';
import { renderPage } from '../../scripts/release/render-page.ts';
import type { PageOrigin } from '../../src/sources/page-address.ts';
import { readPage, type PageReading } from '../../src/sources/page-read.ts';
import { md5Of, PAGE, release, rowOf, SHARED_MD5 } from '../sources/support.ts';
import { buildEdited, editedBytes } from './edit-bytes.ts';
import { toFuzz, type Fuzz } from './harness.ts';
import { builtPages, renderBuilt } from './page-shapes.ts';

const ORIGINS: readonly PageOrigin[] = [
  { kind: 'live', url: 'https://h.test/data/page.html' },
  { kind: 'live', url: 'http://127.0.0.1:8080/index.html' },
  { kind: 'saved', fileName: 'page.html', homepage: 'https://x.test/cxr/' },
];

const BASES: readonly Buffer[] = [
  PAGE,
  renderPage(release),
  `<!-- saved from url=(0019)https://h.test/data/ --><base href="b/">${PAGE}`,
  `<pre>${release.files.map(({ name, md5 }) => `<a href="${name}">${name}</a>  ${md5}\n`).join('')}</pre>`,
  `<title>Index of /data</title><a href="../">..</a><a href="archives/">archives/</a><a href="labels/">labels/</a>`,
  `<ul>${release.files.map(({ size, md5 }, i) => `<li>${size} ${md5} <a href="d?id=${i}">get</a>`).join('')}</ul>`,
].map((html) => Buffer.from(html));

const TOKENS = [
  ...['<', '>', '</', '<!--', '-->', '<![CDATA[', ']]>', '<?xml', '&', '&#0;', '&#x202e;', '&lt'],
  ...['"', "'", '=', '\0', '\u202e', '\u200b', '\x1b[2J', '\ufeff', '\r', '<wbr>', '&shy;', '<br>'],
  ...['<table>', '</table>', '<tr>', '<td>', '</td>', '<td rowspan=99>', '<th>', '<a>', '</a>'],
  ...[
    '<div>',
    '</div>',
    '<p>',
    '<b>',
    '<i>',
    '<pre>',
    '<form>',
    '<select><option>',
    '<h1>',
    '<li>',
  ],
  ...['<script>', '</script>', '<style>', '<template>', '</template>', '<svg>', '<math><mi>'],
  ...['<iframe>', '<noscript>', '<textarea>', '<title>', '</title>', '<plaintext>', '<frameset>'],
  ...['<base href="https://evil.test/">', '<base href="javascript:x">', '<base href="file:///">'],
  ...[
    '<a href="javascript:x">x</a>',
    '<a href="file:///etc/passwd">x</a>',
    '<a href="//evil">x</a>',
  ],
  ...['<a href="http://u:p@h.test/x#y">x</a>', '<a href="http://127.0.0.1/x">x</a>', '<a href="">'],
  ...['<a href="https://[::1]/x">x</a>', '<a href="https://[">x</a>', '<a href="a%zz%00">x</a>'],
  ...[
    '<b data-href="f/1">',
    '<b onclick="get(\'f/1\')">',
    '<button name=a value=b>',
    '<input type=hidden>',
  ],
  ...[
    '<meta http-equiv=refresh content="0;url=x">',
    '<iframe src=x>',
    '<script>{"md5":"',
    '","url":"/x"}',
  ],
  ...['<a href="data:text/html,x">', '<a href="#x">', '<a href=\\\\h\\x download="../../x">x</a>'],
  ...[
    md5Of(1),
    md5Of(2).toUpperCase(),
    SHARED_MD5,
    'f'.repeat(32),
    'd'.repeat(3000),
    '573MB',
    '184',
  ],
  ...['ChestDx-1.zip', 'Viral pneumonia', 'Other pneumonia', 'chest_dx.csv', 'download', '下载'],
  ...[
    '<div>'.repeat(600),
    '<b><i>'.repeat(40),
    '<a href=x>'.repeat(50),
    '<table><tr><td>'.repeat(60),
  ],
  ...[
    rowOf(
      release.files[0] ?? {
        category: '',
        size: '',
        md5: '',
        name: '',
        kind: 'labels',
        subsets: [],
      },
      0,
    ),
  ],
];

interface PageInput {
  readonly html: string;
  readonly origin: PageOrigin;
}

/** Pages torn to pieces, and pages in forms that say for certain which link is whose. */
export const pageTargets: readonly Fuzz[] = [
  toFuzz({
    parser: 'page',
    inputs: fc.record({
      page: editedBytes(BASES, TOKENS),
      origin: fc.nat(ORIGINS.length - 1),
    }),
    build: ({ page, origin }): PageInput => ({
      html: buildEdited(BASES, page).toString('utf8'),
      origin: ORIGINS[origin] ?? { kind: 'live', url: 'https://h.test/' },
    }),
    codes: ['source-unusable'],
    parse: async ({ html, origin }) => {
      const reading = await readPage(html, release, origin);
      assertSound(reading, origin);
      return reading.urls.size > 0;
    },
  }),
  toFuzz({
    parser: 'page by its rows',
    inputs: builtPages,
    build: (page) => ({ form: page.form, ...renderBuilt(page) }),
    codes: [],
    always: 'accepted',
    parse: async ({ form, html, links }) => {
      const origin = { kind: 'live', url: 'https://h.test/data/page.html' } as const;
      const reading = await readPage(html, release, origin);
      assert.deepEqual(Object.fromEntries(reading.urls), without(links, reading.ambiguous));
      // Of an MD5 that stands twice a line may not say enough; a row does.
      assert(form === 'lines' || reading.ambiguous.size === 0, [...reading.ambiguous].join());
      return true;
    },
  }),
];

function without(links: Readonly<Record<string, string>>, names: ReadonlySet<string>) {
  return Object.fromEntries(Object.entries(links).filter(([name]) => !names.has(name)));
}

/** Whatever a page says: only to the web, with nothing secret, not into this machine's network. */
function assertSound(reading: PageReading, origin: PageOrigin): void {
  const names = new Set(release.files.map(({ name }) => name));
  const urls = [...reading.urls.values(), ...Object.values(reading.folders), reading.base];
  for (const text of urls) {
    const url = new URL(text);
    assert(['http:', 'https:'].includes(url.protocol), text);
    assert.deepEqual([url.username, url.password, url.hash], ['', '', ''], text);
  }
  const isPublic = origin.kind === 'live' && !isInside(new URL(origin.url).hostname);
  for (const [name, url] of reading.urls) {
    assert(names.has(name), name);
    assert(!reading.ambiguous.has(name), `${name} is both found and not`);
    assert(!isPublic || !isInside(new URL(url).hostname), url);
  }
  for (const name of reading.ambiguous) assert(names.has(name), name);
  assert(reading.knownMd5s <= new Set(release.files.map(({ md5 }) => md5)).size);
  assert(reading.links <= reading.anchors);
}
