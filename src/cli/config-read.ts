import { constants, type Stats } from 'node:fs';
import { type FileHandle, lstat, open, stat } from 'node:fs/promises';
import { dirname, resolve, sep } from 'node:path';
import { isOwn } from '../dataset/find-dataset.ts';
import { CcxriError, type CcxriErrorOptions, type NextStep, errnoOf } from '../errors.ts';
import { isBelow } from '../fs/within.ts';
import { nearestOf } from '../manifest/manifest.ts';
import { quoteForShell, toPrintable } from '../text.ts';
import {
  type ConfigLayer,
  type ConfigPlace,
  keyOfName,
  layersOf,
  nameOf,
} from './config-policy.ts';
import { valueMeant } from './guesses.ts';
import { OPTIONS, type OptionKey, OPTION_KEYS, type RawOptions, type RawValue } from './options.ts';
import { type Environment, expandHome } from './options-resolve.ts';

/** All options there are take a hundredth of it. */
const MOST_BYTES = 256 * 1024;
const BY_GROUP = 0o020;
const BY_ALL = 0o002;
/** NTFS has no such bits: Node reports all of them. */
const HAS_MODES = sep === '/';

interface ConfigFile {
  readonly layer: ConfigLayer;
  readonly path: string;
  readonly env: Environment;
}

/**
 * Reads a file of settings, every one strictly: a misspelt key would go unnoticed otherwise.
 * @throws CcxriError `usage`, naming the file, the key and the form that its value has
 */
export async function readConfig(
  layer: ConfigLayer,
  path: string,
  env: Environment,
): Promise<ConfigPlace> {
  const file = { layer, path, env };
  const handle = await openConfig(path);
  try {
    const stats = await handle.stat();
    if (await isStrangers(layer, path, stats))
      return { layer, path, status: 'ignored', values: {} };
    assertSafe(file, stats);
    return {
      layer,
      path,
      status: 'read',
      values: valuesOf(file, parse(path, await textOf(handle, path))),
    };
  } finally {
    await handle.close();
  }
}

/** Not through a link, which may lead to a file that nobody meant; nor does a named pipe keep it waiting. */
async function openConfig(path: string): Promise<FileHandle> {
  if ((await lstat(path).catch(() => undefined))?.isSymbolicLink() === true) {
    const text = 'put the file itself there, or what it says into variables';
    throw wrong(path, 'is a link, which is not followed', { next: [{ kind: 'advice', text }] });
  }
  try {
    const { O_RDONLY, O_NONBLOCK, O_NOFOLLOW } = constants;
    return await open(path, O_RDONLY | (HAS_MODES ? O_NONBLOCK | O_NOFOLLOW : 0));
  } catch (error) {
    throw wrong(path, `could not be read (${errnoOf(error) ?? 'unknown error'})`, { cause: error });
  }
}

/** In /tmp anybody may have left it. */
async function isStrangers(layer: ConfigLayer, path: string, stats: Stats): Promise<boolean> {
  if (layer === 'user' || !HAS_MODES || isOwn(stats)) return false;
  return ((await stat(dirname(path))).mode & BY_ALL) !== 0;
}

/** A project's file may be its group's, as the dataset is: what it may set harms nobody. */
function assertSafe({ layer, path }: ConfigFile, stats: Stats): void {
  if (!stats.isFile()) throw wrong(path, 'is not a file', {});
  if (stats.size > MOST_BYTES)
    throw wrong(path, `has ${stats.size} bytes: it holds no settings`, {});
  const refused = layer === 'user' ? BY_GROUP | BY_ALL : BY_ALL;
  if (!HAS_MODES || (stats.mode & refused) === 0) return;
  const text = `run \`chmod go-w ${quoteForShell(path, 'posix')}\`, once you have looked at what is in it`;
  throw wrong(path, 'can be written by others: what it says may not be yours', {
    next: [{ kind: 'advice', text }],
  });
}

async function textOf(handle: FileHandle, path: string): Promise<string> {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await handle.readFile());
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw wrong(path, 'is not UTF-8', { next: [{ kind: 'advice', text: 'save it as UTF-8' }] });
  }
}

function parse(path: string, text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    // What V8 says quotes the text around the fault, which may be a secret.
    const text = 'look for a comma that is missing or too many, a quote, or a comment';
    throw wrong(path, 'is not JSON', { next: [{ kind: 'advice', text }] });
  }
  if (isRecord(value)) return value;
  throw wrong(path, 'holds no settings', { expected: 'an object, as { "concurrency": 2 }' });
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function valuesOf(file: ConfigFile, record: Readonly<Record<string, unknown>>): RawOptions {
  const pairs = Object.entries(record).map(([name, value]) => {
    const key = keyOfName(name);
    if (key === undefined || !layersOf(key).includes(file.layer)) throw notThere(file, name, key);
    return [key, toTyped(file, key, value)] as const;
  });
  return Object.fromEntries(pairs);
}

