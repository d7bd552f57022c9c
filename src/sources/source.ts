import type { ManifestFile } from '../manifest/schema.ts';

/** Where a file's bytes can be had. A URL may carry a query that must not be printed. */
export type Location =
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'path'; readonly path: string };

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
}
