import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CcxriError } from '../../src/errors.ts';
import { type Found, locationsOf, openSources } from '../../src/sources/open-source.ts';
import type { Location, Source } from '../../src/sources/source.ts';
import { useTempDirs, writeTree } from '../support/temp-dirs.ts';
import { fileOf, manifestOf, md5Of, release, sourceOptions, useWebServers } from './support.ts';

const tempDir = useTempDirs();
const serve = useWebServers();

async function collect(found: AsyncGenerator<Found>): Promise<readonly Found[]> {
  const all: Found[] = [];
  for await (const each of found) all.push(each);
  return all;
}

const withUrl = manifestOf(
  release.files.map((file) =>
    file.name === 'Viral-1.zip' ? { ...file, url: 'https://own.test/v1' } : file,
  ),
);

describe('the order of sources', () => {
  it('is as named; the homepage is one only where none is named', async () => {
    const root = await tempDir();
    const sources = ['https://b.test/', root, 'https://a.test/'];
    const { options } = sourceOptions();
    const named = await openSources(sources, options);
    expect(named.map(({ name }) => name)).toEqual(sources);
    const byDefault = await openSources([], options);
    expect(byDefault.map(({ name, kind }) => [name, kind])).toEqual([
      ['https://x.test/cxr/', 'page'],
    ]);
  });

  it("has a file's own url behind what is named, and before the homepage", async () => {
    const root = await tempDir();
    const { options } = sourceOptions({ manifest: withUrl });
    const kindsOf = async (...sources: readonly string[]) =>
      (await openSources(sources, options)).map(({ kind }) => kind);
    expect(await kindsOf(root)).toEqual(['directory', 'manifest']);
    expect(await kindsOf()).toEqual(['manifest', 'page']);
  });
});

describe('locationsOf', () => {
  it('asks one source after the other, and only as far as needed', async () => {
    const root = await tempDir();
    await writeTree(root, { 'Viral-1.zip': 'x' });
    const web = await serve({ '/p.html': `<p>${md5Of(1)} <a href=1>x</a>` });
    const { options } = sourceOptions();
    const sources = await openSources([root, `${web.url}p.html`], options);
    const asking = locationsOf(fileOf('Viral-1.zip'), sources);
    expect((await asking.next()).value).toEqual({
      source: sources[0],
      location: { kind: 'path', path: join(root, 'Viral-1.zip') },
    });
    expect(web.asked).toEqual([]);
    expect((await asking.next()).value).toEqual({ source: sources[1] });
    expect(web.asked).toEqual(['/p.html']);
    expect((await asking.next()).done).toBe(true);
  });

  it('reports the failure of a source, and continues', async () => {
    const web = await serve({ '/p.html': { status: 404 } });
    const { options } = sourceOptions({ manifest: withUrl });
    const sources = await openSources([`${web.url}p.html`], options);
    const [first, second, ...rest] = await collect(
      locationsOf(fileOf('Viral-1.zip', withUrl), sources),
    );
    expect(first).toMatchObject({ source: sources[0], error: { code: 'http-status' } });
    expect(second).toMatchObject({ location: { url: 'https://own.test/v1' } });
    expect(rest).toEqual([]);
  });

  it('does not report that the manifest has no url of a file', async () => {
    const { options } = sourceOptions({ manifest: withUrl });
    const root = await tempDir();
    const sources = await openSources([root], options);
    const found = await collect(locationsOf(fileOf('Viral-2.zip', withUrl), sources));
    expect(found).toEqual([{ source: sources[0] }]);
  });

  const fixed = (name: string, location: Location | undefined): Source => ({
    kind: 'file',
    name,
    locate: () => Promise.resolve(location),
  });

  it('names an address once', async () => {
    const [one, two]: readonly Location[] = [
      { kind: 'url', url: 'https://h.test/1' },
      { kind: 'url', url: 'https://h.test/2' },
    ];
    const sources = [fixed('a', one), fixed('b', undefined), fixed('c', one), fixed('d', two)];
    const found = await collect(locationsOf(fileOf('Viral-1.zip'), sources));
    expect(found.map(({ source }) => source.name)).toEqual(['a', 'b', 'd']);
  });

  it('throws what ends the run: a stop, and a bug', async () => {
    const failing = (error: Error): Source => ({
      kind: 'file',
      name: 'x',
      locate: () => Promise.reject(error),
    });
    const file = fileOf('Viral-1.zip');
    const stopped = locationsOf(file, [failing(new CcxriError('aborted', 'x'))]);
    await expect(stopped.next()).rejects.toMatchObject({ code: 'aborted' });
    await expect(locationsOf(file, [failing(new TypeError('bug'))]).next()).rejects.toThrow(
      TypeError,
    );
    const before = locationsOf(file, [fixed('a', undefined)], AbortSignal.abort());
    await expect(before.next()).rejects.toMatchObject({ code: 'aborted' });
  });
});