function notThere(
  { layer, path }: ConfigFile,
  name: string,
  key: OptionKey | undefined,
): CcxriError {
  const quoted = `"${toPrintable(name, 80)}"`;
  if (key === undefined) {
    const names = OPTION_KEYS.filter((each) => layersOf(each).includes(layer)).map(nameOf);
    const nearest = nearestOf(name.replaceAll(/[-_]/g, '').toLowerCase(), names, (each) =>
      each.replaceAll('-', ''),
    );
    const guess = nearest === undefined ? '' : `. Did you mean "${nearest}"?`;
    return wrong(path, `has an unknown key: ${quoted}${guess}`, {});
  }
  const { long } = OPTIONS[key];
  const [other] = layersOf(key);
  if (other === undefined) {
    const text = `leave ${quoted} out, and give ${long} where a run needs it`;
    return wrong(path, `can't set ${quoted}: that is for each run to say`, {
      next: [{ kind: 'advice', text }],
    });
  }
  const [what, why] =
    other === 'user'
      ? ["the user's own file", 'what may come from a stranger must not decide it']
      : ["a project's file", 'it is about one dataset'];
  const text = `set it in ${what} (\`ccxri config\` shows where that is), or give ${long}`;
  return wrong(path, `can't set ${quoted}: ${why}`, { next: [{ kind: 'advice', text }] });
}

/** As if it had been typed, once its form is right. */
function toTyped(file: ConfigFile, key: OptionKey, value: unknown): RawValue {
  const { list, value: place, schema, expects, secret, isPath } = OPTIONS[key];
  const raw = toRaw(value, { isFlag: place === undefined, list });
  const meant = typeof raw === 'string' ? valueMeant(key, raw) : undefined;
  if (raw === undefined || !schema.safeParse(raw).success) {
    const shown =
      secret === true ? 'something else (not shown)' : toPrintable(JSON.stringify(value), 80);
    const form = place === undefined ? 'true or false' : expects;
    const next: readonly NextStep[] =
      meant === undefined ? [] : [{ kind: 'advice', text: `write "${nameOf(key)}": "${meant}"` }];
    throw wrong(file.path, `"${nameOf(key)}" takes ${form}; got ${shown}`, {
      expected: form,
      found: shown,
      next,
    });
  }
  if (isPath !== true || typeof raw === 'boolean') return raw;
  const absolute = (path: string) => toAbsolute(file, key, path);
  return typeof raw === 'string' ? absolute(raw) : raw.map(absolute);
}

interface Form {
  readonly isFlag: boolean;
  readonly list: 'comma' | 'newline' | undefined;
}

/** undefined: JSON of another kind than the option takes. */
function toRaw(value: unknown, { isFlag, list }: Form): RawValue | undefined {
  if (isFlag) return typeof value === 'boolean' ? value : undefined;
  const isText = (each: unknown): each is string => typeof each === 'string' && each !== '';
  if (list === undefined) {
    if (typeof value === 'number') return String(value);
    return isText(value) ? value : undefined;
  }
  const all: readonly unknown[] = Array.isArray(value) ? value : [value];
  const texts = all.filter(isText);
  return texts.length === all.length ? texts : undefined;
}

const URL_LIKE = /^[a-z][a-z0-9+.-]+:\/\//i;
/** `\\server\share`: Windows logs in there with the user's name and what stands for the password. */
const SHARE = /^(?:[/\\]{2}|file:\/\/[^/])/i;

/** Paths are meant from where the file is, wherever ccxri is started. */
function toAbsolute({ layer, path: file, env }: ConfigFile, key: OptionKey, typed: string): string {
  const directory = dirname(file);
  const shown = toPrintable(typed, 200);
  if (layer === 'project' && SHARE.test(typed)) {
    throw wrong(file, `"${nameOf(key)}" names a network share, ${shown}`, {
      next: [{ kind: 'advice', text: `give ${OPTIONS[key].long} to have it` }],
    });
  }
  if (key === 'source' && URL_LIKE.test(typed)) return typed;
  const absolute = resolve(directory, expandHome(typed, env));
  if (layer === 'user' || key !== 'dest') return absolute;
  if (isBelow(directory, absolute)) return absolute;
  const text = `give --dest, or set it in the user's own file (\`ccxri config\` shows where that is)`;
  throw wrong(file, `"dest" leads out of the project: ${shown}`, {
    expected: 'a directory below the one that the file is in',
    found: shown,
    next: [{ kind: 'advice', text }],
  });
}

function wrong(path: string, what: string, more: CcxriErrorOptions): CcxriError {
  const gap = what.startsWith('"') ? ': ' : ' ';
  return new CcxriError('usage', `${toPrintable(path, 4096)}${gap}${what}`, { path, ...more });
}
