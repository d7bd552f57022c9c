import { pause, throwIfAborted } from '../abort.ts';
import { type CcxriError, isCcxriError, toErrorRecord } from '../errors.ts';
import type { LoadedPage } from '../http/page.ts';
import { decideRetry } from '../http/retry.ts';
import type { ManifestFile } from '../manifest/manifest.ts';
import { count, toPrintableUrl } from '../text.ts';
import { toFileUrl } from './address.ts';
import { basesNear, findByName, serves } from './by-name.ts';
import { keepLinks, readKeptLinks } from './kept-links.ts';
import { type PageReading, locateOnPage } from './page-read.ts';
import {
  type Location,
  QUESTION_POLICY,
  type Source,
  type SourceContext,
  type SourceKind,
} from './source.ts';
import {
  type Asked,
  type Failed,
  type WebVerdict,
  classifyAnswer,
  classifyFailure,
  explainFailure,
  isHomepage,
  isRefusal,
} from './web-verdict.ts';

/** Where a web source has each file, once it is known what it is. */
type Locate = (file: ManifestFile) => Location | undefined;

/**
 * A URL: a page with links, or a base URL under which files are found by name. Its response
 * decides which (`classifyAnswer`). It is requested at the first `locate`, once for all files.
 */
export class WebSource implements Source {
  readonly name: string;
  readonly #asked: Asked;
  readonly #context: SourceContext;
  #located: Promise<Locate> | undefined;
  #again: Promise<Locate> | undefined;
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
    // One question for all files whose links expired together.
    this.#again ??= this.#ask(file).finally(() => {
      this.#again = undefined;
    });
    this.#located = this.#again;
    return this.locate(file, signal);
  }

  /** Asks until the response can be used, or asking again does not help. */
  async #ask(file: ManifestFile): Promise<Locate> {
    const { clock, signal, onEvent, pagePolicy = QUESTION_POLICY } = this.#context;
    for (let attempts = 1; ; attempts += 1) {
      const verdict = await this.#look();
      if (verdict.kind === 'page') {
        await this.#keep(verdict.reading);
        return this.#onPage(verdict.reading);
      }
      if (verdict.kind === 'base-url') return this.#below(verdict.listing);
      const { error, mayBeBase } = verdict;
      // Usual for a directory without a listing: no reason to wait.
      if (mayBeBase && (await this.#hasByName(file))) return this.#below(undefined);
      const state = { attempts, withoutProgress: attempts };
      const decision = decideRetry(error, state, pagePolicy, clock.random());
      if (decision.kind === 'give-up') return this.#settle({ ...verdict, attempts }, file);
      const delayMs = Math.round(decision.delayMs);
      const again = { source: this.name, attempt: attempts, delayMs, error: toErrorRecord(error) };
      onEvent({ event: 'source-retry', ...again });
      await pause(clock, delayMs, signal);
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
    const verdict = await classifyAnswer(this.#asked, page, this.#context);
    if (page.refusal === undefined || verdict.kind === 'page') return verdict;
    return classifyFailure(this.#asked, page.refusal);
  }

  async #hasByName(file: ManifestFile): Promise<boolean> {
    return (await findByName([this.#asked.url], file, this.#context)) !== undefined;
  }

  /** What to do without the page: links read earlier, or files that lie by name near it. */
  async #settle(failed: Failed & { readonly attempts: number }, file: ManifestFile) {
    if (failed.error.code === 'other-release') throw failed.error;
    const error = explainFailure(this.#asked, failed, this.#context.clock.date());
    const kept = await this.#fromKept(error);
    if (kept !== undefined) return kept;
    if (failed.mayBeBase) return this.#below(undefined);
    const { reading } = failed;
    const guess = reading?.guesses.get(file.name);
    if (
      reading !== undefined &&
      guess !== undefined &&
      (await serves(guess, file, this.#context))
    ) {
      this.#warn(`${error.message}; but it names the files, and ${toPrintableUrl(guess)} is one`);
      return this.#onPage(reading);
    }
    const isAnswer = failed.error.code === 'no-link' || isRefusal(failed.error);
    const near = [
      this.#asked.url,
      ...failed.urls,
      ...(reading === undefined ? [] : [reading.base]),
    ];
    const base = await findByName(isAnswer ? basesNear(near) : [], file, this.#context);
    if (base === undefined) throw error;
    const where = toPrintableUrl(base);
    this.#warn(`${error.message}; ${where} has ${file.name}: files are taken by name from there`);
    return this.#below(undefined, base);
  }

  #onPage(reading: PageReading): Locate {
    const place = { source: this.name, homepage: this.#context.manifest.homepage };
    return (file) => locateOnPage(reading, file, place);
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
