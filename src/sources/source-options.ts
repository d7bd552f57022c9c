import type { Clock } from '../clock.ts';
import type { EventListener } from '../events.ts';
import type { Manifest } from '../manifest/schema.ts';
import type { LoadedPage } from '../http/page.ts';

export interface SourceOptions {
  /** What is looked for; its homepage is the source where none is named. */
  readonly manifest: Manifest;
  /** Loads a page whole, with credentials for its origin: `loadPageWith`, `createPageLoader`. */
  readonly loadPage: (url: string, signal?: AbortSignal) => Promise<LoadedPage>;
  /** Stops the loading of pages. */
  readonly signal?: AbortSignal | undefined;
  /** Hears warnings. Default: nobody. */
  readonly onEvent?: EventListener;
  /**
   * Where the links of live pages are kept, to go on with when a page can't be read any more:
   * `DatasetLayout.links`. Default: nowhere.
   */
  readonly linksCache?: string;
  /** Attempts to load a page beyond the first, while it is down. Default 2. */
  readonly pageRetries?: number;
  /** Default: the system's. */
  readonly clock?: Clock;
}

/** The options with everything decided that was left open. */
export interface SourceContext extends SourceOptions {
  readonly onEvent: EventListener;
  readonly pageRetries: number;
  readonly clock: Clock;
}
