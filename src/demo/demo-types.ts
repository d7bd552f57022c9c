import type { EventListener } from '../events.ts';
import type { FetchResult } from '../fetch/fetch-types.ts';

export interface DemoOptions {
  /**
   * The dataset directory that the demo leaves: absent, empty, or made by an earlier demo. Default
   * ./ccxri-demo (the command line says so).
   */
  readonly dest: string;
  /** How fast the made-up release is served. Default 200,000: so that there is something to see. */
  readonly bytesPerSecond?: number;
  readonly signal?: AbortSignal;
  readonly onEvent?: EventListener;
}

export interface DemoResult {
  /** Where the made-up release was served while the demo ran. */
  readonly page: string;
  /** What a user would have typed. */
  readonly commandLine: string;
  /** The made-up release's manifest: for `--manifest` of verify, status and the others. */
  readonly manifestPath: string;
  readonly fetch: FetchResult;
}
