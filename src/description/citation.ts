import type { Manifest } from '../manifest/manifest.ts';
import { LICENSE, MARK } from './described.ts';

interface Person {
  readonly family: string;
  readonly given: string;
}

/** The paper about a dataset, as its BibTeX entry has it. */
export interface Paper {
  /** Those named; `others` says that there are more. */
  readonly authors: readonly Person[];
  readonly others: boolean;
  /** The other fields of the entry, by name in lower case. */
  readonly fields: ReadonlyMap<string, string>;
}

/** `name = {value}`, with braces inside; `name = "value"`; `name = 2021`. */
const FIELD = /(\w+)\s*=\s*(?:\{((?:[^{}]|\{[^{}]*\})*)\}|"([^"]*)"|(\d+))/g;

/** @param bibtex one entry; undefined: there is none, and nothing is known */
export function readPaper(bibtex: string | undefined): Paper {
  const fields = new Map(
    [...(bibtex ?? '').matchAll(FIELD)].map(([, name = '', braced, quoted, bare]) => [
      name.toLowerCase(),
      (braced ?? quoted ?? bare ?? '').replaceAll(/[{}]/g, '').replaceAll(/\s+/g, ' ').trim(),
    ]),
  );
  const names = (fields.get('author') ?? '').split(' and ').filter((name) => name !== '');
  const authors = names
    .filter((name) => name !== 'others')
    .map((name) => {
      const [family = '', given = ''] = name.split(',').map((part) => part.trim());
      return { family, given };
    });
  return { authors, others: names.includes('others'), fields };
}

/** What CITATION.cff holds: keys in its order; undefined ones are left out. */
type Cff = { readonly [key: string]: CffValue };
type CffValue = string | number | undefined | Cff | readonly CffValue[];

const DOI = /^10\.\d{4,9}(?:\.\d+)?\/[\w:/;.()[\]\\-]+$/;

/** CITATION.cff (Citation File Format 1.2.0): the paper is what is to be cited. */
export function citationOf(manifest: Manifest): string {
  const { dataset, version, released, homepage, citation } = manifest;
  const paper = readPaper(manifest.bibtex);
  const hasPaper = paper.fields.has('title');
  const authors = authorsOf(paper, dataset);
  const cff: Cff = {
    'cff-version': '1.2.0',
    message: `If you use this dataset, please cite ${hasPaper ? 'its paper (preferred-citation)' : 'it'}.`,
    type: 'dataset',
    title: dataset,
    abstract: `${citation} License: ${LICENSE}.`.trimStart(),
    authors,
    version,
    'date-released': released,
    url: homepage,
    'preferred-citation': hasPaper ? referenceOf(paper, authors) : undefined,
  };
  return `# ${MARK}\n${renderCff(cff, '')}`;
}

function authorsOf({ authors, others }: Paper, dataset: string): readonly Cff[] {
  if (authors.length === 0) return [{ name: `The authors of ${dataset}` }];
  const persons = authors.map(({ family, given }) => ({
    'family-names': family,
    'given-names': given === '' ? undefined : given,
  }));
  return others ? [...persons, { name: 'and others' }] : persons;
}

function referenceOf({ fields }: Paper, authors: readonly Cff[]): Cff {
  const [start, end] = (fields.get('pages') ?? '').split(/-+/);
  const doi = fields.get('doi');
  const year = Number(fields.get('year'));
  return {
    type: fields.has('journal') ? 'article' : 'generic',
    title: fields.get('title'),
    authors,
    journal: fields.get('journal'),
    volume: fields.get('volume'),
    issue: fields.get('number'),
    start: start === '' ? undefined : start,
    end,
    year: Number.isInteger(year) && year > 0 ? year : undefined,
    doi: doi !== undefined && DOI.test(doi) ? doi : undefined,
  };
}

/** As YAML: a string of JSON is a double-quoted scalar of YAML 1.2. */
function renderCff(cff: Cff, indent: string): string {
  return Object.entries(cff)
    .map(([key, value]) => {
      if (value === undefined) return '';
      if (typeof value !== 'object') return `${indent}${key}: ${JSON.stringify(value)}\n`;
      const inner = `${indent}  `;
      return `${indent}${key}:\n${isList(value) ? renderList(value, inner) : renderCff(value, inner)}`;
    })
    .join('');
}

function renderList(values: readonly CffValue[], indent: string): string {
  return values
    .map((value) => {
      const isMap = typeof value === 'object' && !isList(value);
      // The first key stands behind the dash, the others below it.
      return `${indent}- ${isMap ? renderCff(value, `${indent}  `).trimStart() : `${JSON.stringify(value)}\n`}`;
    })
    .join('');
}

function isList(value: Cff | readonly CffValue[]): value is readonly CffValue[] {
  return Array.isArray(value);
}
