import { describe, expect, it } from 'vitest';
import type { PageOrigin } from '../../src/sources/page-address.ts';
import { readPage } from '../../src/sources/page-read.ts';
import { md5Of, release, SHARED_MD5 } from './support.ts';

const LIVE: PageOrigin = { kind: 'live', url: 'https://h.test/data/page.html' };
const M1 = md5Of(1);
const M2 = md5Of(2);

const table = (...rows: readonly (readonly string[])[]) =>
  `<table>${rows.map((cells) => `<tr>${cells.map((it) => `<td>${it}</td>`).join('')}`).join('')}</table>`;
const link = (href: string) => `<a href="${href}">download</a>`;

const read = (html: string) => readPage(html, release, LIVE);
/** Pages that lead to two files, each at `f/1` and `f/2`. */
const BOTH = {
  'ChestDx-1.zip': 'https://h.test/data/f/1',
  'ChestDx-2.zip': 'https://h.test/data/f/2',
};

describe('a page that a reader can use is read, whatever its links are made of', () => {
  it.each([
    [
      'data-href',
      table([M1, '<a data-href="f/1">x</a>'], [M2, '<button data-href="f/2">x</button>']),
    ],
    [
      'data-url of a row',
      `<table><tr data-url="./f/1"><td>${M1}</tr><tr data-download-url="./f/2"><td>${M2}</tr></table>`,
    ],
    [
      'a handler',
      table(
        [M1, `<button onclick="location.href='f/1?x=1'">x</button>`],
        [M2, `<a href="#" onclick='window.open("./f/2", "_blank"); return false'>x</a>`],
      ).replace('f/1?x=1', './f/1'),
    ],
    [
      'a script in the link',
      table(
        [M1, `<a href="javascript:download('1','/data/f/1')">x</a>`],
        [M2, `<a href="javascript:get(%27/data/f/2%27)">x</a>`],
      ),
    ],
    ['backslashes', table([M1, link('f\\1')], [M2, link('\\data\\f\\2')])],
    ['no scheme', table([M1, link('//h.test/data/f/1')], [M2, link('./f/2')])],
    ['entities and escapes', table([M1, link('f&#47;1')], [M2, link('../data/f/%32')])].map((it) =>
      it.replace('%32', '2'),
    ),
    [
      'an image map',
      table([M1, '<map><area href="f/1"></map>'], [M2, '<map><area href="f/2"></map>']),
    ],
  ])('%s', async (_, html = '') => {
    expect(Object.fromEntries((await read(html)).urls)).toEqual(BOTH);
  });

  it.each([
    [
      'a form a row',
      table(
        [M1, '<form action=get><input type=hidden name=f value=1><button>x</button></form>'],
        [
          M2,
          '<form action="get?old" method=GET><input type=hidden name=f value=2><input type=submit></form>',
        ],
      ),
    ],
    [
      'a form around the table, a button a row',
      `<form action=get>${table([M1, '<button name=f value=1>x</button>'], [M2, '<button name=f value=2>x</button>'])}</form>`,
    ],
    [
      'forms between rows',
      `<table><form action=get><tr><td>${M1}<td><input type=hidden name=f value=1><input type=submit></tr></form>
       <form action=get><tr><td>${M2}<td><input type=hidden name=f value=2><input type=submit></tr></form></table>`,
    ],
    [
      'a button with an address of its own',
      table(
        [M1, '<form><button formaction=get name=f value=1>x</button></form>'],
        [M2, '<form action=x><button formaction=get name=f value=2>x</button></form>'],
      ),
    ],
  ])('a form: %s', async (_, html) => {
    expect(Object.fromEntries((await read(html)).urls)).toEqual({
      'ChestDx-1.zip': 'https://h.test/data/get?f=1',
      'ChestDx-2.zip': 'https://h.test/data/get?f=2',
    });
  });

  it('a form that is posted leads nowhere', async () => {
    const html = table([
      M1,
      '<form method=post action=get><button name=f value=1>x</button></form>',
    ]);
    expect((await read(html)).urls.size).toBe(0);
  });
});

