import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fastClock } from '../support/clock.ts';
import { saying, nextSaying } from '../support/matchers.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';
import {
  PAGE,
  type WebServer,
  fileOf,
  openOne as open,
  release,
  useWebServers,
} from './support.ts';

const tempDir = useTempDirs();
const serve = useWebServers();

describe('kept links', () => {
  async function useKept(change: (web: WebServer, path: string) => Promise<void> | void) {
    const linksCache = join(await tempDir(), '.ccxri', 'links.json');
    const web = await serve({ '/p': PAGE });
    const source = `${web.url.replace('//', '//me:s3cret@')}p`;
    const clock = fastClock({ date: () => new Date('2024-05-01T10:00:00Z') });
    const first = await open(source, { linksCache, clock });
    await first.opened.locate(fileOf('Viral-1.zip'));
    await change(web, linksCache);
    return { web, linksCache, first, again: await open(source, { linksCache }) };
  }

  it.each([
    ['is gone', { status: 404 }, /status 404/],
    ['is down', { status: 503 }, /status 503/],
    [
      'is a login page now',
      { body: '<title>Login</title><a href=/>x</a>' },
      /Login.*without any MD5/,
    ],
  ])('are used when the page %s, with a warning', async (_, page, why) => {
    const { web, again } = await useKept((server) => {
      server.pages['/p'] = page;
    });
    expect(await again.opened.locate(fileOf('Viral-1.zip'))).toEqual({
      kind: 'url',
      url: `${web.url}d?id=4`,
    });
    expect(await again.opened.locate(fileOf('ChestDx-1.zip'))).toBeDefined();
    expect(again.warnings()).toEqual([saying(why)]);
    expect(again.warnings()).toEqual([
      saying('continuing with the 9 links read from it on 2024-05-01'),
    ]);
    expect(again.opened.kind).toBe('page');
  });

  it('hold no user, no password, and nothing but links by name and MD5', async () => {
    const { linksCache, web, first } = await useKept(() => undefined);
    const text = await readFile(linksCache, 'utf8');
    expect(text).not.toContain('s3cret');
    const files = release.files.map(({ name, md5 }, i) => ({
      name,
      md5,
      url: `${web.url}d?id=${i}`,
    }));
    expect(JSON.parse(text)).toEqual({
      linksVersion: 1,
      pages: [{ page: `${web.url}p`, readAt: '2024-05-01T10:00:00.000Z', files }],
    });
    expect(first.warnings()).toEqual([]);
    expect(await listTree(join(linksCache, '..'))).toEqual(['links.json']);
  });

  it('are not used while the page comes, and are replaced by what it says', async () => {
    const { web, linksCache, again } = await useKept((server) => {
      server.pages['/p'] = PAGE.replaceAll('d?id=', 'v2/');
    });
    expect(await again.opened.locate(fileOf('Viral-1.zip'))).toEqual({
      kind: 'url',
      url: `${web.url}v2/4`,
    });
    expect(again.warnings()).toEqual([]);
    const text = await readFile(linksCache, 'utf8');
    expect(text).toContain('v2/4');
    expect(text).not.toContain('d?id=');
  });

  it.each([
    ['truncated', (text: string) => text.slice(0, -20)],
    ['empty', () => ''],
    [
      'of another version',
      (text: string) => text.replace('"linksVersion": 1', '"linksVersion": 2'),
    ],
    ['with an unknown key', (text: string) => text.replace('"readAt"', '"x": 1, "readAt"')],
    [
      'with another scheme',
      (text: string) => text.replaceAll(/"url": "http:[^"]*/g, '"url": "file:///etc/passwd'),
    ],
    ['of another page', (text: string) => text.replace(/\/p"/, '/q"')],
    ['of another release', (text: string) => text.replaceAll(/"md5": "../g, '"md5": "00')],
  ])('are not used when they are %s', async (_, mangle) => {
    const { again } = await useKept(async (web, path) => {
      await writeFile(path, mangle(await readFile(path, 'utf8')));
      web.pages['/p'] = { status: 503 };
    });
    await expect(again.opened.locate(fileOf('Viral-1.zip'))).rejects.toMatchObject({
      code: 'http-status',
      next: nextSaying('--source page.html'),
    });
    expect(again.warnings()).toEqual([]);
  });

  it('that can not be written are warned of; the page is used all the same', async () => {
    const root = await tempDir();
    await writeFile(join(root, 'file'), '');
    const web = await serve({ '/p': PAGE });
    const { opened, warnings } = await open(`${web.url}p`, {
      linksCache: join(root, 'file', 'links.json'),
    });
    expect(await opened.locate(fileOf('Viral-1.zip'))).toBeDefined();
    expect(warnings()).toEqual([saying(/links of http\S+p are not kept for later/)]);
  });
});
