import { CcxriError, type NextStep, isCcxriError, withDetails } from '../errors.ts';
import { BODY_TEXT_BYTES, rateLimitIn, textOfBody } from '../http/body-text.ts';
import type { LoadedPage } from '../http/page.ts';
import { describeWait, stepOfWait } from '../http/retry.ts';
import type { Wall } from '../http/walls.ts';
import type { Manifest } from '../manifest/manifest.ts';
import { count, toPrintable, toPrintableUrl } from '../text.ts';
import { toBareUrl } from './address.ts';
import { readLivePage } from './live-page.ts';
import {
  type PageReading,
  explainEmpty,
  explainOtherRelease,
  hasFiles,
  looksLikeData,
  looksLikeHtml,
} from './page-read.ts';
import { type SourceContext, noLink, otherSourceSteps } from './source.ts';

/** A URL whose response decides what it is. */
export interface Asked {
  readonly url: string;
  /** Printable. */
  readonly name: string;
  /** It can't be a base URL: it is the homepage, or has the name of a page. */
  readonly mustBePage: boolean;
  readonly manifest: Manifest;
}

/** What a URL is, by its response. */
export type WebVerdict =
  | { readonly kind: 'page'; readonly reading: PageReading }
  /** `listing`: what the server shows of the directory. */
  | { readonly kind: 'base-url'; readonly listing?: PageReading }
  | Failed;

export interface Failed {
  readonly kind: 'failed';
  readonly error: CcxriError;
  /** It may be a base URL nevertheless: a directory without a listing answers 403 or 404. */
  readonly mayBeBase: boolean;
  /** Where the page was, where that is known. */
  readonly urls: readonly string[];
  /** What was read of it. */
  readonly reading?: PageReading;
}

/**
 * HTML or data with an MD5 of the manifest is a page; the listing of a directory is a base URL, and so may
 * be what is neither. Other HTML is an error: a login page must not send 82 downloads to the wrong place.
 */
export async function classifyAnswer(
  asked: Asked,
  page: LoadedPage,
  context: SourceContext,
): Promise<WebVerdict> {
  const { url, name, mustBePage, manifest } = asked;
  const failed = { kind: 'failed', mayBeBase: false, urls: [page.url] } as const;
  const isHtml = /html/i.test(page.contentType ?? '') || looksLikeHtml(page.text);
  if (!isHtml && !looksLikeData(page.text)) {
    return { ...failed, error: notAPage(asked, page), mayBeBase: !mustBePage };
  }
  let reading: PageReading;
  try {
    reading = await readLivePage(page, context);
  } catch (error) {
    if (!isCcxriError(error) || error.code === 'aborted') throw error;
    return {
      ...failed,
      error: noLink(`${name} can't be used: ${error.message}`, manifest.homepage),
    };
  }
  const otherRelease = explainOtherRelease(reading, manifest, name);
  if (otherRelease !== undefined) return { ...failed, error: otherRelease, reading };
  const has = hasFiles(reading);
  if (has && (mustBePage || reading.knownMd5s > 0)) return { kind: 'page', reading };
  const isListing = isHtml && (has || reading.looksLikeListing) && reading.knownMd5s === 0;
  if (isListing && !mustBePage) return { kind: 'base-url', listing: reading };
  if (!isHtml) return { ...failed, error: notAPage(asked, page), mayBeBase: !mustBePage, reading };
  const next = [...(page.wall?.next ?? []), ...(mustBePage ? [] : templateSteps(url))];
  const empty = explainEmpty(reading, manifest, { source: name, next });
  const error = page.wall === undefined ? empty : behindWall(empty, page.wall);
  return { ...failed, error: asRateLimit(error, page) ?? error, reading };
}

function behindWall(error: CcxriError, { name, isCertain }: Wall): CcxriError {
  const message = `${error.message}; it is ${name}`;
  // To ask again and again would only harden it.
  return withDetails(error, { message, ...(isCertain ? { permanent: true } : {}) });
}

/** What came instead of a page, in its own words where they are short. */
function notAPage({ name, manifest }: Asked, page: LoadedPage): CcxriError {
  const type = toPrintable(page.contentType ?? 'something without a type', 80);
  const text = page.text.length <= BODY_TEXT_BYTES ? textOfBody(Buffer.from(page.text)) : '';
  const what = text === '' || text.startsWith('PK') ? type : `${type}: ${text}`;
  const error = noLink(`${name} is no web page: it is ${what}`, manifest.homepage);
  return asRateLimit(error, page) ?? error;
}

/** A short text that says rate limit is what 429 says. */
function asRateLimit({ message, next }: CcxriError, { text, url }: LoadedPage) {
  const said = rateLimitIn(Buffer.from(text));
  if (said === undefined) return undefined;
  return new CcxriError('http-status', `${message}; it says "${said}"`, {
    url: toPrintableUrl(url),
    status: 429,
    next,
  });
}

export function classifyFailure({ mustBePage }: Asked, error: CcxriError): Failed {
  return { kind: 'failed', error, mayBeBase: isRefusal(error) && !mustBePage, urls: [] };
}

export function isRefusal({ facts: { status = 0 } }: CcxriError): boolean {
  return status >= 400 && status < 500 && !SAYS_NOTHING.includes(status);
}

/** The proxy's refusal, and temporary ones: they say nothing about the URL. */
const SAYS_NOTHING: readonly number[] = [407, 408, 425, 429];

/** The error as the files get it: what was tried, how often, what is to be done. */
export function explainFailure(
  { url, name, manifest }: Asked,
  { error, attempts }: Failed & { readonly attempts: number },
  now: Date,
): CcxriError {
  const tries = attempts > 1 ? ` (${count(attempts, 'attempt')})` : '';
  const facts = { source: name, attempts };
  if (error.code === 'no-link') {
    return withDetails(error, { message: `${error.message}${tries}`, ...facts });
  }
  const which = isHomepage(url, manifest) ? 'the page ' : '';
  const reason = error.message.replace(`${name}: `, '').replace(name, 'it');
  const wait = describeWait(error.facts.retryAfterS, now);
  // The code is kept: the network, a status, a stall.
  return withDetails(error, {
    message: `could not read ${which}${name}: ${reason}${wait}${tries}`,
    ...facts,
    next: stepsOfPage(error, { url, manifest }),
  });
}

/** What can be done about a page that can't be read, for its cause. */
function stepsOfPage(
  { next, facts }: CcxriError,
  { url, manifest }: Pick<Asked, 'url' | 'manifest'>,
): readonly NextStep[] {
  const wait = stepOfWait(facts.retryAfterS);
  if (wait !== undefined) return [wait];
  const isGone = facts.status === 404 || facts.status === 410;
  if (isGone && !isHomepage(url, manifest)) {
    return [
      { kind: 'advice', text: 'check its address', or: { kind: 'option', option: 'source' } },
    ];
  }
  return otherSourceSteps(toPrintableUrl(url), next);
}

export function isHomepage(url: string, { homepage }: Manifest): boolean {
  const [one, other] = [url, homepage].map((each) => toBareUrl(each).href.replace(/\/$/, ''));
  return one === other;
}

function templateSteps(url: string): readonly NextStep[] {
  const { origin, pathname, search } = new URL(url);
  if (search !== '') return [];
  const value = `${origin}${pathname.replace(/\/$/, '')}/{name}`;
  const purpose = 'if it has files under their names nevertheless';
  return [{ kind: 'option', option: 'source', value, purpose }];
}
