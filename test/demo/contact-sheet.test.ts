import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultTreeAdapter as tree, parse, type DefaultTreeAdapterTypes } from 'parse5';
import { describe, expect, it } from 'vitest';
import { renderContactSheet, writeContactSheet } from '../../src/demo/contact-sheet.ts';
import { layoutOf } from '../../src/dataset/layout.ts';
import { buildIndex } from '../../src/labels/build-index.ts';
import type { IndexRow } from '../../src/labels/join.ts';
import { loadManifest } from '../../src/manifest/load.ts';
import { useTempDirs, writeTree } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const ABOUT = { dataset: 'A <set> & "more"', citation: 'Cite <nobody>.' };

const row = (more: Partial<IndexRow>): IndexRow => ({
  path: 'images/Normal-1/patient1_000.jpg',
  image: 'patient1_000.jpg',
  archive: 'Normal-1',
  subset: 'normal',
  class: 'Normal',
  patientId: 'patient1',
  labels: null,
  covid: null,
  check: 'verified',
  ...more,
});

type Element = DefaultTreeAdapterTypes.Element;

/** All elements of a page that has no error of syntax. */
function elementsOf(html: string): readonly Element[] {
  const errors: string[] = [];
  const page = parse(html, { onParseError: ({ code }) => errors.push(code) });
  expect(errors).toEqual([]);
  const below = (node: DefaultTreeAdapterTypes.ParentNode): readonly Element[] =>
    node.childNodes.flatMap((child) => (tree.isElementNode(child) ? [child, ...below(child)] : []));
  return below(page);
}

function textOf(node: DefaultTreeAdapterTypes.ParentNode): string {
  return node.childNodes
    .map((child) =>
      tree.isTextNode(child) ? child.value : 'childNodes' in child ? textOf(child) : '',
    )
    .join('');
}

const named = (elements: readonly Element[], name: string) =>
  elements.filter(({ tagName }) => tagName === name);
const attribute = ({ attrs }: Element, name: string) =>
  attrs.find((each) => each.name === name)?.value;

describe('renderContactSheet', () => {
  it('shows images by class, each with its labels', () => {
    const elements = elementsOf(
      renderContactSheet(ABOUT, [
        row({}),
        row({ class: 'COVID-19', image: 'b.jpg', path: 'images/Viral-1/b.jpg' }),
        row({ image: 'c.jpg', path: 'images/Normal-1/c.jpg' }),
        row({ class: null, subset: 'chestdx', labels: (1 << 0) | (1 << 11), image: 'd.jpg' }),
        row({ class: null, subset: 'chestdx', labels: 1 << 14, image: 'e.jpg' }),
        row({ class: null, subset: 'chestdx', labels: null, image: 'f.jpg' }),
      ]),
    );
    expect(named(elements, 'h2').map(textOf)).toEqual([
      'Normal 2 images',
      'COVID-19 1 image',
      'chestdx 3 images',
    ]);
    expect(named(elements, 'figcaption').map(textOf)).toEqual([
      'Normalpatient1_000.jpg',
      'Normalc.jpg',
      'COVID-19b.jpg',
      'Atelectasis, Pleural Thickeningd.jpg',
      'No Findinge.jpg',
      'labels not knownf.jpg',
    ]);
    expect(named(elements, 'img').map((img) => attribute(img, 'alt'))).toContain('COVID-19');
  });

  it('escapes what archives and manifests say', () => {
    const image = `"><script>alert('1')</script>&amp;.jpg`;
    const path = `images/A-1/100% #1?/${image}`;
    const elements = elementsOf(renderContactSheet(ABOUT, [row({ image, path, class: null })]));
    expect(named(elements, 'script')).toEqual([]);
    expect(named(elements, 'title').map(textOf)).toEqual([ABOUT.dataset]);
    expect(named(elements, 'p').map(textOf).join()).toContain(ABOUT.citation);
    expect(named(elements, 'figcaption').map(textOf).join()).toContain(image);
    const [img] = named(elements, 'img');
    const source = (img && attribute(img, 'src')) ?? '';
    expect(decodeURIComponent(new URL(source, 'file:///set/').pathname)).toBe(`/set/${path}`);
  });

  it('needs nothing from elsewhere, and follows the colours of the reader', () => {
    const html = renderContactSheet(ABOUT, [row({})]);
    const elements = elementsOf(html);
    const links = elements.flatMap((each) => [attribute(each, 'src'), attribute(each, 'href')]);
    for (const link of links) expect(link ?? '').not.toMatch(/^(?:\w+:|\/)/);
    expect(['link', 'script', 'iframe'].flatMap((name) => named(elements, name))).toEqual([]);
    expect(html).not.toMatch(/@import|url\(/);
    expect(html).toContain('color-scheme: light dark');
  });
});

describe('writeContactSheet', () => {
  it('shows the rows of the index that lies beside it', async () => {
    const dest = await tempDir();
    const manifest = await loadManifest();
    const image = 'images/Normal-1/patient1_000.jpg';
    await writeTree(dest, { [image]: 'x', 'images/Other-1/patient2_000.jpg': 'x' });
    await buildIndex({ dest, manifest });
    const path = await writeContactSheet({ dest, manifest });
    expect(path).toBe(join(dest, 'contact-sheet.html'));
    const elements = elementsOf(await readFile(path, 'utf8'));
    const sources = named(elements, 'img').map((img) => attribute(img, 'src'));
    const index = await readFile(layoutOf(dest).index, 'utf8');
    const paths = index
      .trimEnd()
      .split('\n')
      .slice(1)
      .map((line) => line.split(',')[0]);
    expect(sources).toEqual(paths);
    expect(sources).toContain(image);
  });
});
