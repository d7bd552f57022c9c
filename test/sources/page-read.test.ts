import { describe, expect, it } from 'vitest';
import { loadManifest } from '../../src/manifest/load.ts';
import { renderPage } from '../../scripts/release/render-page.ts';
import { readPage } from '../../src/sources/page-read.ts';
import type { PageOrigin } from '../../src/sources/page-address.ts';
import type { Manifest } from '../../src/manifest/manifest.ts';
import { archive, manifestOf, md5Of, release, SHARED_MD5 } from './support.ts';

const LIVE: PageOrigin = { kind: 'live', url: 'https://h.test/data/page.html' };

async function linksOf(html: string, manifest: Manifest = release, origin: PageOrigin = LIVE) {
  return Object.fromEntries((await readPage(html, manifest, origin)).urls);
}

const row = (...cells: readonly string[]) =>
  `<tr>${cells.map((it) => `<td>${it}</td>`).join('')}</tr>`;
const table = (...rows: readonly string[]) => `<table>${rows.join('\n')}</table>`;
const link = (href: string, text = 'download') => `<a href="${href}">${text}</a>`;
const [M1, M2, M3] = [md5Of(1), md5Of(2), md5Of(3)];

describe('a link and its MD5', () => {
  it.each([
    ['in the next cell', table(row('573MB', M1, link('1')), row('556MB', M2, link('2')))],
    ['in a cell before it', table(row(link('1'), M1), row(link('2'), M2))],
    ['around it', table(row('573MB', link('1', M1)), row('556MB', link('2', M2)))],
    ['upper-case', table(row(M1.toUpperCase(), link('1')), row(M2.toUpperCase(), link('2')))],
    [
      'in header cells',
      `<table><tr><th>${M1}<th>${link('1')}<tr><th>${M2}<th>${link('2')}</table>`,
    ],
    [
      'without end tags',
      `<table><tr><td>573MB<td>${M1}<td>${link('1')}<tr><td>${M2}<td>${link('2')}`,
    ],
    [
      'with white space, <wbr>, soft hyphens and elements inside',
      table(
        row(`\n ${M1.slice(0, 8)}<wbr>${M1.slice(8, 16)}\n${M1.slice(16)} `, link('1')),
        row(`<b>${M2.slice(0, 3)}</b>&shy;<i>${M2.slice(3)}</i>`, link('2')),
      ),
    ],
    [
      'glued to the text before and behind it',
      table(row(`573MB${M1}download`, link('1')), row(`556 MB ${M2}abc`, link('2'))),
    ],
    [
      'glued to its neighbours in the row',
      table(`<tr><td>556MB<td>${M1}<td>e${link('1', 'fade')}`, row(M2, link('2'))),
    ],
    ['in nested tables', table(row(table(row(M1, link('1')), row(M2, link('2')))))],
    [
      'in a table of its own in a cell',
      table(row(table(row('MD5', M1)), link('1')), row(table(row('MD5', M2)), link('2'))),
    ],
    ['two in a row', table(row('573MB', M1, link('1'), '556MB', M2, link('2')))],
    [
      'in divs',
      `<div><div>${M1}</div><div>${link('1')}</div></div><div><p>${M2}</p>${link('2')}</div>`,
    ],
    ['in list items', `<ul><li>a ${M1} ${link('1')}<li>b ${M2} ${link('2')}</ul>`],
    ['in lines', `<p>${M1} ${link('1')}<br>${M2} ${link('2')}<br></p>`],
    [
      'in lines of a pre, behind the link',
      `<pre>${link('1', 'x')}  ${M1}\n${link('2', 'y')}  ${M2}\n</pre>`,
    ],
    ['in a definition list', `<dl><dt>${M1}<dd>${link('1')}<dt>${M2}<dd>${link('2')}</dl>`],
  ])('are paired: %s', async (_, html) => {
    expect(await linksOf(`<title>t</title>${html}`)).toEqual({
      'ChestDx-1.zip': 'https://h.test/data/1',
      'ChestDx-2.zip': 'https://h.test/data/2',
    });
  });

  it.each([
    ['a row without a link', table(row(M1), row(M2, link('2')))],
    ['links before and behind all', `<p>${link('0')} ${M1} ${link('1')} ${M2} ${link('2')}</p>`],
    ['digits without end', row(`${'a'.repeat(2000)}${M1}`, link('1'))],
    ['links neither all before nor all behind', `<p>${link('0')} ${M1}<br>${M2}</p>`],
    ['two MD5s, one link', `<div>${M1} ${M2} ${link('1')}</div>`],
  ])('are not guessed: %s', async (_, html) => {
    const links = await linksOf(html);
    expect(links['ChestDx-1.zip']).toBeUndefined();
  });

  it('are not made of a link of the page that has nothing to do with it', async () => {
    const alone = manifestOf([archive('ChestDx-1.zip', 'ChestDx', '573MB', M1)]);
    expect(
      await linksOf(`<nav>${link('/', 'Home')}</nav>${table(row('573MB', M1))}`, alone),
    ).toEqual({});
    expect(await linksOf(`<p>${link('get?1')}</p>${table(row('573MB', M1))}`, alone)).toEqual({
      'ChestDx-1.zip': 'https://h.test/data/get?1',
    });
  });

  it('are found in two tables, and across other tables', async () => {
    const html = `${table(row(M1, link('1')))}${table(row('f'.repeat(32), link('no')))}${table(row(M2, link('2')))}`;
    expect(Object.values(await linksOf(html))).toEqual([
      'https://h.test/data/1',
      'https://h.test/data/2',
    ]);
  });
});

