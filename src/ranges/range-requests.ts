import { pause, throwIfAborted } from '../abort.ts';
import type { DownloadContext } from '../download/context.ts';
import { isCcxriError, toErrorRecord } from '../errors.ts';
import type { HttpAnswer } from '../http/deadline.ts';
import { isBrokenSocket } from '../http/errors.ts';
import { REQUEST_EVERY_MS } from '../http/hosts.ts';
import { decideRetry, parseRetryAfter } from '../http/retry.ts';
import type { ManifestFile } from '../manifest/manifest.ts';
import type { Location } from '../sources/source.ts';

/** A URL that stopped working is asked for again at its source so often without a byte in between. */
const MOST_RELOCATIONS = 1;
/** What a signed link that has expired is answered with, or one that leads nowhere any more. */
const EXPIRED: readonly (number | undefined)[] = [401, 403, 404, 410];

/** Where a file is, and how its source is asked again. */
export interface Remote {
  readonly file: ManifestFile;
  readonly url: string;
  readonly locateAgain: () => Promise<Location | undefined>;
}

/** The requests for parts of one file: each in its turn, and retried as a download is. */
export class RangeRequests {
  readonly #remote: Remote;
  readonly #context: DownloadContext;
  #url: string;

  constructor(remote: Remote, context: DownloadContext) {
    this.#remote = remote;
    this.#context = context;
    this.#url = remote.url;
  }

  /** With its query: never printed. */
  get url(): string {
    return this.#url;
  }

  /**
   * One request, in its turn; its connection begins no other one within 50 ms.
   * @param range undefined: for the whole file
   */
  async send<T>(range: string | undefined, read: (answer: HttpAnswer) => Promise<T>): Promise<T> {
    const { client, limiter, signal, unresponsiveHosts } = this.#context;
    const url = this.#url;
    const work = async () => {
      const headers = range === undefined ? {} : { range };
      const answer = await this.#get(client.get(url, { headers, signal }));
      try {
        unresponsiveHosts.onAnswer(url);
        this.#slowDown(answer);
        const result = await read(answer);
        limiter.onServed(url);
        return result;
      } finally {
        answer.discard();
      }
    };
    return limiter.run(url, work, signal, { owner: this, everyMs: REQUEST_EVERY_MS });
  }

  async #get(asked: Promise<HttpAnswer>): Promise<HttpAnswer> {
    try {
      return await asked;
    } catch (error) {
      // Some servers allow only so many connections, and reset the others.
      if (isCcxriError(error) && isBrokenSocket(error.cause)) {
        this.#context.limiter.onRefused(this.#url);
      }
      throw error;
    }
  }

  #slowDown(answer: HttpAnswer): void {
    const { clock, limiter } = this.#context;
    const retryAfterS = parseRetryAfter(answer.header('retry-after'), clock.date());
    if (answer.status < 400) return;
    if (retryAfterS !== undefined) limiter.pauseFor(this.#url, retryAfterS * 1000, answer.status);
    if (answer.status === 429 || answer.status === 503) limiter.onRefused(this.#url);
  }

  /** @param done bytes so far: an attempt that has brought some is not counted against the next */
  async retry<T>(work: () => Promise<T>, done: () => number = () => 0): Promise<T> {
    const { policy, clock, signal, onEvent, unresponsiveHosts } = this.#context;
    let [attempts, withoutProgress, relocations] = [0, 0, 0];
    for (let before = done(); ; before = done()) {
      const askedUrl = this.#url;
      try {
        return await work();
      } catch (error) {
        if (!isCcxriError(error) || error.code === 'changed') throw error;
        const hasProgress = done() > before;
        attempts += 1;
        withoutProgress = hasProgress ? 1 : withoutProgress + 1;
        if (hasProgress) relocations = 0;
        const isExpired = error.code === 'http-status' && EXPIRED.includes(error.facts.status);
        if (isExpired && relocations < MOST_RELOCATIONS && (await this.#relocate(askedUrl))) {
          relocations += 1;
          continue;
        }
        const state = { attempts, withoutProgress };
        const decision = decideRetry(error, state, policy, clock.random());
        // A host that has never answered costs its full wait once a run, not once a file.
        const isDown = error.code === 'stalled' && unresponsiveHosts.has(askedUrl);
        if (decision.kind === 'give-up' || isDown) {
          if (error.code === 'stalled') unresponsiveHosts.onTimeout(askedUrl);
          throw error;
        }
        const { delayMs } = decision;
        const again = { file: this.#remote.file.name, attempt: attempts, keptBytes: done() };
        const record = toErrorRecord(error);
        onEvent({ event: 'retry', ...again, delayMs: Math.round(delayMs), error: record });
        await pause(clock, delayMs, signal);
      }
    }
  }

  /** @returns whether there is another address by now: its source names one, or has for another request */
  async #relocate(askedUrl: string): Promise<boolean> {
    if (this.#url !== askedUrl) return true;
    const location = await this.#locateAgain();
    if (location?.kind !== 'url' || location.url === askedUrl) return false;
    this.#url = location.url;
    return true;
  }

  /** What its source fails with now says less than what the file's address did. */
  async #locateAgain(): Promise<Location | undefined> {
    try {
      return await this.#remote.locateAgain();
    } catch (error) {
      throwIfAborted(this.#context.signal);
      if (!isCcxriError(error)) throw error;
      return undefined;
    }
  }
}
