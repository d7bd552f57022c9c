import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openSources } from '../../src/sources/open-source.ts';
import { saying, nextSaying } from '../support/matchers.ts';
import { useTempDirs, writeTree } from '../support/temp-dirs.ts';
import { fileOf, md5Of, release, sourceOptions } from './support.ts';

const tempDir = useTempDirs();
const isRoot = process.getuid?.() === 0;

async function open(...sources: readonly string[]) {
  const { options, warnings } = sourceOptions({ sources });
  return { opened: await openSources(sources, options), warnings };
}

async function locateIn(source: string, name: string) {
  const { opened } = await open(source);
  return opened[0]?.locate(fileOf(name));
}

const pageOf = (href: string) =>
  `<table><tr><td>${md5Of(1)}<td><a href="${href}">download</a></table>`;

describe('a directory', () => {
  it.each(['', 'archives', 'labels'])('has files by name in it or in %s', async (folder) => {
    const root = await tempDir();
    await writeTree(root, { [join(folder, 'ChestDx-1.zip')]: 'x' });
    const path = join(root, folder, 'ChestDx-1.zip');
    expect(await locateIn(root, 'ChestDx-1.zip')).toEqual({ kind: 'path', path });
    expect(await locateIn(pathToFileURL(root).href, 'ChestDx-1.zip')).toEqual({
      kind: 'path',
      path,
    });
    expect(await locateIn(root, 'ChestDx-2.zip')).toBeUndefined();
  });

  it('has files by their exact names alone', async () => {
    const root = await tempDir();
    await writeTree(root, { 'ChestDx-11.zip': '', 'xChestDx-1.zip': '', 'ChestDx-1.zip.part': '' });
    await mkdir(join(root, 'ChestDx-1.zip'));
    await symlink('nowhere', join(root, 'ChestDx-2.zip'));
    await symlink('ChestDx-11.zip', join(root, 'Viral-1.zip'));
    const { opened } = await open(root);
    const found = await Promise.all(release.files.flatMap((file) => opened[0]?.locate(file) ?? []));
    const names = release.files.filter((_, i) => found[i] !== undefined).map(({ name }) => name);
    expect(names).toEqual(['Viral-1.zip']);
    expect(opened[0]).toMatchObject({ kind: 'directory', name: root });
  });

  it.skipIf(isRoot)('says of a file that may not be read that it may not', async () => {
    const root = await tempDir();
    await writeTree(root, { 'ChestDx-1.zip': 'x' });
    await chmod(join(root, 'ChestDx-1.zip'), 0);
    await expect(locateIn(root, 'ChestDx-1.zip')).rejects.toMatchObject({
      code: 'source-unusable',
      message: saying('EACCES'),
    });
  });

  it('ends on abort', async () => {
    const { opened } = await open(await tempDir());
    const stopped = opened[0]?.locate(fileOf('Viral-1.zip'), AbortSignal.abort());
    await expect(stopped).rejects.toMatchObject({ code: 'aborted' });
  });
});

describe('a file of the release itself', () => {
  it('is a source of that file, by path and by URL', async () => {
    const root = await tempDir();
    await writeTree(root, { 'ChestDx-1.zip': 'x' });
    const path = join(root, 'ChestDx-1.zip');
    expect(await locateIn(path, 'ChestDx-1.zip')).toEqual({ kind: 'path', path });
    expect(await locateIn(path, 'ChestDx-2.zip')).toBeUndefined();
    const url = 'https://me:pw@h.test/d/ChestDx-1.zip?sig=1';
    const { opened } = await open(url);
    expect(opened[0]).toMatchObject({ kind: 'file', name: 'https://h.test/d/ChestDx-1.zip?…' });
    expect(await opened[0]?.locate(fileOf('ChestDx-1.zip'))).toEqual({
      kind: 'url',
      url: 'https://h.test/d/ChestDx-1.zip?sig=1',
    });
    expect(await opened[0]?.locate(fileOf('ChestDx-2.zip'))).toBeUndefined();
  });
});

describe('a URL with {name}', () => {
  it.each([
    ['https://h.test/{name}', 'https://h.test/ChestDx-1.zip'],
    ['https://u:p@h.test/get?file={name}&token=x', 'https://h.test/get?file=ChestDx-1.zip&token=x'],
    ['https://h.test/{name}/raw/{name}', 'https://h.test/ChestDx-1.zip/raw/ChestDx-1.zip'],
  ])('%s has each file in that place', async (source, url) => {
    expect(await locateIn(source, 'ChestDx-1.zip')).toEqual({ kind: 'url', url });
  });

  it('is printed without its secrets, and with {name}', async () => {
    const { opened } = await open('https://u:p@h.test/{name}?token=x');
    expect(opened[0]).toMatchObject({ kind: 'base-url', name: 'https://h.test/{name}?…' });
  });
});

