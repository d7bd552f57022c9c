import { throwIfAborted } from '../abort.ts';
import { NOT_OF_A_SOURCE, summarizeFailures } from '../download/failures.ts';
import { type CcxriError, isCcxriError, withDetails } from '../errors.ts';
import type { ManifestFile } from '../manifest/manifest.ts';
import { emitLeft } from '../ranges/open-ranged.ts';
import type { Source } from '../sources/source.ts';
import type { FetchRun } from './with-downloads.ts';

/** Work on an archive at the first of the sources that are left. */
export interface AtSource {
  /** With these sources alone. */
  readonly run: FetchRun;
  readonly isFirst: boolean;
  /** Set by the work, once the archive is open: where. */
  source?: Source | undefined;
}

interface EachSource<T> {
  readonly file: ManifestFile;
  readonly run: FetchRun;
  /** The archive is here, and is read where it is: it has no sources. */
  readonly isInPlace: boolean;
  /** The sources before it are known to be of no use. */
  readonly from?: Source | undefined;
  /** What is wrong with a result that stands if no other source has a better one. */
  readonly errorOf?: ((result: T) => CcxriError | undefined) | undefined;
}

/**
 * Does work on an archive at one source after the other until it goes well.
 * @throws CcxriError what the work fails with and no source can help; else the most specific failure
 */
export async function atEachSource<T>(
  { file, run, isInPlace, from, errorOf }: EachSource<T>,
  work: (at: AtSource) => Promise<T>,
): Promise<T> {
  if (isInPlace) return work({ run, isFirst: true });
  const opened = await run.withSources();
  const { downloads } = opened;
  const failures: CcxriError[] = [];
  let best: { readonly result: T } | undefined;
  let sources = startingWith(from, downloads.sources);
  for (let isFirst = true; isFirst || sources.length > 0; isFirst = false) {
    const at: AtSource = { run: withOnly(sources, opened), isFirst };
    let failure: unknown;
    try {
      const result = await work(at);
      best = { result };
      failure = errorOf?.(result);
      if (failure === undefined) return result;
    } catch (error) {
      throwIfAborted(run.session.signal);
      failure = error;
    }
    // Of another build of the archive nothing fits to what has come.
    if (!isOfSource(failure) || (best === undefined && isCcxriError(failure, 'occupied')))
      throw failure;
    const ofSource = withDetails(failure, {
      source: failure.facts.source ?? at.source?.name ?? '',
    });
    failures.push(ofSource);
    // What could not be opened was looked for at each of them.
    sources = at.source === undefined ? [] : startingWith(at.source, sources).slice(1);
    if (sources.length > 0) emitLeft(ofSource, file, downloads);
  }
  if (best !== undefined) return best.result;
  const [first] = failures;
  throw failures.length === 1 && first ? first : summarizeFailures(failures, file, 0);
}

/** Neither a stop, nor of the disk. A file that is read where it lies may change meanwhile, or go away. */
export function isOfSource(error: unknown): error is CcxriError {
  if (isCcxriError(error, 'changed', 'missing', 'occupied')) return true;
  return isCcxriError(error) && !NOT_OF_A_SOURCE.has(error.code);
}

function startingWith(source: Source | undefined, sources: readonly Source[]): readonly Source[] {
  return source === undefined ? sources : sources.slice(Math.max(0, sources.indexOf(source)));
}

function withOnly(sources: readonly Source[], run: FetchRun): FetchRun {
  const narrowed = { ...run, downloads: { ...run.downloads, sources } };
  return { ...narrowed, withSources: () => Promise.resolve(narrowed) };
}
