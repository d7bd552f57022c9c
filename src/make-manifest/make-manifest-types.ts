import type { Clock } from '../clock.ts';
import type { EventListener } from '../events.ts';
import type { Manifest } from '../manifest/schema.ts';

export interface MakeManifestOptions {
  /** Where the archives and label files lie (also in archives/ and labels/ below it). */
  readonly directory: string;
  /**
   * Lends subsets and categories to files of the names it knows, its homepage always, and its name
   * and version where names and MD5s show that the files are of this very release.
   */
  readonly like: Manifest;
  /** Files hashed at once. Default: 8 for each processor, with which all of them are full. */
  readonly concurrency?: number;
  /** Dates what is no known release. Default: the system's. */
  readonly clock?: Pick<Clock, 'date'>;
  readonly signal?: AbortSignal;
  readonly onEvent?: EventListener;
}

export interface MakeManifestResult {
  readonly manifest: Manifest;
  /** Files that are neither archives nor label files: left out. */
  readonly leftOut: readonly string[];
}