describe('an MD5 is found, however it is written', () => {
  const pairs = (md5: string, step: number) =>
    md5.replace(new RegExp(`.{${step}}(?=.)`, 'g'), '$&:');
  const rows = (write: (md5: string) => string) =>
    table([write(M1), link('f/1')], [write(M2), link('f/2')]);
  it.each([
    ['in upper case', rows((md5) => md5.toUpperCase())],
    ['with colons', rows((md5) => pairs(md5, 2).toUpperCase())],
    ['with blanks', rows((md5) => pairs(md5, 8).replaceAll(':', ' '))],
    ['with hyphens', rows((md5) => pairs(md5, 4).replaceAll(':', '-'))],
    ['in code', rows((md5) => `MD5: <code>${md5}</code>`)],
    ['in a title', rows((md5) => `<span title="MD5: ${md5}">?</span>`)],
    ['in data', rows((md5) => `<i data-md5=${md5.toUpperCase()}></i>`)],
    [
      'in a field',
      rows((md5) => `<input readonly value="${md5}"><b data-clipboard-text="${md5}"></b>`),
    ],
    ['in CDATA', rows((md5) => `<![CDATA[${md5}]]>`)],
    ['in several tables', [M1, M2].map((md5, i) => table([md5, link(`f/${i + 1}`)])).join('<hr>')],
    ['in the link itself', table(['x', link(`f/1?md5=${M1}`)], ['y', link(`f/2?md5=${M2}`)])],
  ])('%s', async (_, html) => {
    const urls = [...(await read(html)).urls].map(([name, url]) => [
      name,
      url.replace(/\?md5.*/, ''),
    ]);
    expect(Object.fromEntries(urls)).toEqual(BOTH);
  });

  it('that two files share, in attributes alone, is told apart by the rest of the row', async () => {
    const shared = `<i title=${SHARED_MD5}></i>`;
    const html = table(
      ['Viral pneumonia', shared, link('v')],
      ['Other pneumonia', shared, link('o')],
    );
    expect(Object.fromEntries((await read(html)).urls)).toEqual({
      'Viral-1.zip': 'https://h.test/data/v',
      'Other-1.zip': 'https://h.test/data/o',
    });
  });
});

describe('the data that a page is made of by scripts', () => {
  const files = [
    {
      category: 'ChestDx',
      name: 'ChestDx-1',
      size: '573MB',
      md5: M1,
      date: '2021/03/21',
      url: '/data/f/1',
    },
    {
      category: 'ChestDx',
      name: 'ChestDx-2',
      size: '556MB',
      md5: M2,
      date: '2021/03/21',
      url: 'f/2?v=1',
    },
  ];
  const expected = { ...BOTH, 'ChestDx-2.zip': 'https://h.test/data/f/2?v=1' };
  const json = JSON.stringify({ page: { files }, home: '/' });
  it.each([
    ['assigned in a script', `<div id=app></div><script>window.__DATA__ = ${json};</script>`],
    ['as JSON in a script', `<script type=application/json id=x>${json}</script>`],
    ['with escaped slashes', `<script>var d=${json.replaceAll('/', '\\/')}</script>`],
    ['with escapes in Unicode', `<script>var d=${json.replaceAll('/', '\\u002F')}</script>`],
    ['as lists', `<script>d(${JSON.stringify(files.map((each) => Object.values(each)))})</script>`],
    [
      'as code',
      `<script>/* it's */ rows=[${files.map(({ md5, url }) => `{md5:'${md5}',href:'${url}'}`).join()}]</script>`,
    ],
    ['as an answer of JSON', json],
  ])('is read without running it: %s', async (_, html) => {
    const reading = await read(html);
    expect(Object.fromEntries(reading.urls)).toEqual(expected);
    expect(reading.knownMd5s).toBe(2);
  });

  it('is not read where the page has the links', async () => {
    const html = `${table([M1, link('f/1')])}<script>x={md5:"${M2}",url:"/f/no"}</script>`;
    expect([...(await read(html)).urls.keys()]).toEqual(['ChestDx-1.zip']);
  });

  it.each([
    ['brackets', '['.repeat(1_000_000)],
    ['quotes', '"'.repeat(1_000_000)],
    ['strings', `"${M1}",`.repeat(300_000)],
    ['escapes', `"${'\\'.repeat(1_000_000)}`],
  ])('is read to its end: %s without end', async (_, script) => {
    expect((await read(`<script>${script}</script>`)).urls.size).toBe(0);
  });
});

describe('a name without its MD5', () => {
  it.each([
    [
      'a link without the ending',
      '<a href="get?f=ChestDx-1">get</a>',
      'https://h.test/data/get?f=ChestDx-1',
    ],
    ['the text of a link', '<a href="get/17">ChestDx-1</a>', 'https://h.test/data/get/17'],
    [
      'a bare name in a handler',
      `<b onclick="download('ChestDx-1.zip')">x</b>`,
      'https://h.test/data/ChestDx-1.zip',
    ],
  ])('is a guess: %s', async (_, html, url) => {
    const { urls, guesses } = await read(html);
    expect([...urls]).toEqual([]);
    expect([...guesses]).toEqual([['ChestDx-1.zip', url]]);
  });
});

describe('the source of a page, as a browser shows it', () => {
  const page = `<!DOCTYPE html>\n<table><tr><td>${M1}</td><td><a href="/data/f/1">x</a></td></tr>
<tr><td>${M2}</td>\n<td><a\nhref="f/2">x</a></td></tr></table>`;
  const escaped = page.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  it.each([
    ['Firefox', `<html><body id=viewsource><pre>${escaped}</pre></body></html>`],
    [
      'Chrome',
      `<html><body><table><tbody>${escaped
        .split('\n')
        .map(
          (line, i) =>
            `<tr><td class=line-number value=${i}></td><td class=line-content>${line.replace(/&lt;\w+/g, '<span class=html-tag>$&</span>')}</td></tr>`,
        )
        .join('')}</table></body></html>`,
    ],
  ])('is read as that page: %s', async (_, html) => {
    expect(Object.fromEntries((await read(html)).urls)).toEqual(BOTH);
  });
});
