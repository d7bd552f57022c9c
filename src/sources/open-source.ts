import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { throwIfAborted } from '../abort.ts';
import { CcxriError, errnoOf, isCcxriError } from '../errors.ts';
import type { ManifestFile } from '../manifest/manifest.ts';
import { toPrintable, toPrintableUrl } from '../text.ts';
import { type Address, parseAddress, toFileUrl } from './address.ts';
import { openSavedPage } from './saved-page.ts';
import { type Location, type Source, type SourceContext, sourceUnusable } from './source.ts';
import { WebSource } from './web-source.ts';

/**
 * The sources in the order in which they are tried: those that were named; the `url` that the manifest
 * has for a file; and the manifest's homepage, if none was named. A user's choice goes before what a
 * manifest says, and what it says of one file before its page.
 *
 * Pages and base URLs are requested when the first file is looked for. Local sources are checked here:
 * if no source can be used, that is thrown; one among others fails for each file instead.
 * @throws CcxriError `source-unusable`, `no-link`
 */
export async function openSources(
  sources: readonly string[],
  context: SourceContext,
): Promise<readonly Source[]> {
  const { manifest, signal } = context;
  const named = await Promise.all(sources.map((typed) => openOrFail(typed, context)));
  throwIfAborted(signal);
  assertSome(named);
  const own = manifest.files.some(({ url }) => url !== undefined) ? [openManifestUrls()] : [];
  const last = named.length > 0 ? [] : [await openOrFail(manifest.homepage, context)];
  return [...named, ...own, ...last];
}

/** A source that can't be used fails for each file. */
type MaybeBroken = Source & { readonly broken?: CcxriError };

async function openOrFail(typed: string, context: SourceContext): Promise<MaybeBroken> {
  const address = parseAddress(typed);
  try {
    return await openSource(typed, address, context);
  } catch (error) {
    if (!isCcxriError(error, 'source-unusable', 'no-link', 'other-release')) throw error;
    return {
      kind: address.isPage ? 'page' : 'directory',
      name: printableSource(typed),
      locate: () => Promise.reject(error),
      broken: error,
    };
  }
}

function assertSome(named: readonly MaybeBroken[]): void {
  const errors = named.flatMap(({ broken }) => broken ?? []);
  const [first] = errors;
  if (first === undefined || errors.length < named.length) return;
  throw new CcxriError(first.code, first.message, {
    ...first.facts,
    ...(errors.length > 1 ? { reasons: errors.map(({ message }) => message) } : {}),
    next: first.next,
    cause: first,
  });
}

/** @throws CcxriError `source-unusable`, `no-link`: nothing can be got from this address */
async function openSource(
  typed: string,
  address: Address,
  context: SourceContext,
): Promise<Source> {
  switch (address.kind) {
    case 'path':
      return openPath(address.path, context);
    case 'template':
      return openTemplate(address.url);
    case 'web': {
      const { url } = address;
      const file = fileNamed(new URL(url).pathname.split('/').at(-1), context);
      return file === undefined ? new WebSource(address, context) : openFileUrl(url, file);
    }
    case 'invalid':
      throw cannot(typed, address.why, context);
  }
}

async function openPath(path: string, context: SourceContext): Promise<Source> {
  const stats = await statOrThrow(path, context);
  if (stats.isDirectory()) return openDirectory(path);
  if (!stats.isFile()) throw cannot(path, 'it is neither a directory nor a file', context);
  const file = fileNamed(basename(path), context);
  return file === undefined ? openSavedPage(path, context) : openLocalFile(path, file);
}

function fileNamed(name: string | undefined, { manifest }: SourceContext) {
  return manifest.files.find((file) => file.name === name);
}

async function statOrThrow(path: string, context: SourceContext) {
  try {
    return await stat(path);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === undefined) throw error;
    if (errno !== 'ENOENT' && errno !== 'ENOTDIR')
      throw cannot(path, `it can't be read (${errno})`, context);
    throw cannot(path, `there is no such directory or file${guess(path)}`, context);
  }
}

/** What was probably meant by a path that does not exist. */
function guess(path: string): string {
  if (path.startsWith('~')) return ' (a ~ in quotes or in a variable is not your home directory)';
  const looksLikeHost = /^(?:localhost|[\w-]+(?:\.[\w-]+)+)(?::\d+|\/)/i.test(path);
  return looksLikeHost ? ' (a URL begins with https:// or http://)' : '';
}

