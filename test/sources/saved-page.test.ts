import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { saying, nextSaying } from '../support/matchers.ts';
import { useTempDirs, writeTree } from '../support/temp-dirs.ts';
import { PAGE, SHARED_MD5, fileOf, md5Of, openOne, release } from './support.ts';

const tempDir = useTempDirs();

const M1 = md5Of(1);
const pageOf = (href: string, head = '') =>
  `<!DOCTYPE html>\n<html><head>${head}</head><body><table><tr><td>${M1}</td><td><a href="${href}">download</a></td></tr></table></body></html>`;

async function openSaved(
  files: Readonly<Record<string, string | Buffer>>,
  more: Parameters<typeof openOne>[1] = {},
) {
  const root = await tempDir();
  await writeTree(root, files);
  const [first = ''] = Object.keys(files);
  const { opened, warnings } = await openOne(join(root, first), more);
  const urlOf = async (name: string) => {
    const location = await opened.locate(fileOf(name));
    return location?.kind === 'url' ? location.url : undefined;
  };
  return { urlOf, warnings, opened };
}

describe('where a saved page was', () => {
  const comment = '<!-- saved from url=(0024)https://was.test/data/p -->';
  const singleFile =
    '<!--\n Page saved with SingleFile \n url: https://was.test/data/p \n saved date: Sat Nov 28 2026\n-->';
  const canonical = '<link rel="canonical" href="https://canon.test/data/p">';
  it.each([
    ['the comment of Chrome and Edge', comment, 'https://was.test/data/d/1'],
    ['the comment of SingleFile', singleFile, 'https://was.test/data/d/1'],
    [
      'the mark of Save Page WE',
      '<meta name="savepage-url" content="https://was.test/data/p">',
      'https://was.test/data/d/1',
    ],
    ['<base>', '<base href="https://base.test/x/">', 'https://base.test/x/d/1'],
    ['the canonical link', canonical, 'https://canon.test/data/d/1'],
    [
      'og:url',
      '<meta property="og:url" content="https://og.test/data/">',
      'https://og.test/data/d/1',
    ],
    ['the comment over the canonical link', canonical + comment, 'https://was.test/data/d/1'],
    [
      'the comment, and a base relative to it',
      `${comment}<base href="../v2/">${canonical}`,
      'https://was.test/v2/d/1',
    ],
    [
      'the canonical link where the comment says nothing',
      `<!-- saved from url=(0014)about:internet -->${canonical}`,
      'https://canon.test/data/d/1',
    ],
  ])('is known by %s', async (_, head, url) => {
    const { urlOf, warnings } = await openSaved({ 'p.html': pageOf('d/1', head) });
    expect(await urlOf('ChestDx-1.zip')).toBe(url);
    expect(warnings()).toEqual([]);
  });

  it.each(['', comment, canonical, '<base href="https://base.test/x/">'])(
    'is what the user says, whatever it says: %s',
    async (head) => {
      const pageUrl = 'https://user.test/cxr/page';
      const { urlOf, warnings } = await openSaved({ 'p.html': pageOf('d/1', head) }, { pageUrl });
      expect(await urlOf('ChestDx-1.zip')).toBe('https://user.test/cxr/d/1');
      expect(warnings()).toEqual([]);
    },
  );

  it('is taken to be the homepage where nothing says it', async () => {
    const { urlOf, warnings } = await openSaved({ 'p.html': pageOf('d/1') });
    expect(await urlOf('ChestDx-1.zip')).toBe('https://x.test/cxr/d/1');
    expect(warnings()).toEqual([saying('does not say where it was saved from')]);
  });
});

