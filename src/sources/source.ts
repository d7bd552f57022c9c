import type { Clock } from '../clock.ts';
import type { EventListener } from '../events.ts';
import type { LoadedPage } from '../http/page.ts';
import type { Manifest, ManifestFile } from '../manifest/manifest.ts';

/** Where a file's bytes can be had. A URL may carry a query that must not be printed. */
export type Location =
  { readonly kind: 'url'; readonly url: string } | { readonly kind: 'path'; readonly path: string };

/** One place that was named with --source: a directory, a base URL, or a page with links. */
export interface Source {
  /** Printable: without userinfo and query. */
  readonly name: string;
  /**
   * Where this source has the file; undefined: it does not have it, as far as can be told without
   * asking for the file itself.
   * @throws CcxriError `source-unusable`, `network`, `http-status`, `stalled`, `aborted`
   */
  locate(file: ManifestFile, signal?: AbortSignal): Promise<Location | undefined>;
  /**
   * As `locate`, where an address that it gave has served and does not any more: signed links have
   * their time. Absent: `locate` says the same each time.
   */
  locateAgain?(file: ManifestFile, signal?: AbortSignal): Promise<Location | undefined>;
}

/**
 * `directory`, `base-url`: files lie below it by name; `page`: a web page, live or saved, whose
 * links are paired with files; `file`: one of the files itself; `manifest`: the `url` that the
 * manifest has for a file.
 */
export type SourceKind = 'directory' | 'base-url' | 'page' | 'file' | 'manifest';

export interface OpenedSource extends Source {
  /** Of a URL it is certain only after the first `locate`; before that: the likeliest. */
  readonly kind: SourceKind;
}

export interface SourceOptions {
  /** What is looked for; its homepage is the source where none is named. */
  readonly manifest: Manifest;
  /** Loads a page whole, with credentials for its origin: `loadPageWith`, `createPageLoader`. */
  readonly loadPage: (url: string, signal?: AbortSignal) => Promise<LoadedPage>;
  /** Stops the loading of pages. */
  readonly signal?: AbortSignal | undefined;
  /** Hears warnings. Default: nobody. */
  readonly onEvent?: EventListener | undefined;
  /**
   * Where the links of live pages are kept, to go on with when a page can't be read any more:
   * `DatasetLayout.links`. Default: nowhere.
   */
  readonly linksCache?: string | undefined;
  /** Attempts to load a page beyond the first, while it is down. Default 2. */
  readonly pageRetries?: number | undefined;
  /** Default: the system's. */
  readonly clock?: Clock | undefined;
}

/** The options with everything decided that was left open. */
export interface SourceContext extends SourceOptions {
  readonly onEvent: EventListener;
  readonly pageRetries: number;
  readonly clock: Clock;
}
