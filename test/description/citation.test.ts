import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { citationOf, readPaper } from '../../src/description/citation.ts';
import { loadManifest } from '../../src/manifest/load.ts';
import { faultsOf } from '../support/description-schemas.ts';
import { saying } from '../support/matchers.ts';

const manifest = await loadManifest();

describe('CITATION.cff', () => {
  it('has the paper to cite, and names no license', () => {
    const text = citationOf(manifest);
    const cff: unknown = parse(text);
    expect(faultsOf('citation', cff)).toEqual([]);
    expect(cff).toMatchObject({
      title: 'CC-CXRI',
      version: '2.0',
      'date-released': '2021-03-21',
      abstract: saying('License: not stated by the publisher.'),
      'preferred-citation': {
        type: 'article',
        title: saying('viral, non-viral and COVID-19 pneumonia'),
        journal: 'Nature Biomedical Engineering',
        ...{ volume: '5', issue: '6', start: '509', end: '521', year: 2021 },
        doi: '10.1038/s41551-021-00704-1',
        authors: [
          { 'family-names': 'Wang', 'given-names': 'Guangyu' },
          { 'family-names': 'Liu', 'given-names': 'Xiaohong' },
          { 'family-names': 'Shen', 'given-names': 'Jun' },
          { name: 'and others' },
        ],
      },
    });
    expect(text).not.toMatch(/^ *license/m);
  });

  it.each([
    ['no BibTeX entry', undefined],
    ['text that is none', 'Please cite us: Wang {et al'],
    ['an empty one', ''],
    [
      'quotes, colons and braces',
      '@misc{x, title = "A: \\"b\\" {c} # d", author = "De Vries, A.-B. and Plato"}',
    ],
    [
      'a DOI and a year that are none',
      '@article{x, title = {T}, doi = {see the page}, year = {soon}}',
    ],
  ])('is valid with %s', (_, bibtex) => {
    const hostile = { ...manifest, dataset: 'A: "b"\n- c #d', citation: 'x: y\nz', bibtex };
    const cff: unknown = parse(citationOf(hostile));
    expect(faultsOf('citation', cff)).toEqual([]);
    expect(cff).toMatchObject({ title: 'A: "b"\n- c #d' });
  });
});

it.each([
  ['@article{a, author = {Wang, G. and others}}', [{ family: 'Wang', given: 'G.' }], true],
  ['@article{a,author={Plato}}', [{ family: 'Plato', given: '' }], false],
  ['@article{a, title = {No author}}', [], false],
])('reads the authors of %s', (bibtex, authors, others) => {
  expect(readPaper(bibtex)).toMatchObject({ authors, others });
});
