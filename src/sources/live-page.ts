import { isCcxriError } from '../errors.ts';
import type { LoadedPage } from '../http/page.ts';
import { type PageReading, hasFiles, mergeReadings, readPage } from './page-read.ts';
import type { SourceContext } from './source.ts';

/** Documents that are loaded for one page: frames, and pages that it leads on to. */
const MAX_DOCUMENTS = 8;

/**
 * Reads a page of the web; where it has no links to files itself, also what a browser would show in it
 * (frames) or instead of it (a refresh).
 * @throws CcxriError `source-unusable` if the HTML can't be read at all; `aborted`
 */
export async function readLivePage(
  page: LoadedPage,
  { manifest, loadPage, signal }: Pick<SourceContext, 'manifest' | 'loadPage' | 'signal'>,
): Promise<PageReading> {
  const read = ({ text, url }: LoadedPage) => readPage(text, manifest, { kind: 'live', url });
  const first = await read(page);
  if (hasFiles(first)) return first;
  const seen = new Set([page.url]);
  const readings: PageReading[] = [];
  const waiting = [first];
  for (let reading = waiting.shift(); reading !== undefined; reading = waiting.shift()) {
    for (const { url } of reading.frames) {
      if (url === undefined || seen.has(url) || seen.size > MAX_DOCUMENTS) continue;
      seen.add(url);
      try {
        const next = await read(await loadPage(url, signal));
        readings.push(next);
        if (!hasFiles(next)) waiting.push(next);
      } catch (error) {
        // Another frame, or the page itself, may have more.
        if (!isCcxriError(error) || error.code === 'aborted') throw error;
      }
    }
  }
  const useful = readings.filter(hasFiles);
  return useful.length === 0
    ? first
    : { ...mergeReadings(first, useful), base: useful[0]?.base ?? first.base };
}
