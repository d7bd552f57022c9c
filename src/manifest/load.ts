import { createReadStream } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CcxriError, errnoOf, toDiskError } from '../errors.ts';
import { count, toPrintable } from '../text.ts';
import { type Manifest, nearestOf } from './manifest.ts';
import { FILE_KEYS, MANIFEST_KEYS, type ManifestIssue, manifestSchema } from './schema.ts';

/** The manifest that ships with ccxri: CC-CXRI 2.0, from the table on the dataset's page. */
export const BUNDLED_MANIFEST_PATH = fileURLToPath(
  // The same depth from src/manifest/, dist/manifest/ and the bundle's dist/bin/.
  new URL('../../manifests/cc-cxri.json', import.meta.url),
);

/** The documentation of the form, with an example; it comes with the package. */
const FORM_PATH = fileURLToPath(new URL('../../docs/manifest.md', import.meta.url));

/** Longer than any real manifest: a bound against any other file. */
const MAX_MANIFEST_BYTES = 16 * 1024 * 1024;

/** A manifest, and the text that it was read from. */
export interface LoadedManifest {
  readonly manifest: Manifest;
  readonly text: string;
}

/**
 * Reads and checks a manifest.
 * @param path default: the bundled one
 * @throws CcxriError `manifest-invalid`, naming the file, the field and what is wrong with it
 */
export async function loadManifest(path?: string): Promise<Manifest> {
  return (await readManifest(path)).manifest;
}

/** As `loadManifest`, with the text. */
export async function readManifest(path: string = BUNDLED_MANIFEST_PATH): Promise<LoadedManifest> {
  const text = await readBounded(path);
  return { manifest: parseManifest(text, path), text };
}

/** Bounded: a pipe can be read like a file, and may never end. */
async function readBounded(path: string): Promise<string> {
  const chunks: Buffer[] = [];
  const stream = createReadStream(path, { end: MAX_MANIFEST_BYTES });
  try {
    for await (const chunk of stream) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
  } catch (error) {
    throw cannotRead(error, path);
  } finally {
    stream.destroy();
  }
  return Buffer.concat(chunks).toString('utf8');
}

function cannotRead(error: unknown, path: string): unknown {
  const errno = errnoOf(error);
  const why = errno === undefined ? undefined : WHY[errno];
  if (why === undefined) return toDiskError(error, 'read the manifest', { path });
  return new CcxriError('manifest-invalid', `there is no manifest ${toPrintable(path)}: ${why}`, {
    path,
    next: [
      {
        kind: 'option',
        option: 'manifest',
        or: { kind: 'run', command: 'manifest', purpose: 'to write one' },
      },
    ],
    cause: error,
  });
}

const WHY: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  ENOTDIR: 'no such file',
  EISDIR: 'it is a directory',
  EACCES: 'you may not read it (EACCES)',
  EPERM: 'you may not read it (EPERM)',
};

/** @throws CcxriError `manifest-invalid` */
export function parseManifest(text: string, path = 'manifest'): Manifest {
  if (Buffer.byteLength(text) > MAX_MANIFEST_BYTES) {
    throw invalid(path, ['is longer than 16 MiB: this is not a manifest']);
  }
  let json: unknown;
  try {
    json = JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (error) {
    throw invalid(path, [`is not JSON: ${error instanceof Error ? error.message : ''}`]);
  }
  const newer = newerVersion(json);
  if (newer !== undefined) {
    throw invalid(path, [`has version ${newer} of the form, this ccxri reads version 1`]);
  }
  const parsed = manifestSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw invalid(
    path,
    parsed.error.issues.map((issue) => describeProblem(issue, json)),
  );
}

/** A single problem is the message; several are listed, each once. */
function invalid(path: string, problems: readonly string[]): CcxriError {
  const reasons = problems.slice(0, 10).map((problem) => toPrintable(problem));
  if (problems.length > 10) reasons.push(`and ${problems.length - 10} more`);
  const isOne = problems.length === 1;
  const what = isOne ? (reasons[0] ?? '') : count(problems.length, 'problem');
  return new CcxriError('manifest-invalid', `the manifest ${toPrintable(path)} is wrong: ${what}`, {
    path,
    ...(isOne ? {} : { reasons }),
    next: [
      {
        kind: 'advice',
        text: `fix the manifest (${FORM_PATH} shows the form)`,
        or: {
          kind: 'run',
          command: 'manifest',
          purpose: 'to write one from a directory of archives',
        },
      },
    ],
  });
}

function newerVersion(json: unknown): number | undefined {
  if (typeof json !== 'object' || json === null || !('manifestVersion' in json)) return undefined;
  const version = json.manifestVersion;
  return typeof version === 'number' && version > 1 ? version : undefined;
}

/**
 * What is wrong with a manifest, in words of its form: `files[3] (ChestDx-4.zip): md5 is missing`.
 * Values are never shown: one may hold a password.
 * @param json the whole document, as it was read
 */
function describeProblem(issue: ManifestIssue, json: unknown): string {
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
  const named = keys.map((key) => {
    const nearest = nearestOf(key.toLowerCase(), open, (name) => name.toLowerCase());
    return `"${key}"${nearest === undefined ? '' : ` (did you mean ${nearest}?)`}`;
  });
  return `unknown ${keys.length === 1 ? 'key' : 'keys'} ${named.join(', ')}`;
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
