import { withSession } from '../../src/dataset/session.ts';
import type { FetchOptions } from '../../src/fetch/fetch-types.ts';
import { type FetchRun, withDownloads } from '../../src/fetch/with-downloads.ts';

/** What of a fetch is made before its first file: a session, and all that downloads share. */
export async function withFetchRun<T>(
  options: FetchOptions,
  work: (run: FetchRun) => Promise<T>,
): Promise<T> {
  return withSession(options, { lock: true }, (session) =>
    withDownloads({ session, options, tasks: [], needsSources: true }, work),
  );
}
