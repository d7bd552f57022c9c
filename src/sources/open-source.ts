import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { throwIfAborted } from '../abort.ts';
import { systemClock } from '../clock.ts';
import { CcxriError, errnoOf, isCcxriError } from '../errors.ts';
import { ignoreEvents } from '../events.ts';
import type { ManifestFile } from '../manifest/manifest.ts';
import { toPrintable, toPrintableUrl } from '../text.ts';
import { isTemplate, openFileUrl, openManifestUrls, openTemplate } from './base-url.ts';
import { DirectorySource, openLocalFile } from './directory.ts';
import { unusable } from './hints.ts';
import { openSavedPage } from './page-read.ts';
import type { Location, OpenedSource, Source, SourceContext, SourceOptions } from './source.ts';
import { WebSource } from './web-source.ts';

/**
 * One place as it was typed: an http or https URL, a file:// URL, or a local path.
 * @throws CcxriError `source-unusable` where it is none of these, or nothing is there
 */
async function openSource(typed: string, context: SourceContext): Promise<OpenedSource> {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(typed)?.[1]?.toLowerCase();
  // A path, also one of Windows: `D:\mirror` has no `://`.
  if (scheme === undefined) return openPath(typed, context);
  if (!['http', 'https', 'file'].includes(scheme)) {
    const what = `a ${toPrintable(scheme, 20)}:// address`;
    throw cannot(typed, `${what} can't be a source: http, https and file can`, context);
  }
  if (!URL.canParse(typed)) throw cannot(typed, 'it is no valid URL', context);
  return scheme === 'file' ? openPath(toPath(typed, context), context) : openWeb(typed, context);
}

function openWeb(typed: string, context: SourceContext): OpenedSource {
  if (isTemplate(typed)) return openTemplate(typed);
  const file = fileNamed(new URL(typed).pathname.split('/').at(-1), context);
  return file === undefined ? new WebSource(typed, context) : openFileUrl(typed, file);
}

async function openPath(path: string, context: SourceContext): Promise<OpenedSource> {
  const stats = await statOrThrow(path, context);
  if (stats.isDirectory()) return new DirectorySource(path);
  if (!stats.isFile()) throw cannot(path, 'it is neither a directory nor a file', context);
  const file = fileNamed(basename(path), context);
  return file === undefined ? openSavedPage(path, context) : openLocalFile(path, file);
}

function fileNamed(
  name: string | undefined,
  { manifest }: SourceContext,
): ManifestFile | undefined {
  return manifest.files.find((file) => file.name === name);
}

function toPath(url: string, context: SourceContext): string {
  try {
    return fileURLToPath(url);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    throw cannot(url, 'it names no file of this machine (file:///path does)', context);
  }
}

async function statOrThrow(path: string, context: SourceContext) {
  try {
    return await stat(path);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === undefined) throw error;
    if (errno !== 'ENOENT' && errno !== 'ENOTDIR')
      throw cannot(path, `it can't be looked at (${errno})`, context);
    throw cannot(path, `there is no such directory or file${guess(path)}`, context);
  }
}

/** What was meant by a path that is none. */
function guess(path: string): string {
  if (path.startsWith('~')) return ' (a ~ in quotes or in a variable is not your home directory)';
  const looksLikeHost = /^(?:localhost|[\w-]+(?:\.[\w-]+)+)(?::\d+|\/)/i.test(path);
  return looksLikeHost ? ' (a URL begins with https:// or http://)' : '';
}

function cannot(typed: string, why: string, { manifest }: SourceContext): CcxriError {
  const name = printableSource(typed);
  return unusable(`can't use the source ${name}: ${why}`, manifest.homepage, { source: name });
}

function printableSource(typed: string): string {
  return typed.includes('://') ? toPrintableUrl(typed) : toPrintable(typed);
}

/** A source that can't be used, among others that may do: it fails for each file. */
async function openOrFail(
  typed: string,
  context: SourceContext,
): Promise<OpenedSource & { readonly broken?: CcxriError }> {
  try {
    return await openSource(typed, context);
  } catch (error) {
    if (!isCcxriError(error, 'source-unusable')) throw error;
    const kind = /\.x?html?$/i.test(typed) ? 'page' : 'directory';
    return {
      kind,
      name: printableSource(typed),
      locate: () => Promise.reject(error),
      broken: error,
    };
  }
}

/**
 * The places where files are looked for, in their order: those that were named; then, for the files
 * whose `url` the manifest has, that; and the manifest's homepage, where nothing was named. What a
 * user names goes before what a manifest says, and what it says of one file before its page.
 *
 * Pages and base URLs are first asked when a file is looked for. Of local sources it is told here
 * what is wrong with them, if none can be used; one among others fails for each file instead.
 * @throws CcxriError `source-unusable`
 */
export async function openSources(
  sources: readonly string[],
  options: SourceOptions,
): Promise<readonly OpenedSource[]> {
  const { manifest } = options;
  const context: SourceContext = {
    ...options,
    onEvent: options.onEvent ?? ignoreEvents,
    pageRetries: options.pageRetries ?? 2,
    clock: options.clock ?? systemClock,
  };
  const named = await Promise.all(sources.map((typed) => openOrFail(typed, context)));
  throwIfAborted(options.signal);
  assertSome(named);
  const own = manifest.files.some(({ url }) => url !== undefined) ? [openManifestUrls()] : [];
  const last = named.length > 0 ? [] : [await openOrFail(manifest.homepage, context)];
  return [...named, ...own, ...last];
}

function assertSome(named: readonly { readonly broken?: CcxriError }[]): void {
  const errors = named.flatMap(({ broken }) => (broken === undefined ? [] : [broken]));
  const first = errors[0];
  if (first === undefined || errors.length < named.length) return;
  throw new CcxriError(first.code, first.message, {
    ...first.facts,
    ...(errors.length > 1 ? { reasons: errors.map(({ message }) => message) } : {}),
    next: first.next,
    cause: first,
  });
}

/** What one source says of one file: where it is, why it can't say, or (neither) that it is not there. */
export interface Found<S extends Source = Source> {
  readonly source: S;
  readonly location?: Location | undefined;
  readonly error?: CcxriError | undefined;
}

/**
 * Where a file may be, from one source after the other; each is asked only when its turn comes. An
 * address that an earlier source has named is not named again.
 * @throws CcxriError `aborted`
 */
export async function* locationsOf<S extends Source>(
  file: ManifestFile,
  sources: readonly S[],
  signal?: AbortSignal,
): AsyncGenerator<Found<S>, void, undefined> {
  const seen = new Set<string>();
  for (const source of sources) {
    throwIfAborted(signal);
    const found = await ask(source, file, signal);
    const place = placeOf(found.location);
    if (place === undefined ? isSilent(found) : seen.has(place)) continue;
    if (place !== undefined) seen.add(place);
    yield found;
  }
}

function placeOf(location: Location | undefined): string | undefined {
  return location?.kind === 'url' ? location.url : location?.path;
}

/** That the manifest has no address of a file is the usual case, and nothing to tell. */
function isSilent({ source, error }: Found): boolean {
  return error === undefined && 'kind' in source && source.kind === 'manifest';
}

async function ask<S extends Source>(
  source: S,
  file: ManifestFile,
  signal: AbortSignal | undefined,
): Promise<Found<S>> {
  try {
    const location = await source.locate(file, signal);
    return location === undefined ? { source } : { source, location };
  } catch (error) {
    if (!isCcxriError(error) || error.code === 'aborted') throw error;
    return { source, error };
  }
}
