import fc from 'fast-check';
import { byteEdits, editBytes, type ByteEdit } from './edit-bytes.ts';

/** A change to one place of a JSON document; the place is taken modulo how many there are. */
interface JsonEdit {
  /** `nudge`: to another value of the same kind, near it. */
  readonly edit: 'replace' | 'remove' | 'add' | 'double' | 'rename' | 'swap' | 'nudge';
  readonly at: number;
  readonly with: number;
  readonly key: string;
  readonly value: unknown;
}

/** A document, changed in its values, then in its text. */
export interface EditedJson {
  readonly base: number;
  readonly edits: readonly JsonEdit[];
  readonly textEdits: readonly ByteEdit[];
}

type Container = Record<string, unknown> | unknown[];

interface Place {
  readonly container: Container;
  readonly key: string;
}

function placesIn(container: Container): readonly Place[] {
  return Object.entries(container).flatMap(([key, value]) => [
    { container, key },
    ...(isContainer(value) ? placesIn(value) : []),
  ]);
}

function isContainer(value: unknown): value is Container {
  return typeof value === 'object' && value !== null;
}

function applyEdit(document: Container, edit: JsonEdit): void {
  // A copy: later edits may change it, and it is everybody's.
  const value: unknown = structuredClone(edit.value);
  const places = placesIn(document);
  const place = places[edit.at % places.length];
  if (place === undefined) return;
  const { container, key } = place;
  const old: unknown = Reflect.get(container, key);
  switch (edit.edit) {
    case 'replace':
      put(container, key, value);
      break;
    case 'nudge':
      put(container, key, nudge(old, edit.with));
      break;
    case 'remove':
      remove(container, key);
      break;
    case 'add':
      put(isContainer(old) ? old : container, edit.key, value);
      break;
    case 'double':
      if (Array.isArray(container)) container.splice(Number(key), 0, structuredClone(old));
      else put(container, `${key}2`, structuredClone(old));
      break;
    case 'rename':
      remove(container, key);
      put(container, edit.key, old);
      break;
    case 'swap': {
      const other = places[edit.with % places.length] ?? place;
      put(container, key, structuredClone(Reflect.get(other.container, other.key)));
      break;
    }
  }
}

function remove(container: Container, key: string): void {
  if (Array.isArray(container)) container.splice(Number(key), 1);
  else Reflect.deleteProperty(container, key);
}

function nudge(value: unknown, by: number): unknown {
  if (typeof value === 'boolean') return !value;
  if (typeof value === 'number') return value + (by % 2 === 0 ? 1 : -1) * (by % 1_000_003);
  if (typeof value !== 'string') return value;
  const at = by % (value.length + 1);
  const char = String.fromCharCode(0x20 + (by % 95));
  return value.slice(0, at) + char + value.slice(at + (by % 2));
}

/** As its own, also where it is called `__proto__`. */
function put(container: Container, key: string, value: unknown): void {
  if (Array.isArray(container) && !/^\d+$/.test(key)) container.push(value);
  else {
    Reflect.defineProperty(container, key, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
}

export function buildJson(bases: readonly Container[], input: EditedJson): string {
  const document = structuredClone(bases[input.base] ?? {});
  for (const edit of input.edits) applyEdit(document, edit);
  return input.textEdits.reduce(editBytes, Buffer.from(JSON.stringify(document))).toString('utf8');
}

/** Values that are nearly right, or far from it. */
const VALUES: readonly unknown[] = [
  ...[null, true, false, 0, -0, -1, 1, 1.5, 1e308, -1e-7, 2 ** 31, 2 ** 53 - 1, 2 ** 53, 1e21],
  ...['', ' ', '0', '1', 'x', 'all', '../x', '/etc/passwd', 'a/b', 'a\\b', 'con.zip', 'NUL.zip'],
  ...[
    '\0',
    'a\nb',
    '\x1b]8;;x\x07',
    '\u202egpj',
    '\u2028',
    '\ufeff',
    '\ud800',
    'ä',
    'x'.repeat(300),
  ],
  ...['573MB', '0K', '1GB', '-1MB', '1.5GB', '999999GB', '1TB', '1 MB', '00K', 'Infinity', 'NaN'],
  ...[
    'https://u:p@h.test/',
    'file:///x',
    'javascript:x',
    'http://h',
    'https://[',
    '//h/x',
    'HTTP://H',
  ],
  ...['2021-03-21', '2021-02-30', '2021-03-21T00:00:00Z', '2021-03-21T00:00:00.000Z', 'yesterday'],
  ...['0'.repeat(32), 'F'.repeat(32), ' 0123456789abcdef0123456789abcdef', 'g'.repeat(32)],
  ...[[], {}, [[]], [null], [1, 'x'], ['all'], ['a', 'a'], { name: 'x' }],
  JSON.parse('{"__proto__":{"polluted":true}}'),
  JSON.parse('{"constructor":{"prototype":{"polluted":true}}}'),
  JSON.parse(`${'['.repeat(500)}${']'.repeat(500)}`),
];

const KEYS = ['__proto__', 'constructor', 'toString', 'length', 'x', '', 'md5', 'url', 'name', '0'];

const TOKENS = [
  ...['{', '}', '[', ']', ',', ':', '"', '\\', '\\u0000', '\\ud800', '//', ' ', '\n', '\ufeff'],
  ...['null', 'true', '-', '0', '1e999', '0x1', 'NaN', '"__proto__":{},', '"x":', "'", '/**/'],
  ...['\0', '\x1b[31m', '\u202e', '['.repeat(20_000), '{"a":'.repeat(5000), '9'.repeat(400)],
];

/**
 * @param keys the document's own, to be met again in the wrong place
 * @param values that mean something in it
 */
export function editedJson(
  bases: readonly Container[],
  keys: readonly string[] = [],
  values: readonly unknown[] = VALUES,
): fc.Arbitrary<EditedJson> {
  const edit: fc.Arbitrary<JsonEdit> = fc.record({
    edit: fc.oneof(
      fc.constantFrom('replace', 'remove', 'add', 'double', 'rename', 'swap'),
      fc.constant('nudge' as const),
    ),
    at: fc.nat(0x7fffffff),
    with: fc.nat(0x7fffffff),
    key: fc.constantFrom(...KEYS, ...keys),
    value: fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(...VALUES) },
      { weight: 4, arbitrary: fc.constantFrom(...values) },
      { weight: 2, arbitrary: fc.jsonValue({ maxDepth: 2 }) },
      { weight: 2, arbitrary: fc.integer() },
    ),
  });
  const base = fc.nat(bases.length - 1);
  const edits = fc.array(edit, { minLength: 1, maxLength: 3 });
  const textEdits = fc.array(byteEdits(TOKENS), { minLength: 1, maxLength: 2 });
  return fc.oneof(
    { weight: 3, arbitrary: fc.record({ base, edits, textEdits: fc.constant([]) }) },
    { weight: 1, arbitrary: fc.record({ base, edits: fc.constant([]), textEdits }) },
  );
}
