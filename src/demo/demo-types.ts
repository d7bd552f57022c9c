import type { EventListener } from '../events.ts';
import type { FetchResult } from '../fetch/fetch-types.ts';

export interface DemoOptions {
  /** The dataset directory that the demo leaves. Default ./ccxri-demo (the command line says so). */
  readonly dest: string;
  readonly signal?: AbortSignal;
  readonly onEvent?: EventListener;
}

export interface DemoResult {
  /** Where the made-up release was served while the demo ran. */
  readonly page: string;
  /** What a user would have typed. */
  readonly commandLine: string;
  readonly fetch: FetchResult;
}