describe('several links in a row', () => {
  const about = link('about.html', 'ChestDx');
  const saveAs = (href: string) => `<a href="${href}" download>x</a>`;
  it.each([
    [
      'the one that ends in the name',
      row(about, M1, link('x/ChestDx-1.zip', 'here'), link('y')),
      'x/ChestDx-1.zip',
    ],
    [
      'the one with the name in its query',
      row(about, M1, link('y'), link('get?f=a/ChestDx-1', 'get')),
      'get?f=a/ChestDx-1',
    ],
    ['the one that says download', row(about, M1, link('sum.md5', 'MD5'), link('get')), 'get'],
    ['the one that says 下载', row(M1, about, link('get', '下载')), 'get'],
    ['the zip', row(about, M1, link('more', 'x'), link('1234.zip', 'y')), '1234.zip'],
    ['the one behind the MD5', row(about, M1, link('get', 'x')), 'get'],
    ['not the one on the MD5 itself', row(link('1.md5', M1), link('get')), 'get'],
    [
      'a name rather than "download"',
      row(M1, link('get'), link('ChestDx-1.zip', 'x')),
      'ChestDx-1.zip',
    ],
    ['"download" rather than a zip', row(M1, link('a.zip', 'x'), link('get')), 'get'],
    ['a zip rather than what is to be saved', row(M1, saveAs('s'), link('a.zip', 'x')), 'a.zip'],
    ['what is to be saved rather than what is behind', row(saveAs('s'), M1, link('y', 'x')), 's'],
    ['what is behind rather than what is nearer', row(link('y', 'x'), M1, '', link('z', 'x')), 'z'],
    ['the nearest behind', row(link('x', 'x'), M1, link('y', 'x'), link('z', 'x')), 'y'],
    ['the nearest before', row(link('x', 'x'), link('y', 'x'), M1), 'y'],
  ])('%s is taken', async (_, html, expected) => {
    expect((await linksOf(table(html)))['ChestDx-1.zip']).toBe(`https://h.test/data/${expected}`);
  });
});

