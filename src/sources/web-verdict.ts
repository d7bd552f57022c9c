import { CcxriError, isCcxriError, retold } from '../errors.ts';
import type { Manifest } from '../manifest/schema.ts';
import type { LoadedPage } from '../http/page.ts';
import { count, formatDuration, toPrintable, toPrintableUrl } from '../text.ts';
import { toBareUrl } from './base-url.ts';
import type { FailedLoad } from './load-patiently.ts';
import { explainEmpty } from './page-found.ts';
import { looksLikeHtml } from './page-html.ts';
import { readPage, type PageReading } from './page-read.ts';
import { unusable, waysOn } from './hints.ts';

/** What a URL turned out to be. */
export type WebVerdict =
  | { readonly kind: 'page'; readonly reading: PageReading }
  /** `listing`: what the server shows of the directory; `refusal`: why it shows nothing. */
  | { readonly kind: 'base-url'; readonly listing?: PageReading; readonly refusal?: CcxriError }
  | { readonly kind: 'unusable'; readonly error: CcxriError };

/**
 * What a URL is, by its own answer: HTML with an MD5 of the manifest is a page; the listing of a
 * directory, and what is no HTML, a base URL; any other HTML is an error, for a login page must not
 * send 82 downloads the wrong way. The homepage, and what ends in `.html`, can only be a page.
 */
export async function judgeAnswer(
  url: string,
  page: LoadedPage,
  manifest: Manifest,
): Promise<WebVerdict> {
  const name = toPrintableUrl(url);
  const { homepage } = manifest;
  const onlyPage = isOnlyPage(url, manifest);
  if (!/html/i.test(page.contentType ?? '') && !looksLikeHtml(page.text)) {
    if (!onlyPage) return { kind: 'base-url' };
    const what = toPrintable(page.contentType ?? 'something without a type', 80);
    return toUnusable(unusable(`${name} is no web page: it is ${what}`, homepage));
  }
  let reading: PageReading;
  try {
    reading = await readPage(page.text, manifest, { kind: 'live', url: page.url });
  } catch (error) {
    if (!isCcxriError(error)) throw error;
    return toUnusable(unusable(`${name} can't be used: ${error.message}`, homepage));
  }
  const hasFiles = reading.urls.size + reading.ambiguous.size > 0;
  if (hasFiles && (onlyPage || reading.knownMd5s > 0)) return { kind: 'page', reading };
  const isListing = hasFiles || reading.looksLikeListing;
  if (isListing && !onlyPage && reading.knownMd5s === 0) {
    return { kind: 'base-url', listing: reading };
  }
  const hint = onlyPage ? undefined : toTemplateHint(url);
  return toUnusable(explainEmpty(reading, manifest, { source: name, hint }));
}

/** Refused, but there (403 and 404 are what a directory without a listing gives): a base URL. */
export function judgeFailure(
  url: string,
  { error, attempts }: FailedLoad,
  manifest: Manifest,
): WebVerdict {
  if (!isCcxriError(error)) throw error;
  const { status = 0, retryAfterS } = error.facts;
  const isRefusal = status >= 400 && status < 500 && !SAYS_NOTHING.includes(status);
  if (isRefusal && !isOnlyPage(url, manifest)) return { kind: 'base-url', refusal: error };
  const name = toPrintableUrl(url);
  const which = isHomepage(url, manifest) ? "the dataset's page " : '';
  const reason = error.message.replace(`${name}: `, '').replace(name, 'it');
  const wait =
    retryAfterS === undefined ? '' : `; it asks to wait ${formatDuration(retryAfterS * 1000)}`;
  const tries = attempts > 1 ? ` (${count(attempts, 'attempt')})` : '';
  // The code stays what it was: the network, a status, a stall.
  return toUnusable(
    retold(error, {
      message: `could not read ${which}${name}: ${reason}${wait}${tries}`,
      source: name,
      attempts,
      hint: waysOn(manifest.homepage, error.hint),
    }),
  );
}

/** The proxy's refusal, and those that pass with time: they say nothing of what the URL is. */
const SAYS_NOTHING: readonly number[] = [407, 408, 425, 429];

function toUnusable(error: CcxriError): WebVerdict {
  return { kind: 'unusable', error };
}

function isOnlyPage(url: string, manifest: Manifest): boolean {
  return isHomepage(url, manifest) || /\.(?:x?html?|php|aspx?|jsp)$/i.test(new URL(url).pathname);
}

function isHomepage(url: string, { homepage }: Manifest): boolean {
  const [one, other] = [url, homepage].map((each) => toBareUrl(each).href.replace(/\/$/, ''));
  return one === other;
}

function toTemplateHint(url: string): string | undefined {
  const { origin, pathname, search } = new URL(url);
  if (search !== '') return undefined;
  const folder = pathname.endsWith('/') ? pathname : `${pathname}/`;
  return `if files lie under it by name all the same: --source '${toPrintable(origin + folder)}{name}'`;
}
