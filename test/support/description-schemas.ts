import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';

// JSON Schemas of the forms that describe a dataset, in our words, after their specifications: Croissant 1.1
// ("Dataset-level Information", "Resources", "RecordSets"), Data Package 2.0, Citation File Format 1.2.0.

const text = { type: 'string', minLength: 1 } as const;
const url = { type: 'string', format: 'uri', pattern: '^https?://' } as const;
const date = { type: 'string', format: 'date' } as const;
const reference = {
  type: 'object',
  required: ['@id'],
  properties: { '@id': text },
  additionalProperties: false,
} as const;

const agent = {
  type: 'object',
  required: ['@type', 'name'],
  properties: { '@type': { enum: ['sc:Person', 'sc:Organization'] }, name: text },
} as const;

const resource = {
  type: 'object',
  required: ['@type', '@id', 'name', 'encodingFormat'],
  oneOf: [
    {
      properties: {
        '@type': { const: 'cr:FileObject' },
        contentUrl: text,
        contentSize: { type: 'string', pattern: '^[0-9]+ ?(B|K|KB|MB|GB)$' },
        md5: { type: 'string', pattern: '^[0-9a-f]{32}$' },
        sha256: { type: 'string', pattern: '^[0-9a-f]{64}$' },
      },
      required: ['contentUrl'],
      oneOf: [{ required: ['md5'] }, { required: ['sha256'] }],
    },
    { properties: { '@type': { const: 'cr:FileSet' }, includes: text }, required: ['includes'] },
  ],
} as const;

const field = {
  type: 'object',
  required: ['@type', '@id', 'name', 'dataType', 'source'],
  properties: {
    '@type': { const: 'cr:Field' },
    dataType: { enum: ['sc:Text', 'sc:Integer', 'sc:ImageObject'] },
    references: reference,
    source: {
      type: 'object',
      required: ['extract'],
      properties: {
        fileObject: reference,
        fileSet: reference,
        extract: {
          type: 'object',
          minProperties: 1,
          properties: { column: text, fileProperty: { enum: ['fullpath', 'filename', 'content'] } },
          additionalProperties: false,
        },
      },
      oneOf: [{ required: ['fileObject'] }, { required: ['fileSet'] }],
      additionalProperties: false,
    },
  },
} as const;

const CROISSANT = {
  type: 'object',
  required: [
    ...['@context', '@type', 'conformsTo', 'description', 'license', 'name', 'url', 'creator'],
    ...['datePublished', 'distribution'],
  ],
  properties: {
    '@context': { type: 'object', required: ['@vocab', 'sc', 'cr', 'dct', 'conformsTo'] },
    '@type': { const: 'sc:Dataset' },
    conformsTo: { const: 'http://mlcommons.org/croissant/1.1' },
    name: text,
    description: text,
    version: text,
    citeAs: text,
    url,
    datePublished: date,
    license: {
      type: 'object',
      required: ['@type', 'name'],
      properties: { '@type': { const: 'sc:CreativeWork' }, name: text, url },
    },
    creator: { type: 'array', minItems: 1, items: agent },
    keywords: { type: 'array', items: text },
    distribution: { type: 'array', minItems: 1, items: resource },
    recordSet: {
      type: 'array',
      items: {
        type: 'object',
        required: ['@type', '@id', 'field'],
        properties: {
          '@type': { const: 'cr:RecordSet' },
          key: reference,
          field: { type: 'array', minItems: 1, items: field },
        },
      },
    },
  },
};

/** Relative and below the directory, or a URL. */
const path = { type: 'string', pattern: '^(https?://|(?![./~]|.*\\.\\./)[^\\\\]+$)' } as const;
const name = { type: 'string', pattern: '^[a-z0-9._/-]+$' } as const;
const hash = { type: 'string', pattern: '^(md5:[0-9a-f]{32}|sha256:[0-9a-f]{64})$' } as const;

const DATA_PACKAGE = {
  type: 'object',
  required: ['$schema', 'resources'],
  properties: {
    $schema: { const: 'https://datapackage.org/profiles/2.0/datapackage.json' },
    name,
    title: text,
    description: text,
    homepage: url,
    version: text,
    licenses: {
      type: 'array',
      minItems: 1,
      items: { type: 'object', required: ['path'], properties: { path, title: text } },
    },
    sources: { type: 'array', items: { type: 'object', properties: { title: text, path, hash } } },
    resources: {
      type: 'array',
      minItems: 1,
      items: {
        type: 'object',
        required: ['name', 'path'],
        properties: {
          name,
          path,
          type: { const: 'table' },
          format: text,
          mediatype: { type: 'string', pattern: '^.+/.+$' },
          encoding: text,
          bytes: { type: 'integer' },
          hash,
          schema: {
            type: 'object',
            required: ['fields'],
            properties: {
              fields: {
                type: 'array',
                minItems: 1,
                items: {
                  oneOf: [tableField('string', text), tableField('integer', { type: 'integer' })],
                },
              },
              missingValues: { type: 'array', items: { type: 'string' } },
              primaryKey: { type: 'array', items: text },
            },
            additionalProperties: false,
          },
        },
      },
    },
  },
};

function tableField(type: string, value: object) {
  return {
    type: 'object',
    required: ['name', 'type'],
    properties: {
      name: text,
      type: { const: type },
      description: text,
      constraints: {
        type: 'object',
        properties: {
          required: { type: 'boolean' },
          enum: { type: 'array', minItems: 1, uniqueItems: true, items: value },
        },
        additionalProperties: false,
      },
    },
    additionalProperties: false,
  };
}

const person = {
  type: 'object',
  required: ['family-names'],
  properties: { 'family-names': text, 'given-names': text },
  additionalProperties: false,
} as const;
const entity = {
  type: 'object',
  required: ['name'],
  properties: { name: text },
  additionalProperties: false,
} as const;
const authors = { type: 'array', minItems: 1, items: { anyOf: [person, entity] } } as const;

const CITATION = {
  type: 'object',
  required: ['cff-version', 'message', 'title', 'authors'],
  properties: {
    'cff-version': { const: '1.2.0' },
    message: text,
    type: { enum: ['dataset', 'software'] },
    title: text,
    abstract: text,
    authors,
    version: text,
    'date-released': date,
    url,
    'preferred-citation': {
      type: 'object',
      required: ['type', 'title', 'authors'],
      properties: {
        type: { enum: ['article', 'generic'] },
        title: text,
        authors,
        journal: text,
        volume: text,
        issue: text,
        start: text,
        end: text,
        year: { type: 'integer' },
        doi: {
          type: 'string',
          pattern: '^10\\.\\d{4,9}(\\.\\d+)?/[A-Za-z0-9:/_;\\-.()\\[\\]\\\\]+$',
        },
      },
      additionalProperties: false,
    },
  },
  additionalProperties: false,
};

const ajv = new Ajv({ allErrors: true });
addFormats.default(ajv);
const validators = {
  croissant: ajv.compile(CROISSANT),
  dataPackage: ajv.compile(DATA_PACKAGE),
  citation: ajv.compile(CITATION),
};

/** What of a document is not as its form wants it. */
export function faultsOf(form: keyof typeof validators, document: unknown): readonly string[] {
  const validate = validators[form];
  validate(document);
  return (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message ?? ''}`);
}