describe('an MD5 that two files share', () => {
  const both = { 'Viral-1.zip': 'https://h.test/data/v', 'Other-1.zip': 'https://h.test/data/o' };
  const viral2 = md5Of(5);
  it.each([
    [
      'the category in each row',
      table(
        row('Viral pneumonia', SHARED_MD5, link('v')),
        row('Other pneumonia', SHARED_MD5, link('o')),
      ),
    ],
    [
      'the category in each row, in another order',
      table(
        row('Other pneumonia', SHARED_MD5, link('o')),
        row('Viral Pneumonia', SHARED_MD5, link('v')),
      ),
    ],
    [
      'the size alone',
      table(row('157MB', SHARED_MD5, link('v')), row('184 MB', SHARED_MD5, link('o'))),
    ],
    [
      'the size in the same cell',
      table(row(`184MB ${SHARED_MD5}`, link('o')), row(`157MB ${SHARED_MD5}`, link('v'))),
    ],
    [
      'a name in the row',
      table(row('Other-1.zip', SHARED_MD5, link('o')), row('Viral-1', SHARED_MD5, link('v'))),
    ],
    [
      'a category that spans rows',
      table(
        `<tr><td rowspan=2>Other pneumonia</td><td>${md5Of(7)}</td><td>${link('o2')}</td></tr>`,
        row(SHARED_MD5, link('o')),
        `<tr><td rowspan=2>Viral pneumonia</td><td>${viral2}</td><td>${link('v2')}</td></tr>`,
        row(SHARED_MD5, link('v')),
      ),
    ],
    [
      'a category cell left empty later',
      table(
        row('Viral pneumonia', viral2, link('v2')),
        row('', SHARED_MD5, link('v')),
        row('chest_dx.csv', md5Of(4), link('c')),
        row('Other pneumonia', md5Of(7), link('o2')),
        row('&nbsp;', SHARED_MD5, link('o')),
      ),
    ],
    [
      'a category that spans from the last column',
      table(
        `<tr><td>${SHARED_MD5}</td><td>${link('v')}</td><td rowspan=2>Viral pneumonia</td></tr>`,
        row(viral2, link('v2')),
        row(SHARED_MD5, link('o'), 'Other pneumonia'),
      ),
    ],
    [
      'headings',
      `<h3>Other pneumonia</h3>${table(row(SHARED_MD5, link('o')))}<h3>Viral pneumonia</h3>${table(row(SHARED_MD5, link('v')))}`,
    ],
    [
      'the size against a category further up',
      table(
        row('Viral pneumonia', viral2, link('v2')),
        row('157MB', SHARED_MD5, link('v')),
        row('184MB', SHARED_MD5, link('o')),
      ),
    ],
  ])('is told apart by %s', async (_, html) => {
    expect(await linksOf(html)).toMatchObject(both);
  });

  it.each([
    [
      'a name in the link over one in the row',
      row('Other-1', SHARED_MD5, link('v?f=Viral-1.zip')),
      row('Viral-1', SHARED_MD5, link('o?f=Other-1.zip')),
    ],
    [
      'a name over category and size',
      row('Other pneumonia', '184MB', 'Viral-1', SHARED_MD5, link('v')),
      row('Viral pneumonia', '157MB', 'Other-1', SHARED_MD5, link('o')),
    ],
    [
      'the category in the row over the size',
      row('Viral pneumonia', '184MB', SHARED_MD5, link('v')),
      row('Other pneumonia', '157MB', SHARED_MD5, link('o')),
    ],
    [
      'the size over the category above',
      row('Viral pneumonia', viral2) + row('184MB', SHARED_MD5, link('o')),
      row('Other pneumonia', md5Of(7)) + row('157MB', SHARED_MD5, link('v')),
    ],
    [
      'a name in the link, in one row of several of a file',
      row('Viral pneumonia', '157MB', 'Viral-1', SHARED_MD5, link('old')),
      row(SHARED_MD5, link('v?f=Viral-1.zip')) + row('Other-1', SHARED_MD5, link('o')),
    ],
    [
      'a name in the row, in one row of several of a file',
      row('Viral pneumonia', '157MB', SHARED_MD5, link('old')),
      row('Viral-1', SHARED_MD5, link('v')) + row('Other-1', SHARED_MD5, link('o')),
    ],
    [
      'category above and size, in one row of several of a file',
      row('Viral pneumonia', SHARED_MD5, link('old')) + row('', '157MB', SHARED_MD5, link('v')),
      row('Other pneumonia', SHARED_MD5, link('old')) + row('', '184MB', SHARED_MD5, link('o')),
    ],
  ])('is told apart by the stronger of two signs: %s', async (_, ...rows) => {
    const links = Object.entries(await linksOf(table(...rows)));
    const paths = links.map(([name, url]) => [name, new URL(url).pathname]);
    expect(Object.fromEntries(paths)).toMatchObject({
      'Viral-1.zip': '/data/v',
      'Other-1.zip': '/data/o',
    });
  });

  it('is told apart by the names in the links', async () => {
    const html = table(
      row(SHARED_MD5, link('a/Other-1.zip')),
      row(SHARED_MD5, link('a/Viral-1.zip')),
    );
    expect(await linksOf(html)).toEqual({
      'Viral-1.zip': 'https://h.test/data/a/Viral-1.zip',
      'Other-1.zip': 'https://h.test/data/a/Other-1.zip',
    });
  });

  it('is ambiguous if there is no sign', async () => {
    const html = table(row(SHARED_MD5, link('v')), row(SHARED_MD5, link('o')));
    const { urls, ambiguous } = await readPage(html, release, LIVE);
    expect([...urls]).toEqual([]);
    expect([...ambiguous]).toEqual(['Viral-1.zip', 'Other-1.zip']);
  });

  it('gives a row to one file only: the other has none', async () => {
    const html = table(row('Viral pneumonia', '157MB', SHARED_MD5, link('v')));
    const { urls, ambiguous } = await readPage(html, release, LIVE);
    expect([...urls.keys()]).toEqual(['Viral-1.zip']);
    expect([...ambiguous]).toEqual([]);
  });

  it('does not take the category of a table that has ended', async () => {
    const html = `${table(row('Viral pneumonia', viral2, link('v2')))}${table(row(SHARED_MD5, link('?')))}`;
    expect([...(await readPage(html, release, LIVE)).ambiguous]).toEqual([
      'Viral-1.zip',
      'Other-1.zip',
    ]);
  });
});

