import { throwIfAborted } from '../abort.ts';
import { type NextStep, CcxriError, isCcxriError, withDetails } from '../errors.ts';
import type { LoadedPage } from '../http/page.ts';
import { DEFAULT_RETRY_POLICY, decideRetry } from '../http/retry.ts';
import type { Manifest, ManifestFile } from '../manifest/manifest.ts';
import { count, formatDuration, toPrintable, toPrintableUrl } from '../text.ts';
import { toBareUrl, toFileUrl } from './base-url.ts';
import { nextSources, unusable } from './hints.ts';
import { keepLinks, readKeptLinks } from './kept-links.ts';
import {
  type PageReading,
  explainEmpty,
  locateOnPage,
  looksLikeHtml,
  readPage,
} from './page-read.ts';
import type { Location, OpenedSource, SourceContext, SourceKind } from './source.ts';

/** Where a source of the web has each file, once it is known what it is. */
type Locate = (file: ManifestFile) => Location | undefined;

/**
 * A URL of the web: a page with links, or a base URL under which files lie by name; which, its own
 * answer tells (`classifyAnswer`). It is asked at the first `locate`, once for all files.
 */
export class WebSource implements OpenedSource {
  readonly name: string;
  readonly #url: string;
  readonly #context: SourceContext;
  #asked: Promise<Locate> | undefined;
  #kind: SourceKind = 'page';

  constructor(typed: string, context: SourceContext) {
    this.name = toPrintableUrl(typed);
    this.#url = toBareUrl(typed).href;
    this.#context = context;
  }

  get kind(): SourceKind {
    return this.#kind;
  }

  async locate(file: ManifestFile, signal?: AbortSignal): Promise<Location | undefined> {
    throwIfAborted(signal);
    this.#asked ??= this.#ask();
    const locate = await this.#asked;
    throwIfAborted(signal);
    return locate(file);
  }

  async locateAgain(file: ManifestFile, signal?: AbortSignal): Promise<Location | undefined> {
    this.#asked = undefined;
    return this.locate(file, signal);
  }