describe('a page saved "complete"', () => {
  const frame = `<!-- saved from url=(0024)https://was.test/data/t -->${pageOf('d/1')}`;
  it.each([
    ['Chrome', './p_files/saved_resource.html', 'p_files/saved_resource.html'],
    ['Firefox', 'p_files/frame.htm', 'p_files/frame.htm'],
    ['a blank', 'p_files/a%20b.html', 'p_files/a b.html'],
    ['Internet Explorer', 'p.files/t.htm', 'p.files/t.htm'],
  ])('is read with the frame that shows the table: %s', async (_, src, at) => {
    const page = `<title>CXR</title><a href="https://was.test/">home</a><iframe src="${src}"></iframe>`;
    const { urlOf } = await openSaved({ 'p.html': page, [at]: frame });
    expect(await urlOf('ChestDx-1.zip')).toBe('https://was.test/data/d/1');
  });

  it.each(['../q/t.html', 'p_files/../../t.html', 'p_files/none.html', '/etc/passwd', 'p_files/'])(
    'is not read beyond its own folder: %s',
    async (src) => {
      const page = `<iframe src="${src}"></iframe>`;
      const opening = openSaved({ 'q/p.html': page, 't.html': frame, 'q/t.html': frame });
      await expect(opening).rejects.toMatchObject({ code: 'no-link' });
    },
  );

  it('says which frame it shows, where that was not saved', async () => {
    const page = '<iframe src="https://was.test/table.html"></iframe>';
    await expect(openSaved({ 'p.html': page })).rejects.toMatchObject({
      code: 'no-link',
      message: saying('a frame that shows https://was.test/table.html'),
    });
  });
});

/** As Chrome and Edge write it, each line end and each coding of a part by choice. */
function mhtml(
  parts: readonly {
    type?: string;
    location?: string;
    id?: string;
    body: string;
    coding?: string;
  }[],
  { eol = '\r\n', head = '' } = {},
): Buffer {
  const boundary = '----MultipartBoundary--bWMwoh6GLn9EUgbIMKTEXaSSJ94ATIPRIzV5r5vAG5----';
  const encoded = parts.map(
    ({ type = 'text/html', location, id, body, coding = 'quoted-printable' }) => [
      `--${boundary}`,
      `Content-Type: ${type}`,
      ...(id === undefined ? [] : [`Content-ID: <${id}>`]),
      `Content-Transfer-Encoding: ${coding}`,
      ...(location === undefined ? [] : [`Content-Location: ${location}`]),
      '',
      encode(body, coding, eol),
    ],
  );
  const lines = [
    'From: <Saved by Blink>',
    ...(head === '' ? ['Snapshot-Content-Location: https://was.test/data/p'] : [head]),
    'Subject: =?utf-8?Q?=E6=95=B0?=',
    'MIME-Version: 1.0',
    'Content-Type: multipart/related;',
    '\ttype="text/html";',
    `\tboundary="${boundary}"`,
    '',
    '',
    ...encoded.flat(),
    `--${boundary}--`,
    '',
  ];
  return Buffer.from(lines.join(eol));
}

function encode(body: string, coding: string, eol: string): string {
  const bytes = Buffer.from(body);
  const wrap = (text: string, width: number, end: string) =>
    text.replace(new RegExp(`.{${width}}(?=.)`, 'g'), `$&${end}${eol}`);
  if (coding === 'base64') return wrap(bytes.toString('base64'), 76, '');
  if (coding !== 'quoted-printable') return body;
  const quoted = [...bytes].map((byte) =>
    byte === 0x3d || byte > 0x7e || byte < 0x20
      ? `=${byte.toString(16).toUpperCase().padStart(2, '0')}`
      : String.fromCharCode(byte),
  );
  // At most 75 characters, and no break inside of an escape.
  return wrap(quoted.join(''), 73, '=').replace(
    /=([0-9A-F]?)=\r?\n([0-9A-F]{1,2})/g,
    `=${eol}=$1$2`,
  );
}