describe('files whose MD5 is not on the page', () => {
  it('are found by their exact name', async () => {
    const html = `${table(row(M1, link('x')))}<p>${link('d/ChestDx-2.zip', 'new')} ${link('xChestDx_PE-1.zip')}
      ${link('get?f=chest_dx.csv&v=2', 'labels')} ${link('d/Viral-1', 'Viral-1')}`;
    expect(await linksOf(html)).toEqual({
      'ChestDx-1.zip': 'https://h.test/data/x',
      'ChestDx-2.zip': 'https://h.test/data/d/ChestDx-2.zip',
      'chest_dx.csv': 'https://h.test/data/get?f=chest_dx.csv&v=2',
    });
  });
});

describe('what a page is like', () => {
  it('is described, to explain why it is of no use', async () => {
    const html = `<title> Log\n in </title><p>${'f'.repeat(32)} ${M3} ${link('javascript:x')} ${link('a')}
      <script>"${M1}"</script><style>.${M2}{}</style><noscript><a href=b>c</a></noscript>`;
    expect(await readPage(html, release, LIVE)).toMatchObject({
      title: 'Log in',
      knownMd5s: 1,
      otherMd5s: 1,
      anchors: 3,
      links: 2,
      looksLikeListing: false,
    });
  });

  it.each([
    [
      'nginx',
      '<html><head><title>Index of /cxr/</title></head><body><h1>Index of /cxr/</h1>',
      true,
    ],
    ['python', '<title>Directory listing for /</title>', true],
    ['a heading', '<h1>Index of /x</h1>', true],
    ['folders of a dataset', '<a href="archives/">archives/</a>', true],
    ['a text about an index', '<title>Our index of images</title>', false],
  ])('a listing or not: %s', async (_, html, expected) => {
    expect((await readPage(html, release, LIVE)).looksLikeListing).toBe(expected);
  });
});

describe('the whole release', () => {
  it('is found on the page that ccxri makes for a release', async () => {
    const manifest = await loadManifest();
    const links = await linksOf(renderPage(manifest), manifest);
    const expected = manifest.files.map(({ name }) => [name, `https://h.test/data/${name}`]);
    expect(links).toEqual(Object.fromEntries(expected));
  });

  it('is found with links that say nothing, categories once, and everything else glued', async () => {
    const manifest = await loadManifest();
    let category = '';
    const rows = manifest.files.map((file, i) => {
      const own =
        file.kind === 'labels' ? file.name : file.category === category ? '' : file.category;
      category = file.kind === 'labels' ? category : file.category;
      return `<tr><td>${own}</td><td></td><td>${file.size}</td><td>${file.md5}</td><td>${link(`f?${i}`)}</td></tr>`;
    });
    const links = await linksOf(table(...rows).replaceAll('\n', ''), manifest);
    const expected = manifest.files.map(({ name }, i) => [name, `https://h.test/data/f?${i}`]);
    expect(links).toEqual(Object.fromEntries(expected));
  });
});

describe('a page made to do harm', () => {
  it.each([
    ['nested without end', '<div>'.repeat(100_000)],
    [
      'that opens ever more formatting',
      Array.from({ length: 5000 }, (_, i) => `<p><font size=${i}>`).join(''),
    ],
    ['with a million elements', '<b></b>'.repeat(1_000_000)],
  ])('is refused: %s', async (_, html) => {
    await expect(readPage(html, release, LIVE)).rejects.toMatchObject({ code: 'source-unusable' });
  });

  it.each([
    ['digits without end', 'a'.repeat(4_000_000)],
    ['MD5s without end', `${M1} `.repeat(100_000)],
    ['links without end', '<a href=x>download</a>'.repeat(100_000) + M1],
    ['rows without end', `<tr><td>${'f'.repeat(32)}<td><a href=x>x</a>`.repeat(50_000)],
    ['comments without end', '<!-- -->'.repeat(500_000)],
    [
      'ten thousand categories',
      `<table>${'<tr><td>Viral pneumonia'.repeat(10_000)}</table>${table(row(SHARED_MD5, link('v')))}`,
    ],
  ])('is read to its end: %s', async (_, html) => {
    expect(await readPage(html, release, LIVE)).toMatchObject({ title: '' });
  });
});
