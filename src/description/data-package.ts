import type { Column } from './columns.ts';
import { type Described, type DescribedFile, LICENSE, MARK } from './described.ts';

/** datapackage.json: Frictionless Data Package v2, with the types of each table's columns. */
export function dataPackageOf({ manifest, content, files, published }: Described): string {
  const { dataset, version, homepage, citation } = manifest;
  const document = {
    $schema: 'https://datapackage.org/profiles/2.0/datapackage.json',
    name: toName(dataset),
    title: dataset,
    description: `${content} License: ${LICENSE}.`,
    comment: MARK,
    homepage,
    version,
    ...(citation === '' ? {} : { citation }),
    licenses: [{ title: LICENSE, path: homepage }],
    sources: published.map(({ name, md5, md5Disputed }) => ({
      ...{ title: name, path: homepage, version, hash: `md5:${md5}` },
      ...(md5Disputed === undefined ? {} : { hashDisputed: md5Disputed }),
    })),
    resources: files.map(resourceOf),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** As the names of packages and resources have to be. */
const toName = (text: string) =>
  text
    .toLowerCase()
    .replaceAll(/[^a-z0-9._/-]+/g, '-')
    .replaceAll(/^-|-$/g, '');

function resourceOf({ path, mediaType, bytes, sha256, content, columns }: DescribedFile): unknown {
  return {
    name: toName(path),
    path,
    description: content,
    mediatype: mediaType,
    ...{ bytes, hash: `sha256:${sha256}` },
    ...(columns === undefined ? {} : { ...tableOf(path), schema: schemaOf(columns) }),
  };
}

const tableOf = (path: string) => ({
  type: 'table',
  format: path.slice(path.lastIndexOf('.') + 1),
  encoding: 'utf-8',
});

function schemaOf(columns: readonly Column[]): unknown {
  const key = columns.find(({ name }) => name === 'path');
  return {
    fields: columns.map(({ name, type, values, meaning, required }) => {
      const constraints = {
        ...(required === true ? { required } : {}),
        ...(values === undefined ? {} : { enum: type === 'integer' ? values.map(Number) : values }),
      };
      return {
        ...{ name, type, description: meaning },
        ...(Object.keys(constraints).length === 0 ? {} : { constraints }),
      };
    }),
    missingValues: [''],
    ...(key === undefined ? {} : { primaryKey: [key.name] }),
  };
}
