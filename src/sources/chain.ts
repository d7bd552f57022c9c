import { throwIfAborted } from '../abort.ts';
import { systemClock } from '../clock.ts';
import { CcxriError, isCcxriError } from '../errors.ts';
import { ignoreEvents } from '../events.ts';
import type { ManifestFile } from '../manifest/schema.ts';
import { openManifestUrls } from './base-url.ts';
import { openOrFail } from './open-source.ts';
import type { SourceContext, SourceOptions } from './source-options.ts';
import type { Location, OpenedSource, Source } from './source.ts';

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
    ...(first.hint === undefined ? {} : { hint: first.hint }),
    cause: first,
  });
}

/** What one source says of one file: where it is, why it can't say, or (neither) that it is not there. */
export interface Found<S extends Source = Source> {
  readonly source: S;
  readonly location?: Location;
  readonly error?: CcxriError;
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