  async #ask(): Promise<Locate> {
    const { manifest } = this.#context;
    const loaded = await loadPatiently(this.#url, this.#context);
    const verdict =
      'error' in loaded
        ? classifyFailure(this.#url, loaded, manifest)
        : await classifyAnswer(this.#url, loaded, manifest);
    switch (verdict.kind) {
      case 'page':
        await this.#keep(verdict.reading);
        return this.#onPage(verdict.reading);
      case 'base-url':
        return (await this.#fromKept(verdict.refusal)) ?? this.#below(verdict.listing);
      case 'unusable': {
        const kept = await this.#fromKept(verdict.error);
        if (kept === undefined) throw verdict.error;
        return kept;
      }
    }
  }

  #below(listing: PageReading | undefined): Locate {
    this.#kind = 'base-url';
    return (file) => ({ kind: 'url', url: this.#urlBelow(file, listing) });
  }

  #onPage(reading: PageReading): Locate {
    const { homepage } = this.#context.manifest;
    return (file) => locateOnPage(reading, file, { source: this.name, homepage });
  }

  /** As the listing has it, where there is one; it may show a part only. */
  #urlBelow({ name, kind }: ManifestFile, listing: PageReading | undefined): string {
    const folder = listing?.folders[kind === 'archive' ? 'archives' : 'labels'];
    return listing?.urls.get(name) ?? toFileUrl(folder ?? this.#url, name);
  }

  async #keep({ urls }: PageReading): Promise<void> {
    const { linksCache, manifest, clock } = this.#context;
    if (linksCache === undefined || urls.size === 0) return;
    const files = manifest.files.flatMap(({ name, md5 }) => {
      const url = urls.get(name);
      return url === undefined ? [] : [{ name, md5, url }];
    });
    try {
      await keepLinks(linksCache, { page: this.#url, readAt: clock.date().toISOString(), files });
    } catch (error) {
      if (!isCcxriError(error)) throw error;
      this.#warn(`the links of ${this.name} are not kept for later: ${error.message}`);
    }
  }

  /** The links of an earlier time, where there was a page that can't be read now. */
  async #fromKept(error: CcxriError | undefined): Promise<Locate | undefined> {
    const { linksCache, manifest } = this.#context;
    if (error === undefined || linksCache === undefined) return undefined;
    const kept = await readKeptLinks(linksCache, this.#url);
    const files = (kept?.files ?? []).filter((file) =>
      manifest.files.some(({ name, md5 }) => name === file.name && md5 === file.md5),
    );
    if (kept === undefined || files.length === 0) return undefined;
    const links = count(files.length, 'link');
    this.#warn(
      `${error.message}; going on with the ${links} read from it on ${kept.readAt.slice(0, 10)}`,
    );
    const urls = new Map(files.map(({ name, url }) => [name, url]));
    return ({ name }) => {
      const url = urls.get(name);
      return url === undefined ? undefined : { kind: 'url', url };
    };
  }

  #warn(message: string): void {
    this.#context.onEvent({ event: 'warning', code: 'source', message });
  }
}

/** What a URL turned out to be. */
type WebVerdict =
  | { readonly kind: 'page'; readonly reading: PageReading }
  /** `listing`: what the server shows of the directory; `refusal`: why it shows nothing. */
  | { readonly kind: 'base-url'; readonly listing?: PageReading; readonly refusal?: CcxriError }
  | { readonly kind: 'unusable'; readonly error: CcxriError };

/**
 * What a URL is, by its own answer: HTML with an MD5 of the manifest is a page; the listing of a
 * directory, and what is no HTML, a base URL; any other HTML is an error, for a login page must not
 * send 82 downloads the wrong way. The homepage, and what ends in `.html`, can only be a page.
 */
async function classifyAnswer(
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
  const next = onlyPage ? [] : toTemplateSteps(url);
  return toUnusable(explainEmpty(reading, manifest, { source: name, next }));
}

/** Refused, but there (403 and 404 are what a directory without a listing gives): a base URL. */
function classifyFailure(
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
    withDetails(error, {
      message: `could not read ${which}${name}: ${reason}${wait}${tries}`,
      source: name,
      attempts,
      next: nextSources(manifest.homepage, error.next),
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

function toTemplateSteps(url: string): readonly NextStep[] {
  const { origin, pathname, search } = new URL(url);
  if (search !== '') return [];
  const folder = pathname.endsWith('/') ? pathname : `${pathname}/`;
  const purpose = 'if files lie under it by name all the same';
  return [{ kind: 'option', option: 'source', value: `${origin}${folder}{name}`, purpose }];
}

/** A page that has not come by then will not: a person is waiting to be told. */
const PATIENCE_MS = 20_000;

interface FailedLoad {
  readonly error: unknown;
  readonly attempts: number;
}

/** Loads a page, again where a failure may pass: no file can be had before. */
async function loadPatiently(
  url: string,
  { loadPage, signal, clock, pageRetries }: SourceContext,
): Promise<LoadedPage | FailedLoad> {
  const startMs = clock.nowMs();
  const policy = { ...DEFAULT_RETRY_POLICY, retries: pageRetries, maxRetryAfterMs: PATIENCE_MS };
  for (let attempts = 1; ; attempts += 1) {
    try {
      return await loadPage(url, signal);
    } catch (error) {
      if (isCcxriError(error, 'aborted')) throw error;
      const state = { attempts, withoutProgress: attempts };
      const decision = decideRetry(error, state, policy, clock.random());
      const isLate = clock.nowMs() - startMs >= PATIENCE_MS;
      if (decision.kind === 'give-up' || isLate) return { error, attempts };
      // An abort ends the wait early, and is told right behind it.
      await clock.sleep(decision.delayMs, signal).catch(() => undefined);
      throwIfAborted(signal);
    }
  }
}
