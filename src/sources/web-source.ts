import { pause, throwIfAborted } from '../abort.ts';
import { type CcxriError, type NextStep, isCcxriError, withDetails } from '../errors.ts';
import type { LoadedPage } from '../http/page.ts';
import type { Manifest, ManifestFile } from '../manifest/manifest.ts';
import { count, formatDuration, toPrintable, toPrintableUrl } from '../text.ts';
import { toBareUrl, toFileUrl } from './address.ts';
import { basesNear, findByName } from './by-name.ts';
import { keepLinks, readKeptLinks } from './kept-links.ts';
import {
  type PageReading,
  explainEmpty,
  locateOnPage,
  looksLikeHtml,
  readPage,
} from './page-read.ts';
import { decidePageRetry } from './page-retry.ts';
import {
  type Location,
  QUESTION_POLICY,
  type Source,
  type SourceContext,
  type SourceKind,
  noLink,
  otherSourceSteps,
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
    this.#located ??= this.#ask(file);
    const locate = await this.#located;
    throwIfAborted(signal);
    return locate(file);
  }

  async locateAgain(file: ManifestFile, signal?: AbortSignal): Promise<Location | undefined> {
    this.#located = undefined;
    return this.locate(file, signal);
  }

  /** Asks until the response can be used, or asking again does not help. */
  async #ask(file: ManifestFile): Promise<Locate> {
    const { manifest, clock, signal, pagePolicy = QUESTION_POLICY } = this.#context;
    for (let attempts = 1; ; attempts += 1) {
      const verdict = await this.#look();
      if (verdict.kind === 'page') {
        await this.#keep(verdict.reading);
        const place = { source: this.name, homepage: manifest.homepage };
        return (each) => locateOnPage(verdict.reading, each, place);
      }
      if (verdict.kind === 'base-url') return this.#below(verdict.listing);
      const { error, mayBeBase } = verdict;
      // Usual for a directory without a listing: no reason to wait.
      if (mayBeBase && (await this.#hasByName(file))) return this.#below(undefined);
      const decision = decidePageRetry(error, attempts, pagePolicy, clock.random());
      if (decision.kind === 'give-up') return this.#settle({ ...verdict, attempts }, file);
      if (attempts === WORTH_A_WARNING) this.#warn(`${error.message}; still asking for it`);
      await pause(clock, decision.delayMs, signal);
    }
  }

  async #look(): Promise<WebVerdict> {
    const { loadPage, signal } = this.#context;
    let page: LoadedPage;
    try {
      page = await loadPage(this.#asked.url, signal);
    } catch (error) {
      if (!isCcxriError(error) || error.code === 'aborted') throw error;
      return classifyFailure(this.#asked, error);
    }
    return classifyAnswer(this.#asked, page);
  }

  async #hasByName(file: ManifestFile): Promise<boolean> {
    return (await findByName([this.#asked.url], file, this.#context)) !== undefined;
  }

  /** What to do without the page: links read earlier, or files that lie by name near it. */
  async #settle(failed: Failed & { readonly attempts: number }, file: ManifestFile) {
    const error = explainFailure(this.#asked, failed);
    const kept = await this.#fromKept(error);
    if (kept !== undefined) return kept;
    if (failed.mayBeBase) return this.#below(undefined);
    const isAnswer = failed.error.code === 'no-link' || isRefusal(failed.error);
    const bases = isAnswer ? basesNear([this.#asked.url, ...failed.urls]) : [];
    const base = await findByName(bases, file, this.#context);
    if (base === undefined) throw error;
    const where = toPrintableUrl(base);
    this.#warn(`${error.message}; ${where} has ${file.name}: files are taken by name from there`);
    return this.#below(undefined, base);
  }

  /** By the listing, if it shows the file: it may be incomplete. */
  #below(listing: PageReading | undefined, base = this.#asked.url): Locate {
    this.#kind = 'base-url';
    return ({ name, kind }) => {
      const folder = listing?.folders[kind === 'archive' ? 'archives' : 'labels'];
      const url = listing?.urls.get(name) ?? toFileUrl(folder ?? base, name);
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
  async #fromKept(error: CcxriError): Promise<Locate | undefined> {
    const { linksCache, manifest } = this.#context;
    if (linksCache === undefined) return undefined;
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

/** The attempt from which a user should know why nothing happens. */
const WORTH_A_WARNING = 3;

/** What a URL is, by its response. */
type WebVerdict =
  | { readonly kind: 'page'; readonly reading: PageReading }
  /** `listing`: what the server shows of the directory. */
  | { readonly kind: 'base-url'; readonly listing?: PageReading }
  | Failed;

interface Failed {
  readonly kind: 'failed';
  readonly error: CcxriError;
  /** It may be a base URL nevertheless: a directory without a listing answers 403 or 404. */
  readonly mayBeBase: boolean;
  /** Where the page was, and what its links refer to, where that is known. */
  readonly urls: readonly string[];
}

/**
 * HTML with an MD5 of the manifest is a page; the listing of a directory is a base URL, and so may be
 * what is not HTML. Other HTML is an error: a login page must not send 82 downloads to the wrong place.
 */
async function classifyAnswer(asked: Asked, page: LoadedPage): Promise<WebVerdict> {
  const { url, name, mustBePage, manifest } = asked;
  const fail = (error: CcxriError, ...more: readonly string[]): WebVerdict => {
    return { kind: 'failed', error, mayBeBase: false, urls: [page.url, ...more] };
  };
  if (!/html/i.test(page.contentType ?? '') && !looksLikeHtml(page.text)) {
    const what = toPrintable(page.contentType ?? 'something without a type', 80);
    const error = noLink(`${name} is no web page: it is ${what}`, manifest.homepage);
    return { kind: 'failed', error, mayBeBase: !mustBePage, urls: [page.url] };
  }
  let reading: PageReading;
  try {
    reading = await readPage(page.text, manifest, { kind: 'live', url: page.url });
  } catch (error) {
    if (!isCcxriError(error)) throw error;
    return fail(noLink(`${name} can't be used: ${error.message}`, manifest.homepage));
  }
  const hasFiles = reading.urls.size + reading.ambiguous.size > 0;
  if (hasFiles && (mustBePage || reading.knownMd5s > 0)) return { kind: 'page', reading };
  const isListing = (hasFiles || reading.looksLikeListing) && reading.knownMd5s === 0;
  if (isListing && !mustBePage) return { kind: 'base-url', listing: reading };
  const next = mustBePage ? [] : templateSteps(url);
  return fail(explainEmpty(reading, manifest, { source: name, next }), reading.base);
}

function classifyFailure({ mustBePage }: Asked, error: CcxriError): Failed {
  return { kind: 'failed', error, mayBeBase: isRefusal(error) && !mustBePage, urls: [] };
}

function isRefusal({ facts: { status = 0 } }: CcxriError): boolean {
  return status >= 400 && status < 500 && !SAYS_NOTHING.includes(status);
}

/** The proxy's refusal, and temporary ones: they say nothing about the URL. */
const SAYS_NOTHING: readonly number[] = [407, 408, 425, 429];

/** The error as the files get it: what was tried, how often, what is to be done. */
function explainFailure(
  { url, name, manifest }: Asked,
  { error, attempts }: Failed & { readonly attempts: number },
): CcxriError {
  const tries = attempts > 1 ? ` (${count(attempts, 'attempt')})` : '';
  const facts = { source: name, attempts };
  if (error.code === 'no-link') {
    return withDetails(error, { message: `${error.message}${tries}`, ...facts });
  }
  const which = isHomepage(url, manifest) ? "the dataset's page " : '';
  const reason = error.message.replace(`${name}: `, '').replace(name, 'it');
  const { retryAfterS } = error.facts;
  const wait =
    retryAfterS === undefined ? '' : `; it asks to wait ${formatDuration(retryAfterS * 1000)}`;
  // The code is kept: the network, a status, a stall.
  return withDetails(error, {
    message: `could not read ${which}${name}: ${reason}${wait}${tries}`,
    ...facts,
    next: otherSourceSteps(manifest.homepage, error.next),
  });
}

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
