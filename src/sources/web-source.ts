import { throwIfAborted } from '../abort.ts';
import { isCcxriError, type CcxriError } from '../errors.ts';
import type { ManifestFile } from '../manifest/schema.ts';
import { count, toPrintableUrl } from '../text.ts';
import { toBareUrl, toFileUrl } from './base-url.ts';
import { keepLinks, readKeptLinks } from './kept-links.ts';
import { loadPatiently } from './load-patiently.ts';
import { locateOnPage } from './page-found.ts';
import type { PageReading } from './page-read.ts';
import type { SourceContext } from './source-options.ts';
import type { Location, OpenedSource, SourceKind } from './source.ts';
import { judgeAnswer, judgeFailure } from './web-verdict.ts';

/** Where a source of the web has each file, once it is known what it is. */
type Locate = (file: ManifestFile) => Location | undefined;

/**
 * A URL of the web: a page with links, or a base URL under which files lie by name; which, its own
 * answer tells (`judgeAnswer`). It is asked at the first `locate`, once for all files.
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
        ? judgeFailure(this.#url, loaded, manifest)
        : await judgeAnswer(this.#url, loaded, manifest);
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
