import { describe, expect, it } from 'vitest';
import { croissantOf } from '../../src/description/croissant.ts';
import { describedDataset, describedExport } from '../support/described.ts';
import { faultsOf } from '../support/description-schemas.ts';
import { hasRdflib, triplesOf } from '../support/rdflib.ts';

const FORMS = [
  { name: 'a dataset directory', described: await describedDataset() },
  { name: 'an export', described: await describedExport() },
];

/** Every object of a document. */
function* objectsIn(value: unknown): Generator<Readonly<Record<string, unknown>>> {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) yield value as Readonly<Record<string, unknown>>;
  for (const inner of Object.values(value)) yield* objectsIn(inner);
}

describe.each(FORMS)('croissant.json of $name', ({ described }) => {
  const text = croissantOf(described);
  const document = JSON.parse(text) as Readonly<Record<string, unknown>>;

  it('is of its form, and what it refers to is in it', () => {
    expect(faultsOf('croissant', document)).toEqual([]);
    const withId = [...objectsIn({ ...document, '@context': undefined })].filter(
      (object) => '@id' in object,
    );
    const isReference = (object: object) => Object.keys(object).length === 1;
    const ids = withId.filter((object) => !isReference(object)).map((object) => object['@id']);
    const named = withId.filter(isReference).map((object) => object['@id']);
    expect(new Set(ids).size).toBe(ids.length);
    expect(named.filter((id) => !ids.includes(id))).toEqual([]);
  });

  it('has the published MD5 of each file, and says which are disputed', () => {
    const files = [...objectsIn(document)].filter((object) => 'md5' in object && '@id' in object);
    const { published } = described;
    expect(files.map((file) => [file['name'], file['md5']])).toEqual(
      published.map(({ name, md5 }) => [name, md5]),
    );
    const disputed = files.filter(({ description }) => String(description).includes('disputed'));
    expect(disputed.map((file) => file['name'])).toEqual(['Viral-1.zip', 'Other-1.zip']);
  });

  it.skipIf(!hasRdflib)('is JSON-LD with the terms of schema.org and Croissant alone', () => {
    const triples = triplesOf(text);
    const names = [...new Set(triples.map(([, predicate]) => predicate))];
    const known =
      /^(https:\/\/schema\.org\/|http:\/\/mlcommons\.org\/croissant\/|http:\/\/purl\.org\/dc\/terms\/conformsTo$|http:\/\/www\.w3\.org\/1999\/02\/22-rdf-syntax-ns#type$)/;
    expect(names.filter((name) => !known.test(name))).toEqual([]);
    const objects = (end: string) =>
      triples.filter(([, predicate]) => predicate.endsWith(end)).map(([, , object]) => object);
    expect(objects('/croissant/md5')).toHaveLength(described.published.length);
    expect(objects('/conformsTo')).toEqual(['http://mlcommons.org/croissant/1.1']);
    expect(objects('schema.org/sha256')).toEqual(described.files.map(({ sha256 }) => sha256));
    const types = new Set(objects('/croissant/dataType'));
    const isTable = described.files.some(({ columns }) => columns !== undefined);
    expect(types.has('https://schema.org/Integer')).toBe(isTable);
  });
});

it('names no license: the publisher states none', () => {
  const { license } = JSON.parse(croissantOf(FORMS[0]!.described)) as { readonly license: unknown };
  expect(license).toMatchObject({
    '@type': 'sc:CreativeWork',
    name: 'not stated by the publisher',
  });
});
