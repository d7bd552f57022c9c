import type { ManifestFile } from '../manifest/manifest.ts';
import { readPaper } from './citation.ts';
import type { Column } from './columns.ts';
import { type Described, type DescribedFile, LICENSE, MARK, mediaTypeOf } from './described.ts';

/** Terms of Croissant that are written without its prefix, as its specification recommends. */
const TERMS = [
  ...['annotation', 'arrayShape', 'citeAs', 'column', 'containedIn', 'equivalentProperty'],
  ...['excludes', 'extract', 'field', 'fileProperty', 'fileObject', 'fileSet', 'format'],
  ...['includes', 'isArray', 'isLiveDataset', 'jsonPath', 'key', 'md5', 'parentField'],
  ...['recordSet', 'references', 'regex', 'readLines', 'sdVersion', 'separator', 'source'],
  ...['subField', 'transform', 'unArchive', 'value'],
];

const CONTEXT = {
  '@language': 'en',
  '@vocab': 'https://schema.org/',
  sc: 'https://schema.org/',
  cr: 'http://mlcommons.org/croissant/',
  rai: 'http://mlcommons.org/croissant/RAI/',
  dct: 'http://purl.org/dc/terms/',
  conformsTo: 'dct:conformsTo',
  data: { '@id': 'cr:data', '@type': '@json' },
  dataType: { '@id': 'cr:dataType', '@type': '@vocab' },
  examples: { '@id': 'cr:examples', '@type': '@json' },
  ...Object.fromEntries(TERMS.map((term) => [term, `cr:${term}`])),
};

/** croissant.json: Croissant 1.1, for loaders and for the search of datasets. */
export function croissantOf(described: Described): string {
  const { manifest, content, files, published, pathOf, images } = described;
  const { dataset, version, released, homepage, citation, bibtex } = manifest;
  const citeAs = bibtex ?? citation;
  const origin = published.map((file) => publishedFile(file, pathOf));
  const document = {
    '@context': CONTEXT,
    '@type': 'sc:Dataset',
    conformsTo: 'http://mlcommons.org/croissant/1.1',
    name: dataset,
    description: content,
    url: homepage,
    version,
    datePublished: released,
    ...(citeAs === '' ? {} : { citeAs }),
    license: { '@type': 'sc:CreativeWork', name: LICENSE, url: homepage },
    creator: creatorsOf(described),
    keywords: ['chest X-ray', 'radiography', 'medical imaging'],
    sdPublisher: { '@type': 'sc:Organization', name: 'ccxri', description: MARK },
    ...(pathOf === undefined
      ? {
          isBasedOn: {
            '@type': 'sc:Dataset',
            name: dataset,
            url: homepage,
            version,
            hasPart: origin,
          },
        }
      : {}),
    distribution: [
      ...files.map(ownFile),
      ...(images === undefined ? [] : [imageSet(images)]),
      ...(pathOf === undefined ? [] : origin),
    ],
    recordSet: [
      ...files.flatMap(({ path, columns }) => (columns === undefined ? [] : table(path, columns))),
      ...(images === undefined ? [] : [imageRecords(files)]),
    ],
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

function creatorsOf({ manifest: { dataset, bibtex } }: Described): readonly unknown[] {
  const { authors } = readPaper(bibtex);
  if (authors.length === 0) {
    return [{ '@type': 'sc:Organization', name: `The authors of ${dataset}` }];
  }
  return authors.map(({ family, given }) => ({
    '@type': 'sc:Person',
    name: `${given} ${family}`.trim(),
    familyName: family,
    ...(given === '' ? {} : { givenName: given }),
  }));
}

const ownFile = ({ path, mediaType, bytes, sha256, content }: DescribedFile) => ({
  '@type': 'cr:FileObject',
  '@id': path,
  name: path,
  description: content,
  contentUrl: path,
  contentSize: `${bytes} B`,
  encodingFormat: mediaType,
  sha256,
});

/** Its MD5 is the published one, also where that is disputed: then it says so. */
function publishedFile(file: ManifestFile, pathOf: Described['pathOf']): unknown {
  const { name, bytes, size, md5, md5Disputed, url } = file;
  const contentUrl = url ?? pathOf?.(file);
  return {
    '@type': pathOf === undefined ? 'sc:DataDownload' : 'cr:FileObject',
    '@id': name,
    name,
    ...(md5Disputed === undefined ? {} : { description: `The MD5 is disputed: ${md5Disputed}` }),
    ...(contentUrl === undefined ? {} : { contentUrl }),
    contentSize: bytes === undefined ? size : `${bytes} B`,
    encodingFormat: mediaTypeOf(file),
    md5,
  };
}

const imageSet = ({ pattern, mediaType }: NonNullable<Described['images']>) => ({
  '@type': 'cr:FileSet',
  '@id': 'image-files',
  name: 'image-files',
  description: 'The images.',
  encodingFormat: mediaType,
  includes: pattern,
});

const TYPES = { string: 'sc:Text', integer: 'sc:Integer' } as const;

/** The name of a table, which begins those of its fields. */
const tableName = (path: string) => path.replace(/\.\w+$/, '');

function table(path: string, columns: readonly Column[]): unknown {
  const id = tableName(path);
  const hasPath = columns.some(({ name }) => name === 'path');
  return {
    '@type': 'cr:RecordSet',
    '@id': id,
    name: id,
    description: `The rows of ${path}.`,
    ...(hasPath ? { key: { '@id': `${id}/path` } } : {}),
    field: columns.map(({ name, type, meaning }) => ({
      '@type': 'cr:Field',
      '@id': `${id}/${name}`,
      name,
      description: meaning,
      dataType: TYPES[type],
      source: { fileObject: { '@id': path }, extract: { column: name } },
    })),
  };
}

/** The images themselves, joined with the rows of the first table by their paths. */
function imageRecords(files: readonly DescribedFile[]): unknown {
  const rows = files.find(({ columns }) => columns?.some(({ name }) => name === 'path') === true);
  const field = (name: string, dataType: string, fileProperty: string) => ({
    '@type': 'cr:Field',
    '@id': `image-records/${name}`,
    name,
    dataType,
    source: { fileSet: { '@id': 'image-files' }, extract: { fileProperty } },
  });
  return {
    '@type': 'cr:RecordSet',
    '@id': 'image-records',
    name: 'image-records',
    description: 'The images, by path.',
    key: { '@id': 'image-records/path' },
    field: [
      {
        ...field('path', 'sc:Text', 'fullpath'),
        ...(rows === undefined ? {} : { references: { '@id': `${tableName(rows.path)}/path` } }),
      },
      field('content', 'sc:ImageObject', 'content'),
    ],
  };
}
