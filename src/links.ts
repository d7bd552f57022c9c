import { throwIfAborted } from './abort.ts';
import type { RunOptions } from './dataset/session.ts';
import { CcxriError } from './errors.ts';
import { createPageLoader } from './http/page.ts';
import { type ManifestFile, isEmptySelection, selectFiles } from './manifest/manifest.ts';
import { nextSources } from './sources/hints.ts';
import { type Found, locationsOf, openSources } from './sources/open-source.ts';
import type { Location, OpenedSource, SourceKind } from './sources/source.ts';
import { toPrintable, toPrintableLink } from './text.ts';

/**
 * Where each file would come from. Pages are loaded, files are not asked for: below a base URL a
 * file may still be missing. Every source is asked for every file, so that `tried` shows what each
 * has.
 * @throws CcxriError `unknown-subset`, `unknown-file`; `source-unusable` where no named source is
 * one; `aborted`
 */
export async function resolveLinks(options: LinksOptions): Promise<LinksResult> {
  const { manifest, selection = {}, signal } = options;
  const files = isEmptySelection(selection) ? manifest.files : selectFiles(manifest, selection);
  const sources = await openAll(options);
  const found: (readonly Found<OpenedSource>[])[] = [];
  for (const file of files) found.push(await askAll(file, sources, signal));
  throwIfAborted(signal);
  return {
    links: files.map((file, i) => toRow(file, found[i] ?? [], manifest.homepage)),
    tried: sources.map((source) => toTried(source, found.flat())),
  };
}

function openAll(options: LinksOptions): Promise<readonly OpenedSource[]> {
  const { manifest, sources = [], headers, timeoutMs, env, signal, onEvent } = options;
  const loadPage = createPageLoader({
    headerOrigins: sources,
    ...(headers === undefined ? {} : { headers }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(env === undefined ? {} : { env }),
  });
  return openSources(sources, {
    manifest,
    loadPage,
    signal,
    ...(onEvent === undefined ? {} : { onEvent }),
  });
}

async function askAll(
  file: ManifestFile,
  sources: readonly OpenedSource[],
  signal: AbortSignal | undefined,
): Promise<readonly Found<OpenedSource>[]> {
  const answers: Found<OpenedSource>[] = [];
  for await (const answer of locationsOf(file, sources, signal)) answers.push(answer);
  return answers;
}

function toRow(
  file: ManifestFile,
  answers: readonly Found<OpenedSource>[],
  homepage: string,
): LinkRow {
  const { name, kind, md5 } = file;
  const first = answers.find(({ location }) => location !== undefined);
  if (first?.location === undefined) {
    const error = nowhere(file, answers, homepage);
    return { file: name, kind, md5, source: null, location: null, error };
  }
  const location = toPrintableLocation(first.location);
  return { file: name, kind, md5, source: first.source.name, location };
}

function toPrintableLocation(location: Location): string {
  return location.kind === 'url' ? toPrintableLink(location.url) : toPrintable(location.path, 4096);
}

/** What every source answered, and the next steps. */
function nowhere(
  { name }: ManifestFile,
  answers: readonly Found<OpenedSource>[],
  homepage: string,
): CcxriError {
  const failed = answers.find(({ error }) => error !== undefined)?.error;
  const said = answers.map(
    ({ source, error }) => error?.message ?? `${name} is not at ${source.name}`,
  );
  const [only = `no source has ${name}`] = said;
  return new CcxriError(
    failed?.code ?? 'file-not-at-source',
    said.length > 1 ? `none of ${said.length} sources has ${name}` : only,
    {
      ...failed?.facts,
      file: name,
      ...(said.length > 1 ? { reasons: said } : {}),
      next: failed?.next ?? nextSources(homepage),
      cause: failed,
    },
  );
}

function toTried(
  source: OpenedSource,
  answers: readonly Found<OpenedSource>[],
): LinksResult['tried'][number] {
  const own = answers.filter((answer) => answer.source === source);
  const found = own.filter(({ location }) => location !== undefined).length;
  const error = own.find((answer) => answer.error !== undefined)?.error;
  return {
    source: source.name,
    kind: source.kind,
    found,
    ...(error === undefined || found > 0 ? {} : { error }),
  };
}

export interface LinksOptions extends Omit<RunOptions, 'dest'> {
  /** As of fetch. Default: the manifest's homepage. */
  readonly sources?: readonly string[] | undefined;
  /** Extra request headers, sent to the origins of `sources` alone. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Default 30,000. */
  readonly timeoutMs?: number | undefined;
  /** Proxy variables (HTTP_PROXY, HTTPS_PROXY, NO_PROXY in either case). Default: no proxy. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** Where one file would be downloaded from. */
export interface LinkRow {
  /** Manifest name. */
  readonly file: string;
  /** Is it an archive or a label file? */
  readonly kind: 'archive' | 'labels';
  /** As published. */
  readonly md5: string;
  /** The first source that has it, safe to print. Null where none has it. */
  readonly source: string | null;
  /**
   * A URL or a path, without userinfo and without the values of secret query parameters. Null where no
   * source has it.
   */
  readonly location: string | null;
  /** Why no source has it. Absent where one has it. */
  readonly error?: CcxriError | undefined;
}

/** Where files would be downloaded from. */
export interface LinksResult {
  /** One for each selected file (default: every file of the manifest), in the manifest's order. */
  readonly links: readonly LinkRow[];
  /** What each source has, in the order tried: for a person who has to choose another. */
  readonly tried: readonly {
    /** The source, safe to print. */
    readonly source: string;
    readonly kind: SourceKind;
    /** How many of the selected files it has, as far as is known without requesting them. */
    readonly found: number;
    /** Why it has none. Absent where it could be read. */
    readonly error?: CcxriError | undefined;
  }[];
}
