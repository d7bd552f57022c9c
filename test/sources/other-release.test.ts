import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCli } from '../support/run-cli.ts';
import { nextSaying, saying } from '../support/matchers.ts';
import { makeStandIn } from '../support/stand-in.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';
import { PAGE, fileOf, md5Of, openOne, release, rowOf, useWebServers } from './support.ts';

const serve = useWebServers();
const tempDir = useTempDirs();

/** The page as it is once another release has come out. */
const other = (page: string) =>
  page.replaceAll(/\b[0-9a-f]{32}\b/g, (md5) =>
    md5.split('').reverse().join('').replace(/^./, 'e'),
  );
/** The links of a page with the files' own names. */
const named = other(PAGE).replaceAll(
  /href="d\?id=(\d+)"/g,
  (_, at: string) => `href="files/${release.files[Number(at)]?.name ?? ''}"`,
);

const otherRelease = {
  code: 'other-release',
  message: saying('of another release than the manifest: of its'),
  facts: { wholeSource: true, permanent: true, kept: saying('nothing was downloaded') },
  next: nextSaying(/newer version of ccxri.+--manifest FILE/),
};

describe('a page of another release', () => {
  it.each([
    ['with the names of the files', named],
    ['a table with other links', other(PAGE)],
  ])('is noticed, asked once, and nothing else is asked for: %s', async (_, body) => {
    const web = await serve({ '/p.html': body });
    const { opened } = await openOne(`${web.url}p.html`);
    for (const { name } of release.files) {
      await expect(opened.locate(fileOf(name))).rejects.toMatchObject(otherRelease);
    }
    expect(web.asked).toEqual(['/p.html']);
  });

  it('is noticed where the URL may be a base URL', async () => {
    const web = await serve({ '/p/': named });
    const { opened } = await openOne(`${web.url}p/`);
    await expect(opened.locate(fileOf('ChestDx-1.zip'))).rejects.toMatchObject(otherRelease);
    expect(web.asked).toEqual(['/p/']);
  });

  it('is noticed when it was saved', async () => {
    const path = join(await tempDir(), 'page.html');
    await writeFile(path, named);
    await expect(openOne(path)).rejects.toMatchObject(otherRelease);
  });

  it('is not one that has some of the MD5s', async () => {
    const [first = ''] = release.files.map(rowOf);
    const web = await serve({ '/p.html': `${named}<table>${first}</table>` });
    const { opened } = await openOne(`${web.url}p.html`);
    expect(await opened.locate(fileOf('ChestDx-1.zip'))).toBeDefined();
    expect(await opened.locate(fileOf('ChestDx-2.zip'))).toBeDefined();
  });

  it.each([
    ['a listing with digits of something else', `<title>Index of /x</title>${named}`],
    ['one MD5 beside many names', named.replaceAll(/\be[0-9a-f]{31}\b/g, '') + md5Of(99)],
  ])('is not %s', async (_, body) => {
    const web = await serve({ '/p/': body });
    const { opened } = await openOne(`${web.url}p/`);
    expect(await opened.locate(fileOf('ChestDx-1.zip'))).toBeDefined();
  });
});

describe('what the commands say of it', () => {
  it('before the first byte of a file', async () => {
    const root = await tempDir();
    const { manifestPath, pagePath } = await makeStandIn(join(root, 'release'));
    const web = await serve({ '/p.html': other(await readFile(pagePath, 'utf8')) });
    const dest = join(root, 'set');
    const source = ['--source', `${web.url}p.html`, '--manifest', manifestPath];
    const runs = [
      ['fetch', '--subset', 'all', '--dest', dest, ...source],
      ['links', ...source],
      ['doctor', '--dest', dest, ...source],
    ];
    for (const argv of runs) {
      web.asked.length = 0;
      const { code, stdout, stderr } = await runCli(argv);
      expect(code, argv[0]).toBe(9);
      const said = `${stdout}${stderr}`.replaceAll(/\s+/g, ' ');
      expect(said).toContain(`${web.url}p.html is of another release than the manifest`);
      expect(said).toContain('get a newer version of ccxri');
      expect(new Set(web.asked)).toEqual(new Set(['/p.html']));
    }
    expect((await listTree(dest)).filter((path) => /zip|csv/.test(path))).toEqual([]);
  });
});