function cannot(typed: string, why: string, { manifest }: SourceContext): CcxriError {
  const source = printableSource(typed);
  return sourceUnusable(`can't use the source ${source}: ${why}`, manifest.homepage, { source });
}

function printableSource(typed: string): string {
  return typed.includes('://') ? toPrintableUrl(typed) : toPrintable(typed);
}

/** A flat directory of files, or another dataset directory. */
const FOLDERS = ['', 'archives', 'labels'];

/** A local directory: files are in it, or in its archives/ and labels/, under their exact names. */
function openDirectory(path: string): Source {
  return {
    kind: 'directory',
    name: toPrintable(path),
    locate: async (file, signal) => {
      for (const folder of FOLDERS) {
        throwIfAborted(signal);
        const location = await locatePath(join(path, folder, file.name));
        if (location !== undefined) return location;
      }
      return undefined;
    },
  };
}

/** One file of the manifest, by a path that ends in the file's name. */
function openLocalFile(path: string, { name }: ManifestFile): Source {
  return {
    kind: 'file',
    name: toPrintable(path),
    locate: async (file) => (file.name === name ? locatePath(path) : undefined),
  };
}

/** One file of the manifest, by a URL that ends in the file's name. */
function openFileUrl(url: string, { name }: ManifestFile): Source {
  return {
    kind: 'file',
    name: toPrintableUrl(url),
    locate: (file) => locateUrl(file.name === name ? url : undefined),
  };
}

/** A URL with `{name}`: it does not have to be requested to know what it is. */
function openTemplate(template: string): Source {
  return {
    kind: 'base-url',
    name: toPrintableUrl(template).replaceAll('%7Bname%7D', '{name}'),
    locate: ({ name }) => locateUrl(toFileUrl(template, name)),
  };
}

/** The addresses that the manifest itself has for files. */
function openManifestUrls(): Source {
  return { kind: 'manifest', name: "the manifest's url", locate: ({ url }) => locateUrl(url) };
}

function locateUrl(url: string | undefined): Promise<Location | undefined> {
  return Promise.resolve(url === undefined ? undefined : { kind: 'url', url });
}

const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP']);

/**
 * undefined: there is no such file.
 * @throws CcxriError `source-unusable` if it exists and can't be read
 */
async function locatePath(path: string): Promise<Location | undefined> {
  try {
    if (!(await stat(path)).isFile()) return undefined;
    await access(path, constants.R_OK);
    return { kind: 'path', path };
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === undefined) throw error;
    if (ABSENT.has(errno)) return undefined;
    const elsewhere = { kind: 'option', option: 'source' } as const;
    throw new CcxriError('source-unusable', `could not read ${toPrintable(path)} (${errno})`, {
      path,
      next: [{ kind: 'advice', text: 'make it readable for you', or: elsewhere }],
      cause: error,
    });
  }
}

/** What one source says of a file: where it is, why it can't say, or (neither) that it has none. */
export interface Found {
  readonly source: Source;
  readonly location?: Location | undefined;
  readonly error?: CcxriError | undefined;
}

/**
 * Where a file may be, by one source after the other; each is asked only when its turn comes. A
 * location that an earlier source gave is not given again.
 * @throws CcxriError `aborted`
 */
export async function* locationsOf(
  file: ManifestFile,
  sources: readonly Source[],
  signal?: AbortSignal,
): AsyncGenerator<Found, void, undefined> {
  const seen = new Set<string>();
  for (const source of sources) {
    throwIfAborted(signal);
    const found = await locateIn(source, file, signal);
    const { location, error } = found;
    if (location !== undefined) {
      const place = location.kind === 'url' ? location.url : location.path;
      if (seen.has(place)) continue;
      seen.add(place);
      // Usually the manifest has no address of a file: that is not worth a report.
    } else if (error === undefined && source.kind === 'manifest') continue;
    yield found;
  }
}

async function locateIn(
  source: Source,
  file: ManifestFile,
  signal: AbortSignal | undefined,
): Promise<Found> {
  try {
    const location = await source.locate(file, signal);
    return location === undefined ? { source } : { source, location };
  } catch (error) {
    if (!isCcxriError(error) || error.code === 'aborted') throw error;
    return { source, error };
  }
}
