import { count } from '../text.ts';
import { FILE_KEYS, MANIFEST_KEYS, type ManifestIssue } from './schema.ts';
import { nearestOf } from './select.ts';

/**
 * What is wrong with a manifest, in words of its form: `files[3] (ChestDx-4.zip): md5 is missing`.
 * Values are never shown: a password may stand in one.
 * @param json the whole document, as it was read
 */
export function describeProblem(issue: ManifestIssue, json: unknown): string {
  const [first, index] = issue.path;
  const isOfFile = first === 'files' && typeof index === 'number';
  const record = valueAt(json, isOfFile ? issue.path.slice(0, 2) : []);
  const field = fieldOf(isOfFile ? issue.path.slice(2) : issue.path);
  const place = isOfFile ? placeOf(index, record) : '';
  const before = place === '' ? '' : `${place}: `;
  if (issue.code === 'unrecognized_keys') {
    return `${before}${unknownKeys(issue.keys, record, isOfFile)}`;
  }
  const what = whatIsWrong(issue, valueAt(json, issue.path));
  if (field !== '') return `${before}${field} ${what}`;
  return `${place === '' ? 'it' : place} ${what}`;
}

function whatIsWrong(issue: ManifestIssue, value: unknown): string {
  if (value === undefined) return 'is missing';
  if (issue.code === 'invalid_type') {
    return `must be ${TYPES[issue.expected] ?? issue.expected}, not ${typeName(value)}`;
  }
  if (issue.code === 'invalid_value') {
    return `must be ${issue.values.map((each) => JSON.stringify(each)).join(' or ')}`;
  }
  if (issue.code === 'too_small') {
    const isLength = issue.origin === 'string' || issue.origin === 'array';
    return isLength ? 'must not be empty' : `must be ${issue.minimum} or more`;
  }
  if (issue.code === 'too_big') {
    return issue.origin === 'string'
      ? `must have at most ${count(Number(issue.maximum), 'character')}`
      : `must be ${issue.maximum} or less`;
  }
  // The others have words of the schema's own.
  return issue.message;
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'a text ("…")',
  number: 'a number',
  int: 'a whole number',
  array: 'a list ([ … ])',
  object: 'an object ({ … })',
};

function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  if (typeof value === 'number') return Number.isInteger(value) ? 'a number' : 'a fraction';
  return typeof value === 'string' ? 'a text' : 'true or false';
}

/** Only keys that are not there yet are what a misspelt one can have meant. */
function unknownKeys(keys: readonly string[], record: unknown, isOfFile: boolean): string {
  const known = isOfFile ? FILE_KEYS : MANIFEST_KEYS;
  const open = known.filter((key) => valueAt(record, [key]) === undefined);
  const told = keys.map((key) => {
    const nearest = nearestOf(key.toLowerCase(), open, (name) => name.toLowerCase());
    return `"${key}"${nearest === undefined ? '' : ` (did you mean ${nearest}?)`}`;
  });
  return `unknown ${keys.length === 1 ? 'key' : 'keys'} ${told.join(', ')}`;
}

/** `files[3] (ChestDx-4.zip)` */
function placeOf(index: number, file: unknown): string {
  const name = valueAt(file, ['name']);
  return `files[${index}]${typeof name === 'string' ? ` (${name})` : ''}`;
}

/** `md5`, `subsets[0]` */
function fieldOf(path: readonly PropertyKey[]): string {
  const parts = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`));
  return parts.join('').replace(/^\./, '');
}

function valueAt(json: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce(
    (value: unknown, key) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, key)
        ? Reflect.get(value, key)
        : undefined,
    json,
  );
}
