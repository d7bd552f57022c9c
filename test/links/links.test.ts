import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { resolveLinks } from '../../src/links.ts';
import { toPrintableLink } from '../../src/text.ts';
import { PAGE, closedUrl, manifestOf, md5Of, release, useWebServers } from '../sources/support.ts';
import { fastClock } from '../support/clock.ts';
import { saying, nextSaying } from '../support/matchers.ts';
import { answer, html, useRawServers } from '../support/raw-server.ts';
import { useTempDirs, writeTree } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const serve = useWebServers();
const serveRaw = useRawServers();

describe('resolveLinks', () => {
  it('says of every file where it comes from, in the order of the manifest', async () => {
    const web = await serve({ '/p': PAGE });
    const { links, tried } = await resolveLinks({ manifest: release, sources: [`${web.url}p`] });
    expect(links).toEqual(
      release.files.map(({ name, kind, md5, subsets }, i) => {
        const [source, location] = [`${web.url}p`, `${web.url}d?id=${i}`];
        return { file: name, kind, subsets, md5, source, location };
      }),
    );
    expect(tried).toEqual([{ source: `${web.url}p`, kind: 'page', found: 9 }]);
    expect(web.asked).toEqual(['/p']);
  });

  it('#193 sends the cookies of a wall back, from one request for the page to the next', async () => {
    const wall = await serveRaw((request, reply) =>
      reply.send(
        request.headers['cookie'] === 'seen=1'
          ? html(PAGE)
          : answer(503, 'wait', { 'Set-Cookie': 'seen=1; Path=/' }),
      ),
    );
    const options = { manifest: release, sources: [`${wall.url}/p`], clock: fastClock() };
    const { tried } = await resolveLinks(options);
    expect(tried).toMatchObject([{ kind: 'page', found: 9 }]);
    expect(wall.requests).toHaveLength(2);
  });

  it('takes the homepage where no source is named, and a selection', async () => {
    const web = await serve({ '/': PAGE });
    const manifest = manifestOf(release.files, web.url);
    const selection = { files: ['Viral-2', 'chest_dx.csv'] };
    const { links, tried } = await resolveLinks({ manifest, selection });
    expect(links).toMatchObject([
      { file: 'chest_dx.csv', kind: 'labels', location: `${web.url}d?id=3` },
      { file: 'Viral-2.zip', kind: 'archive', location: `${web.url}d?id=5` },
    ]);
    expect(tried).toEqual([{ source: web.url, kind: 'page', found: 2 }]);
  });

  it('takes the first source that has a file, and says what each came to', async () => {
    const root = await tempDir();
    await writeTree(root, { 'ChestDx-1.zip': 'x', 'labels/chest_dx.csv': 'x' });
    const web = await serve({
      '/p.html': `<p>${md5Of(1)}<a href=1>x</a><p>${md5Of(2)}<a href=2>x</a>`,
    });
    const gone = `${web.url}gone.html`;
    const sources = ['/no/such/place', root, gone, `${web.url}p.html`];
    const { links, tried } = await resolveLinks({ manifest: release, sources });
    const where = links.map(({ source, location }) => [source, location]);
    expect(where.slice(0, 2)).toEqual([
      [root, join(root, 'ChestDx-1.zip')],
      [`${web.url}p.html`, `${web.url}2`],
    ]);
    expect(links[2]).toMatchObject({ source: null, location: null });
    expect(tried).toMatchObject([
      { source: '/no/such/place', kind: 'directory', found: 0, error: { code: 'source-unusable' } },
      { source: root, kind: 'directory', found: 2 },
      { source: gone, kind: 'page', found: 0, error: { code: 'http-status' } },
      { source: `${web.url}p.html`, kind: 'page', found: 2 },
    ]);
  });

  it('says of a file that no source has what each said, with the next steps', async () => {
    const root = await tempDir();
    const web = await serve({ '/gone.html': { status: 410 } });
    const sources = [root, `${web.url}gone.html`];
    const selection = { files: ['ChestDx-1'] };
    const { links } = await resolveLinks({ manifest: release, sources, selection });
    expect(links[0]?.error).toMatchObject({
      code: 'http-status',
      message: 'none of 2 sources has ChestDx-1.zip',
      facts: {
        file: 'ChestDx-1.zip',
        reasons: [
          `ChestDx-1.zip is not at ${root}`,
          saying(/gone\.html: it answers with status 410/),
        ],
      },
      next: nextSaying(/check its address, or give another --source/),
    });
    const alone = await resolveLinks({ manifest: release, sources: [root], selection });
    expect(alone.links[0]?.error).toMatchObject({
      code: 'file-not-at-source',
      message: `ChestDx-1.zip is not at ${root}`,
      next: nextSaying('--source page.html'),
    });
  });

  it('by default, if the homepage does not respond, says so of every file with the next steps', async () => {
    const homepage = await closedUrl();
    const manifest = manifestOf(release.files, homepage);
    const { links, tried } = await resolveLinks({ manifest });
    expect(links.length).toBe(9);
    for (const { error } of links) {
      expect(error).toMatchObject({
        code: 'network',
        message: saying(`could not read the page ${homepage}`),
        next: nextSaying(/--source page\.html .*--source URL-or-directory/),
      });
    }
    expect(tried).toMatchObject([
      { source: homepage, kind: 'page', found: 0, error: { code: 'network' } },
    ]);
  });

  it("takes a file's own url", async () => {
    const manifest = manifestOf(
      release.files.map((file, i) =>
        i === 0 ? { ...file, url: 'https://own.test/1?token=x' } : file,
      ),
      await closedUrl(),
    );
    const { links } = await resolveLinks({ manifest, selection: { files: ['ChestDx-1'] } });
    expect(links[0]).toMatchObject({
      source: "the manifest's url",
      location: 'https://own.test/1?token=…',
    });
  });

  it('sends headers and credentials to the origins of its sources, and shows neither', async () => {
    const web = await serve({ '/p': PAGE.replaceAll('d?id=', 'd?sig=abc&id=') });
    const sources = [`${web.url.replace('//', '//me:s3cret@')}p`];
    const headers = { 'x-key': 'k3y' };
    const { links, tried } = await resolveLinks({ manifest: release, sources, headers });
    expect(web.headers[0]).toMatchObject({
      'x-key': 'k3y',
      authorization: `Basic ${Buffer.from('me:s3cret').toString('base64')}`,
    });
    expect(links[0]?.location).toBe(`${web.url}d?sig=…&id=0`);
    const all = JSON.stringify([links, tried]);
    for (const secret of ['s3cret', 'k3y', 'abc']) expect(all).not.toContain(secret);
  });

  it('says of a single file why its location is unknown', async () => {
    const { md5 } = release.files.find(({ name }) => name === 'Viral-1.zip') ?? {};
    const twice = `<tr><td>${md5 ?? ''}<td><a href=a>x</a>`.repeat(2);
    const web = await serve({
      '/p': `<table>${twice}<tr><td>${md5Of(1)}<td><a href=1>x</a></table>`,
    });
    const { links, tried } = await resolveLinks({ manifest: release, sources: [`${web.url}p`] });
    const failed = links.filter(({ error }) => error?.message.includes('several files'));
    expect(failed.map(({ file }) => file)).toEqual(['Viral-1.zip', 'Other-1.zip']);
    expect(tried).toEqual([{ source: `${web.url}p`, kind: 'page', found: 1 }]);
  });

  it('throws what is wrong with the selection, and an abort', async () => {
    const manifest = release;
    await expect(resolveLinks({ manifest, selection: { subsets: ['x'] } })).rejects.toMatchObject({
      code: 'unknown-subset',
    });
    await expect(resolveLinks({ manifest, sources: ['/no/such'] })).rejects.toMatchObject({
      code: 'source-unusable',
    });
    const signal = AbortSignal.abort();
    await expect(resolveLinks({ manifest, signal })).rejects.toMatchObject({ code: 'aborted' });
  });
});

