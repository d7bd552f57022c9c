import { throwIfAborted } from './abort.ts';
import { systemClock } from './clock.ts';
import { resolveManifest } from './dataset/kept-manifest.ts';
import type { RunOptions } from './dataset/session.ts';
import { CcxriError } from './errors.ts';
import { ignoreEvents } from './events.ts';
import { HttpClient } from './http/client.ts';
import { loadPageWith, loadStartWith } from './http/page.ts';
import { DEFAULT_TIMEOUT_MS } from './http/retry-policy.ts';
import {
  type Manifest,
  type ManifestFile,
  isEmptySelection,
  selectFiles,
} from './manifest/manifest.ts';
import { headerOptionsOf } from './sources/header-options.ts';
import { type Found, locationsOf, openSources } from './sources/open-source.ts';
import {
  type Location,
  type Source,
  type SourceContext,
  type SourceKind,
  lackOf,
  otherSourceSteps,
} from './sources/source.ts';
import { toPrintable, toPrintableLink } from './text.ts';

/**
 * Where each file would come from. Pages are loaded, files are not requested, but for the first bytes of
 * one where a page has no links: a file below a base URL may turn out to be missing. Every source is asked for every file, so that `tried` says how useful
 * each is.
 * @throws CcxriError `unknown-subset`, `unknown-file`; `source-unusable` or `no-link` if none of the
 *   named sources can be used; `aborted`
 */
export async function resolveLinks(options: LinksOptions): Promise<LinksResult> {
  const { selection = {}, signal } = options;
  const { manifest } = await resolveManifest(options);
  const files = isEmptySelection(selection) ? manifest.files : selectFiles(manifest, selection);
  const { found, sources } = await locateFiles(files, { ...options, manifest });
  const { homepage } = manifest;
  throwIfAborted(signal);
  return {
    links: found.map(({ file, answers }) => toRow(file, answers, homepage)),
    tried: sources.map((source) =>
      toTried(
        source,
        found.flatMap(({ answers }) => answers),
      ),
    ),
  };
}

/** What every source says of one file, in the order tried. */
export interface FoundFile {
  readonly file: ManifestFile;
  readonly answers: readonly Found[];
}

/**
 * Asks every source for every file. The locations are as they are: a URL may have a secret in its query.
 * @throws CcxriError as `resolveLinks`
 */
export async function locateFiles(
  files: readonly ManifestFile[],
  options: LinksOptions & { readonly manifest: Manifest },
): Promise<{ readonly found: readonly FoundFile[]; readonly sources: readonly Source[] }> {
  const { manifest, sources: named = [], env } = options;
  const { timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const { pageUrl, signal, onEvent = ignoreEvents, clock = systemClock } = options;
  const loading = { ...headerOptionsOf(options, manifest, onEvent), timeoutMs, env, clock };
  // One for all pages: it keeps cookies, and what it has learned of hosts.
  const client = new HttpClient(loading);
  try {
    const loadPage: SourceContext['loadPage'] = (url, pageSignal) =>
      loadPageWith(client, url, { clock, signal: pageSignal });
    const loadStart: SourceContext['loadStart'] = (url, startSignal) =>
      loadStartWith(client, url, startSignal);
    const context = { manifest, loadPage, loadStart, pageUrl, signal, onEvent, clock };
    const sources = await openSources(named, context);
    const found: FoundFile[] = [];
    for (const file of files) {
      const answers: Found[] = [];
      for await (const answer of locationsOf(file, sources, signal)) answers.push(answer);
      found.push({ file, answers });
    }
    return { found, sources };
  } finally {
    await client.close();
  }
}

function toRow(file: ManifestFile, answers: readonly Found[], homepage: string): LinkRow {
  const { name, subsets, kind, md5 } = file;
  const found = answers.find(({ location }) => location !== undefined);
  if (found?.location === undefined) {
    const error = notFound(file, answers, homepage);
    return { file: name, subsets, kind, md5, source: null, location: null, error };
  }
  const location = toPrintableLocation(found.location);
  return { file: name, subsets, kind, md5, source: found.source.name, location };
}

function toPrintableLocation(location: Location): string {
  return location.kind === 'url' ? toPrintableLink(location.url) : toPrintable(location.path, 4096);
}

/** Why no source has a file: what every one said, and the next steps. */
export function notFound(
  { name }: ManifestFile,
  answers: readonly Found[],
  homepage: string,
): CcxriError {
  const failed = answers.find(({ error }) => error !== undefined)?.error;
  const reasons = answers.map(({ source, error }) => error?.message ?? lackOf(source, name));
  const [only = `no source has ${name}`] = reasons;
  const isOne = reasons.length <= 1;
  const message = isOne ? only : `none of ${reasons.length} sources has ${name}`;
  const code = answers[0]?.source.kind === 'page' ? 'no-link' : 'file-not-at-source';
  return new CcxriError(failed?.code ?? code, message, {
    ...failed?.facts,
    file: name,
    ...(isOne ? { wholeSource: failed !== undefined || undefined } : { reasons }),
    next: failed?.next ?? otherSourceSteps(homepage),
    cause: failed,
  });
}

function toTried(source: Source, answers: readonly Found[]): LinksResult['tried'][number] {
  const own = answers.filter((answer) => answer.source === source);
  const found = own.filter(({ location }) => location !== undefined).length;
  const error = found > 0 ? undefined : own.find((answer) => answer.error !== undefined)?.error;
  const { name, kind } = source;
  return { source: name, kind, found, ...(error === undefined ? {} : { error }) };
}

export interface LinksOptions extends Omit<RunOptions, 'dest'> {
  /** Where no manifest is given: the directory whose kept manifest is used. Default: none. */
  readonly dest?: string | undefined;
  /** As of fetch. Default: the manifest's homepage. */
  readonly sources?: readonly string[] | undefined;
  /** As of fetch. */
  readonly pageUrl?: string | undefined;
  /**
   * Extra request headers. `User-Agent`, `Accept`, `Accept-Language` and `Referer` go to every host; all
   * others to the origins of `sources` and to `headerHosts` alone.
   */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /**
   * Other hosts that get all of `headers`, as `HOST` or `HOST:PORT`: those that the links of a saved
   * page lead to. Default: none.
   */
  readonly headerHosts?: readonly string[] | undefined;
  /** The program, for the header User-Agent; the manifest's homepage is added. Default `ccxri`. */
  readonly userAgent?: string | undefined;
  /** Default 30,000. */
  readonly timeoutMs?: number | undefined;
  /** Proxy variables (HTTP_PROXY, HTTPS_PROXY, NO_PROXY in either case). Default: no proxy. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
}

/** Where one file would be downloaded from. */
export interface LinkRow {
  /** Manifest name. */
  readonly file: string;
  /** Subsets that it belongs to. */
  readonly subsets: readonly string[];
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