describe('a page saved as one file (MHTML)', () => {
  const location = 'https://was.test/data/p';
  const page = PAGE.replace('<table>', '<p>数据</p><table>');

  it.each([
    ['quoted-printable', {}, '\r\n'],
    ['base64', { coding: 'base64' }, '\r\n'],
    ['binary', { coding: 'binary' }, '\r\n'],
    ['8bit, with its charset', { coding: '8bit', type: 'text/html; charset="utf-8"' }, '\r\n'],
    ['quoted-printable, line ends of Unix', {}, '\n'],
    ['base64, line ends of Unix', { coding: 'base64' }, '\n'],
  ])('is read as a page: %s', async (_, part, eol) => {
    const image = { type: 'image/png', body: 'iVBORw0KGgo=', coding: 'base64' };
    const bytes = mhtml([{ location, body: page, ...part }, image], { eol });
    for (const name of ['p.mhtml', 'p.mht', 'p.html', 'saved']) {
      const { urlOf, warnings, opened } = await openSaved({ [name]: bytes });
      for (const [i, file] of release.files.entries()) {
        expect(await urlOf(file.name)).toBe(`https://was.test/data/d?id=${i}`);
      }
      expect(warnings()).toEqual([]);
      expect(opened.kind).toBe('page');
    }
  });

  it('is read with the frame that shows the table, and where that was', async () => {
    const { urlOf } = await openSaved({
      'p.mhtml': mhtml([
        { location, body: '<title>CXR</title><iframe src="cid:frame-1@mhtml.blink"></iframe>' },
        { location: 'https://was.test/v2/t', id: 'frame-1@mhtml.blink', body: pageOf('d/1') },
      ]),
    });
    expect(await urlOf('ChestDx-1.zip')).toBe('https://was.test/v2/d/1');
  });

  it('of one part alone, as Internet Explorer writes it, is read', async () => {
    const text = [
      'From: "Saved by Internet Explorer 11"',
      'MIME-Version: 1.0',
      'Content-Type: text/html;',
      '\tcharset="utf-8"',
      'Content-Transfer-Encoding: quoted-printable',
      'Content-Location: https://was.test/data/p',
      '',
      encode(pageOf('d/1'), 'quoted-printable', '\r\n'),
    ].join('\r\n');
    const { urlOf } = await openSaved({ 'p.mht': text });
    expect(await urlOf('ChestDx-1.zip')).toBe('https://was.test/data/d/1');
  });

  it('was where the user says', async () => {
    const pageUrl = 'https://user.test/x/';
    const bytes = mhtml([{ location, body: pageOf('d/1') }]);
    const { urlOf } = await openSaved({ 'p.mhtml': bytes }, { pageUrl });
    expect(await urlOf('ChestDx-1.zip')).toBe('https://user.test/x/d/1');
  });

  it('was where the whole file says, where the part does not', async () => {
    const { urlOf } = await openSaved({ 'p.mhtml': mhtml([{ body: pageOf('d/1') }]) });
    expect(await urlOf('ChestDx-1.zip')).toBe('https://was.test/data/d/1');
  });

  it('that is cut is read as far as it goes', async () => {
    const bytes = mhtml([{ location, body: pageOf('d/1') }]);
    const { urlOf } = await openSaved({ 'p.mhtml': bytes.subarray(0, -90) });
    expect(await urlOf('ChestDx-1.zip')).toBe('https://was.test/data/d/1');
  });

  it.each([
    ['delimiters', `\r\n------MultipartBoundary--x----\r\n`.repeat(200_000)],
    ['delimiters in the middle of lines', `x------MultipartBoundary--x----`.repeat(200_000)],
    ['a header', `A: ${'b '.repeat(500_000)}`],
    ['escapes', '=\r\n'.repeat(500_000)],
    ['blanks', `=${' '.repeat(200_000)}`.repeat(5)],
  ])('with %s without end is read to its end', async (_, text) => {
    const head =
      'MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary="----MultipartBoundary--x----"\r\n\r\n';
    const part = '------MultipartBoundary--x----\r\nContent-Type: text/html\r\n';
    const coded = 'Content-Transfer-Encoding: quoted-printable\r\n\r\n';
    await expect(openSaved({ 'p.mhtml': head + part + coded + text })).rejects.toMatchObject({
      code: 'no-link',
    });
  });
});

describe('what is no saved page', () => {
  it('is said of a web archive of Safari, with what to do', async () => {
    await expect(openSaved({ 'p.webarchive': 'bplist00\xd1\x01\x02' })).rejects.toMatchObject({
      code: 'source-unusable',
      message: saying('web archive of Safari'),
      next: nextSaying('save it as "Page Source" instead'),
    });
  });

  it('is a page that is larger than any', async () => {
    const root = await tempDir();
    await writeFile(join(root, 'p.html'), Buffer.alloc(17 * 1024 * 1024, ' '));
    await expect(openOne(join(root, 'p.html'))).rejects.toMatchObject({
      code: 'source-unusable',
      message: saying('it has 17,825,792 bytes'),
    });
  });
});

it('two files that share an MD5 are told apart on a saved page, too', async () => {
  const row = (category: string, href: string) =>
    `<tr><td>${category}<td>${SHARED_MD5}<td><a href="https://h.test/${href}">download</a>`;
  const html = `<table>${row('Viral pneumonia', 'v')}${row('Other pneumonia', 'o')}</table>`;
  const { urlOf } = await openSaved({ 'p.html': html });
  expect(await urlOf('Viral-1.zip')).toBe('https://h.test/v');
  expect(await urlOf('Other-1.zip')).toBe('https://h.test/o');
});
