import { throwIfAborted } from '../abort.ts';
import { type NextStep, CcxriError, isCcxriError, withDetails } from '../errors.ts';
import type { LoadedPage } from '../http/page.ts';
import { DEFAULT_RETRY_POLICY, decideRetry } from '../http/retry.ts';
import type { Manifest, ManifestFile } from '../manifest/manifest.ts';
import { count, formatDuration, toPrintable, toPrintableUrl } from '../text.ts';
import { toBareUrl, toFileUrl } from './address.ts';
import { keepLinks, readKeptLinks } from './kept-links.ts';
import {
  type PageReading,
  explainEmpty,
  locateOnPage,
  looksLikeHtml,
  readPage,
} from './page-read.ts';
import {
  type Location,
  type Source,
  type SourceContext,
  type SourceKind,
  otherSourceSteps,
  sourceUnusable,
} from './source.ts';

/** Where a web source has each file, once it is known what it is. */
type Locate = (file: ManifestFile) => Location | undefined;

/** A URL whose response decides what it is. */
interface Asked {
  readonly url: string;
  /** Printable. */
  readonly name: string;
  /** It can't be a base URL: it is the homepage, or has the name of a page. */
  readonly mustBePage: boolean;
  readonly manifest: Manifest;
}

/**
 * A URL: a page with links, or a base URL under which files are found by name. Its response
 * decides which (`classifyAnswer`). It is requested at the first `locate`, once for all files.
 */
export class WebSource implements Source {
  readonly name: string;
  readonly #asked: Asked;
  readonly #context: SourceContext;
  #located: Promise<Locate> | undefined;
  #kind: SourceKind = 'page';

  constructor(
    { url, isPage }: { readonly url: string; readonly isPage: boolean },
    context: SourceContext,
  ) {
    const { manifest } = context;
    this.name = toPrintableUrl(url);
    const mustBePage = isPage || isHomepage(url, manifest);
    this.#asked = { url, name: this.name, mustBePage, manifest };
    this.#context = context;
  }

  get kind(): SourceKind {
    return this.#kind;
  }

  async locate(file: ManifestFile, signal?: AbortSignal): Promise<Location | undefined> {
    throwIfAborted(signal);
    this.#located ??= this.#ask();
    const locate = await this.#located;
    throwIfAborted(signal);
    return locate(file);
  }

  async locateAgain(file: ManifestFile, signal?: AbortSignal): Promise<Location | undefined> {
    this.#located = undefined;
    return this.locate(file, signal);
  }

