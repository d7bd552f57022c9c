import { describe, expect, it } from 'vitest';
import { renderPage } from '../../scripts/release/render-page.ts';
import { openSources } from '../../src/sources/open-source.ts';
import { sourceOptions } from '../sources/support.ts';
import { makeStandIn } from '../support/stand-in.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const PAGE = 'http://127.0.0.1:4321/data/index.html';

/** Where the project's own page reader finds each file on a page that is served at `PAGE`. */
async function readLinks(page: string, manifest: Parameters<typeof renderPage>[0]) {
  const { options } = sourceOptions({
    manifest,
    loadPage: () => Promise.resolve({ text: page, url: PAGE, contentType: 'text/html' }),
  });
  const [source] = await openSources([PAGE], options);
  const found = manifest.files.map(async (file) => [file.name, await source!.locate(file)]);
  return Object.fromEntries(await Promise.all(found)) as unknown;
}

describe("a release's page", () => {
  it.each([undefined, 'Viral-1', 'Other-1', 'neither'] as const)(
    'has every file where the page reader looks for it (MD5 doubled: %s)',
    async (doubledMd5) => {
      const doubled = doubledMd5 === undefined ? {} : { doubledMd5 };
      const { page, manifest } = await makeStandIn(await tempDir(), doubled);
      const expected = manifest.files.map(({ name }) => [
        name,
        { kind: 'url', url: new URL(name, PAGE).href },
      ]);
      expect(await readLinks(page, manifest)).toEqual(Object.fromEntries(expected));
    },
  );

  it('is read as a saved page too, its links being those of the homepage', async () => {
    const homepage = 'https://data.example/ccxri/';
    const { pagePath, manifest } = await makeStandIn(await tempDir(), { homepage });
    const { options } = sourceOptions({
      manifest,
      loadPage: () => Promise.reject(new Error('nothing is to be loaded')),
    });
    const [source] = await openSources([pagePath], options);
    expect(await source!.locate(manifest.files[0]!)).toEqual({
      kind: 'url',
      url: 'https://data.example/ccxri/ChestDx-1.zip',
    });
  });

  it('shows each category once, over the rows of its archives', async () => {
    const { page } = await makeStandIn(await tempDir());
    const spans = [...page.matchAll(/<td rowspan="(\d+)">([^<]*)<\/td>/g)];
    expect(spans.map(([, span, category]) => [Number(span), category])).toEqual([
      [2, 'ChestDx'],
      [1, 'ChestDx_PE'],
      [1, ''],
      [1, 'Normal controls'],
      [1, 'Viral pneumonia'],
      [1, ''],
      [1, 'Other pneumonia'],
    ]);
  });

  it('escapes what a manifest says', async () => {
    const { manifest } = await makeStandIn(await tempDir());
    const page = renderPage({ ...manifest, dataset: '<b>"&' });
    expect(page).toContain('<h1>&#60;b&#62;&#34;&#38;</h1>');
    expect(page).not.toContain('<b>');
  });
});
