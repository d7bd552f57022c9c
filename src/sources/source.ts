import type { Clock } from '../clock.ts';
import { CcxriError, type CcxriErrorOptions, type NextAct, type NextStep } from '../errors.ts';
import type { EventListener } from '../events.ts';
import type { LoadedPage } from '../http/page.ts';
import { DEFAULT_RETRY_POLICY, type RetryPolicy } from '../http/retry-policy.ts';
import type { Manifest, ManifestFile } from '../manifest/manifest.ts';
import { toPrintableUrl } from '../text.ts';

/** Where a file's bytes are. A URL may have a query that must not be printed. */
export type Location =
  { readonly kind: 'url'; readonly url: string } | { readonly kind: 'path'; readonly path: string };

/**
 * `directory`, `base-url`: files are found below it by name; `page`: a web page, live or saved, whose
 * links are paired with files; `file`: one of the files itself; `manifest`: the `url` that the
 * manifest has for a file.
 */
export type SourceKind = 'directory' | 'base-url' | 'page' | 'file' | 'manifest';

/** A place that files come from. */
export interface Source {
  /** Of a URL it is certain only after the first `locate`; until then, the likeliest kind. */
  readonly kind: SourceKind;
  /** Printable: without userinfo and query. */
  readonly name: string;
  /**
   * Where this source has the file; undefined: it does not have it, as far as can be known without
   * requesting the file itself.
   * @throws CcxriError `source-unusable`, `no-link`, `network`, `http-status`, `stalled`, `aborted`
   */
  locate(file: ManifestFile, signal?: AbortSignal): Promise<Location | undefined>;
  /**
   * As `locate`, when the address that it gave has stopped working: signed links expire. Absent: the
   * answer would be the same.
   */
  locateAgain?(file: ManifestFile, signal?: AbortSignal): Promise<Location | undefined>;
}

/** What opening and reading sources needs. */
export interface SourceContext {
  /** The files to find; its homepage is the source if none is named. */
  readonly manifest: Manifest;
  /** Loads a whole page, with the credentials for its origin: `loadPageWith`. */
  readonly loadPage: (url: string, signal?: AbortSignal) => Promise<LoadedPage>;
  /** Stops the loading of pages. */
  readonly signal?: AbortSignal | undefined;
  /** Receives warnings. */
  readonly onEvent: EventListener;
  /**
   * The file that keeps the links of live pages, for when a page can't be read any more:
   * `DatasetLayout.links`. Default: none.
   */
  readonly linksCache?: string | undefined;
  /**
   * The first bytes at a URL, as `loadStartWith` gives them: shows whether files lie by name where a
   * page has no links to them. Default: that is not tried.
   */
  readonly loadStart?:
    ((url: string, signal?: AbortSignal) => Promise<Buffer | undefined>) | undefined;
  /** Where saved pages were: it counts more than what they say. Default: what they say. */
  readonly pageUrl?: string | undefined;
  /** How often a page is asked for again, and how long is waited. Default: `QUESTION_POLICY`. */
  readonly pagePolicy?: RetryPolicy | undefined;
  readonly clock: Clock;
}

/** For who only asks where files are, and waits for the answer. */
export const QUESTION_POLICY: RetryPolicy = {
  ...DEFAULT_RETRY_POLICY,
  retries: 2,
  maxRetryAfterMs: 20_000,
};

/**
 * Next steps where no source has a file, or the page can't be used: a saved page, or a mirror.
 * @param page its address
 * @param first steps to try before that; then a saved page is the one alternative to the last of them
 */
export function otherSourceSteps(page: string, first: readonly NextStep[] = []): NextStep[] {
  const saved: NextAct = {
    kind: 'option',
    option: 'source',
    value: 'page.html',
    purpose: `(save ${toPrintableUrl(page)} in a browser)`,
  };
  const mirror: NextAct = {
    kind: 'option',
    option: 'source',
    value: 'URL-or-directory',
    purpose: 'to name a mirror',
  };
  const last = first.at(-1);
  if (last === undefined) return [{ ...saved, or: mirror }];
  return [...first.slice(0, -1), { ...last, or: saved }];
}

/** The error of a source that can't be used; its own next steps come before another source. */
export function sourceUnusable(
  message: string,
  homepage: string,
  options: CcxriErrorOptions = {},
): CcxriError {
  const next = otherSourceSteps(homepage, options.next);
  return new CcxriError('source-unusable', message, { ...options, next });
}

/** The error of a page that leads to no file, or not to this one. */
export function noLink(
  message: string,
  homepage: string,
  options: CcxriErrorOptions = {},
): CcxriError {
  const next = otherSourceSteps(homepage, options.next);
  return new CcxriError('no-link', message, { ...options, next });
}

/** That a source does not have a file, in words. */
export function lackOf({ kind, name }: Pick<Source, 'kind' | 'name'>, file: string): string {
  return kind === 'page' ? `${name} has no link to ${file}` : `${file} is not at ${name}`;
}