describe('a saved page', () => {
  it('is read by its path, its file:// URL, and under any name', async () => {
    const root = await tempDir();
    await writeTree(root, {
      'p.html': pageOf('https://h.test/1'),
      'q.txt': `\n<!-- x -->${pageOf('https://h.test/1')}`,
    });
    for (const name of ['p.html', 'q.txt']) {
      const location = { kind: 'url', url: 'https://h.test/1' };
      expect(await locateIn(join(root, name), 'ChestDx-1.zip')).toEqual(location);
      expect(await locateIn(pathToFileURL(join(root, name)).href, 'ChestDx-1.zip')).toEqual(
        location,
      );
      expect(await locateIn(join(root, name), 'ChestDx-2.zip')).toBeUndefined();
    }
  });

  it.each([
    ['gbk', Buffer.from([0xcf, 0xc2, 0xd4, 0xd8])],
    ['utf-8', Buffer.from('下载')],
  ])('is read in its own encoding: %s', async (charset, download) => {
    const root = await tempDir();
    const start = `<meta charset=${charset}><p>${md5Of(1)} <a href="https://h.test/0">x</a>`;
    const html = [`${start} <a href="https://h.test/1">`, download, '</a>'];
    await writeFile(join(root, 'p.html'), Buffer.concat(html.map((it) => Buffer.from(it))));
    const location = await locateIn(join(root, 'p.html'), 'ChestDx-1.zip');
    expect(location).toMatchObject({ url: 'https://h.test/1' });
  });

  it('in UTF-16 is read by its mark', async () => {
    const root = await tempDir();
    await writeFile(
      join(root, 'p.html'),
      Buffer.from(`\ufeff${pageOf('https://h.test/1')}`, 'utf16le'),
    );
    expect(await locateIn(join(root, 'p.html'), 'ChestDx-1.zip')).toMatchObject({
      url: 'https://h.test/1',
    });
  });

  it('with relative links that says where it was warns of nothing; one that does not, once', async () => {
    const root = await tempDir();
    const comment = '<!-- saved from url=(0020)https://was.test/d/ -->';
    await writeTree(root, { 'a.html': `${comment}${pageOf('1')}`, 'b.html': pageOf('1') });
    const { opened, warnings } = await open(join(root, 'a.html'), join(root, 'b.html'));
    const urls = await Promise.all(opened.map((it) => it.locate(fileOf('ChestDx-1.zip'))));
    expect(urls).toMatchObject([{ url: 'https://was.test/d/1' }, { url: 'https://x.test/cxr/1' }]);
    expect(warnings()).toEqual([
      saying(/b\.html does not say where it was saved from.*x\.test\/cxr/),
    ]);
  });

  it.each<[string, string, RegExp, string?]>([
    ['p.html', '<title>Login</title><p>please', /Login.*without any link.*login or busy page/],
    [
      'p.html',
      '<a href="/a">x</a><a href="javascript:0">y</a>',
      /2 links \(1 can be followed\).*without any MD5 of Test-CXR 2.0.*scripts/,
    ],
    [
      'p.html',
      `<p>${'e'.repeat(32)} <a href="/a">x</a>`,
      /1 MD5, but none of Test-CXR 2.0.*another release/,
    ],
    [
      'p.html',
      `<table><tr><td>${md5Of(1)}<td><a href="javascript:get(1)">d</a></table>`,
      /lists 1 file .* no link with them that can be followed.*scripts/,
    ],
    ['p.html', `<table><tr><td>${md5Of(1)}</table>`, /lists 1 file .* no link at all/],
    ['p.html', '', /is empty|without any link/],
    ['p.bin', '', /it is empty/, 'source-unusable'],
    ['p.bin', 'PK\x03\x04', /no saved page: it does not read as HTML/, 'source-unusable'],
    [
      'p.mhtml',
      'From: <Saved by Blink>\r\nSnapshot-Content-Location: https://h.test/\r\n',
      /MHTML/,
      'source-unusable',
    ],
    ['p.html', '<b>'.repeat(2000), /nested too deep/, 'source-unusable'],
    ['p.html', '<title>\x1b]8;;evil\x07</title>', /\\x1b\]8;;evil\\x07/],
  ])(
    'that is of no use is reported at once, with the next steps: %s %s',
    async (name, html, why, code = 'no-link') => {
      const root = await tempDir();
      await writeFile(join(root, name), html);
      await expect(open(join(root, name))).rejects.toMatchObject({
        code,
        message: saying(why),
        next: nextSaying(
          /--source page\.html .save https:\/\/x\.test\/cxr\/ in a browser.*--source URL-or-directory/,
        ),
      });
    },
  );
});

describe('what is no source', () => {
  it.each([
    ['/no/such/place', /no such directory or file/],
    ['', /no such directory or file$/],
    ['nope.html', /no such directory or file$/],
    ['lab.example.org/cxr/', /no such directory or file.*begins with https/],
    ['localhost:8080/', /begins with https/],
    ['~/mirror', /not your home directory/],
    ['s3://bucket/x', /a s3:\/\/ address can't be a source/],
    ['ftp://user:secret@h.test/', /ftp/],
    ['http://', /no valid URL/],
    ['http://[', /no valid URL/],
    ['file://server/share', /names no file of this machine/],
    ['/dev/null', /neither a directory nor a file/],
  ])('is reported at once, with the next steps: %s', async (source, why) => {
    const error: unknown = await open(source).catch((it: unknown) => it);
    expect(error).toMatchObject({
      code: 'source-unusable',
      message: saying(why),
      next: nextSaying('--source page.html'),
    });
    expect(JSON.stringify(error)).not.toContain('secret');
  });

  it('is left for the others where there are others, and fails for each file', async () => {
    const root = await tempDir();
    const { opened } = await open('/no/such/place', root, '/no/page.html');
    expect(opened.map(({ kind }) => kind)).toEqual(['directory', 'directory', 'page']);
    for (const name of ['Viral-1.zip', 'Viral-2.zip']) {
      await expect(opened[0]?.locate(fileOf(name))).rejects.toMatchObject({
        code: 'source-unusable',
        facts: { source: '/no/such/place' },
      });
    }
  });

  it('is reported with all reasons if none can be used', async () => {
    await expect(open('/no/1', '/no/2')).rejects.toMatchObject({
      facts: { reasons: [saying('/no/1'), saying('/no/2')] },
    });
  });
});