  async #ask(): Promise<Locate> {
    const { manifest } = this.#context;
    const loaded = await loadPageWithRetry(this.#asked.url, this.#context);
    const verdict =
      'error' in loaded
        ? classifyFailure(this.#asked, loaded)
        : await classifyAnswer(this.#asked, loaded);
    switch (verdict.kind) {
      case 'page': {
        await this.#keep(verdict.reading);
        const place = { source: this.name, homepage: manifest.homepage };
        return (file) => locateOnPage(verdict.reading, file, place);
      }
      case 'base-url':
        return (await this.#fromKept(verdict.refusal)) ?? this.#below(verdict.listing);
      case 'unusable': {
        const kept = await this.#fromKept(verdict.error);
        if (kept === undefined) throw verdict.error;
        return kept;
      }
    }
  }

  /** By the listing, if it shows the file: it may be incomplete. */
  #below(listing: PageReading | undefined): Locate {
    this.#kind = 'base-url';
    return ({ name, kind }) => {
      const folder = listing?.folders[kind === 'archive' ? 'archives' : 'labels'];
      const url = listing?.urls.get(name) ?? toFileUrl(folder ?? this.#asked.url, name);
      return { kind: 'url', url };
    };
  }

  async #keep({ urls }: PageReading): Promise<void> {
    const { linksCache, manifest, clock } = this.#context;
    if (linksCache === undefined || urls.size === 0) return;
    const files = manifest.files.flatMap(({ name, md5 }) => {
      const url = urls.get(name);
      return url === undefined ? [] : [{ name, md5, url }];
    });
    const readAt = clock.date().toISOString();
    try {
      await keepLinks(linksCache, { page: this.#asked.url, readAt, files });
    } catch (error) {
      if (!isCcxriError(error)) throw error;
      this.#warn(`the links of ${this.name} are not kept for later: ${error.message}`);
    }
  }

  /** The links read at an earlier time, if the page can't be read now. */
  async #fromKept(error: CcxriError | undefined): Promise<Locate | undefined> {
    const { linksCache, manifest } = this.#context;
    if (error === undefined || linksCache === undefined) return undefined;
    const kept = await readKeptLinks(linksCache, this.#asked.url);
    const files = (kept?.files ?? []).filter((file) =>
      manifest.files.some(({ name, md5 }) => name === file.name && md5 === file.md5),
    );
    if (kept === undefined || files.length === 0) return undefined;
    const links = count(files.length, 'link');
    this.#warn(
      `${error.message}; continuing with the ${links} read from it on ${kept.readAt.slice(0, 10)}`,
    );
    return ({ name }) => {
      const url = files.find((file) => file.name === name)?.url;
      return url === undefined ? undefined : { kind: 'url', url };
    };
  }

  #warn(message: string): void {
    this.#context.onEvent({ event: 'warning', code: 'source', message });
  }
}

/** What a URL is, by its response. */
type WebVerdict =
  | { readonly kind: 'page'; readonly reading: PageReading }
  /** `listing`: what the server shows of the directory; `refusal`: why it shows nothing. */
  | { readonly kind: 'base-url'; readonly listing?: PageReading; readonly refusal?: CcxriError }
  | { readonly kind: 'unusable'; readonly error: CcxriError };

/**
 * HTML with an MD5 of the manifest is a page; the listing of a directory, and what is not HTML, a base
 * URL. Other HTML is an error: a login page must not send 82 downloads to the wrong place.
 */
async function classifyAnswer(asked: Asked, page: LoadedPage): Promise<WebVerdict> {
  const { url, name, mustBePage, manifest } = asked;
  const refuse = (why: string): WebVerdict => {
    return { kind: 'unusable', error: sourceUnusable(`${name} ${why}`, manifest.homepage) };
  };
  if (!/html/i.test(page.contentType ?? '') && !looksLikeHtml(page.text)) {
    if (!mustBePage) return { kind: 'base-url' };
    const what = toPrintable(page.contentType ?? 'something without a type', 80);
    return refuse(`is no web page: it is ${what}`);
  }
  let reading: PageReading;
  try {
    reading = await readPage(page.text, manifest, { kind: 'live', url: page.url });
  } catch (error) {
    if (!isCcxriError(error)) throw error;
    return refuse(`can't be used: ${error.message}`);
  }
  const hasFiles = reading.urls.size + reading.ambiguous.size > 0;
  if (hasFiles && (mustBePage || reading.knownMd5s > 0)) return { kind: 'page', reading };
  const isListing = (hasFiles || reading.looksLikeListing) && reading.knownMd5s === 0;
  if (isListing && !mustBePage) return { kind: 'base-url', listing: reading };
  const next = mustBePage ? [] : templateSteps(url);
  return { kind: 'unusable', error: explainEmpty(reading, manifest, { source: name, next }) };
}

/** A URL that refuses is a base URL: a directory without a listing answers 403 or 404. */
function classifyFailure(asked: Asked, { error, attempts }: FailedLoad): WebVerdict {
  if (!isCcxriError(error)) throw error;
  const { url, name, mustBePage, manifest } = asked;
  const { status = 0, retryAfterS } = error.facts;
  const isRefusal = status >= 400 && status < 500 && !SAYS_NOTHING.includes(status);
  if (isRefusal && !mustBePage) return { kind: 'base-url', refusal: error };
  const which = isHomepage(url, manifest) ? "the dataset's page " : '';
  const reason = error.message.replace(`${name}: `, '').replace(name, 'it');
  const wait =
    retryAfterS === undefined ? '' : `; it asks to wait ${formatDuration(retryAfterS * 1000)}`;
  const tries = attempts > 1 ? ` (${count(attempts, 'attempt')})` : '';
  // The code is kept: the network, a status, a stall.
  const explained = withDetails(error, {
    message: `could not read ${which}${name}: ${reason}${wait}${tries}`,
    source: name,
    attempts,
    next: otherSourceSteps(manifest.homepage, error.next),
  });
  return { kind: 'unusable', error: explained };
}

/** The proxy's refusal, and temporary ones: they say nothing about the URL. */
const SAYS_NOTHING: readonly number[] = [407, 408, 425, 429];

function isHomepage(url: string, { homepage }: Manifest): boolean {
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

/** A user waits for the page: there are no more retries after this time. */
const MAX_LOAD_MS = 20_000;

interface FailedLoad {
  readonly error: unknown;
  readonly attempts: number;
}

/** Loads a page, and retries temporary failures: no file can be downloaded before. */
async function loadPageWithRetry(
  url: string,
  { loadPage, signal, clock, pageRetries = 2 }: SourceContext,
): Promise<LoadedPage | FailedLoad> {
  const startMs = clock.nowMs();
  const policy = { ...DEFAULT_RETRY_POLICY, retries: pageRetries, maxRetryAfterMs: MAX_LOAD_MS };
  for (let attempts = 1; ; attempts += 1) {
    try {
      return await loadPage(url, signal);
    } catch (error) {
      if (isCcxriError(error, 'aborted')) throw error;
      const state = { attempts, withoutProgress: attempts };
      const decision = decideRetry(error, state, policy, clock.random());
      const isLate = clock.nowMs() - startMs >= MAX_LOAD_MS;
      if (decision.kind === 'give-up' || isLate) return { error, attempts };
      // An abort ends the wait early; the next line throws it.
      await clock.sleep(decision.delayMs, signal).catch(() => undefined);
      throwIfAborted(signal);
    }
  }
}