describe('toPrintableLink', () => {
  it.each([
    ['https://h.test/download?file=ChestDx-1', 'https://h.test/download?file=ChestDx-1'],
    ['https://u:p@h.test:81/a?b#c', 'https://h.test:81/a?b'],
    ['https://h.test/a?id=1&token=abc&x', 'https://h.test/a?id=1&token=…&x'],
    ['https://h.test/a?Signature=abc%3D&Expires=5', 'https://h.test/a?Signature=…&Expires=5'],
    [
      'https://h.test/a?X-Amz-Credential=a%2Fb&X-Amz-Date=1',
      'https://h.test/a?X-Amz-Credential=…&X-Amz-Date=…',
    ],
    [
      'https://h.test/a?OSSAccessKeyId=a&Key-Pair-Id=b',
      'https://h.test/a?OSSAccessKeyId=…&Key-Pair-Id=…',
    ],
    [
      'https://h.test/a?access_token=1&apiKey=2&api-key=3',
      'https://h.test/a?access_token=…&apiKey=…&api-key=…',
    ],
    ['https://h.test/a?%74oken=1&to%6ben=2', 'https://h.test/a?%74oken=…&to%6ben=…'],
    [
      'https://h.test/a?sv=1&sig=2&sign=3&auth=4&pwd=5',
      'https://h.test/a?sv=1&sig=…&sign=…&auth=…&pwd=…',
    ],
    [
      'https://h.test/a?design=1&author=2&keyword=3&monkey=4',
      'https://h.test/a?design=1&author=2&keyword=3&monkey=4',
    ],
    ['https://h.test/a?authtoken=1&clientsecret=2', 'https://h.test/a?authtoken=…&clientsecret=…'],
    ['https://h.test/a?token', 'https://h.test/a?token'],
    ['https://h.test/a?%zz=1', 'https://h.test/a?%zz=1'],
    ['no url', 'no url'],
  ])('%s', (url, expected) => {
    expect(toPrintableLink(url)).toBe(expected);
  });
});
