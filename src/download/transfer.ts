import { pause } from '../abort.ts';
import { CcxriError, isCcxriError, withDetails, toErrorRecord } from '../errors.ts';
import { decideRetry } from '../http/retry.ts';
import { aboutBytesOf } from '../manifest/published-size.ts';
import type { Location } from '../sources/source.ts';
import { formatDuration } from '../text.ts';
import { canResume, receiveInRanges, receiveUrl } from './connections.ts';
import { NO_ORIGIN } from './part-state.ts';
import { type Reception, receivePath } from './receive.ts';

/** Fewer new bytes than this are no progress: a server must not keep us for ever with crumbs. */
const PROGRESS_BYTES = 64 * 1024;
/** With less than this to come, one connection is as good as several. */
const SPLIT_BYTES = 16 * 1024 * 1024;

/** Where a file is, and the way to ask for that anew. */
export interface Place {
  readonly location: Location;
  readonly locateAgain: () => Promise<Location | undefined>;
}

/**
 * Brings a part to its end from one location, over as many connections as it takes. Broken ones
 * are taken up again where they broke off.
 * @throws CcxriError what the last attempt met, when another one is not worth it
 */
export async function transfer(reception: Reception, place: Place): Promise<void> {
  if (place.location.kind === 'path') await receivePath(reception, place.location.path);
  else await new UrlTransfer(reception, place, place.location.url).run();
}

class UrlTransfer {
  readonly #reception: Reception;
  readonly #place: Place;
  #url: string;
  /** false for the next request: what is here has turned out to be of no use. */
  #mayResume = true;
  /** false: the server does not serve ranges well enough for several connections. */
  #maySplit = true;
  #attempts = 0;
  #withoutProgress = 0;
  /** The most that was ever here: to come so far again is no progress. */
  #mostBytes: number;
  #hasLocatedAgain = false;
  /** Another file had waited for its host in vain before this one was begun. */
  readonly #isLate: boolean;

  constructor(reception: Reception, place: Place, url: string) {
    this.#reception = reception;
    this.#place = place;
    this.#url = url;
    this.#mostBytes = reception.part.heldBytes;
    this.#isLate = reception.context.silences.isDead(url);
  }

  async run(): Promise<void> {
    while (!this.#reception.part.isComplete) {
      try {
        if (await this.#receive()) return;
      } catch (error) {
        await this.#afterFailure(error);
      }
    }
  }

  /** One request, or many side by side. @returns true: the file is complete */
  async #receive(): Promise<boolean> {
    const { part, context } = this.#reception;
    const hadBytes = part.heldBytes;
    const manner = { mayResume: this.#mayResume, isProbe: this.#isWorthSplitting() };
    this.#mayResume = true;
    let received = await context.pace.run(
      this.#url,
      () => receiveUrl(this.#reception, this.#url, manner),
      context.signal,
      part,
    );
    if (received.kind === 'more' && manner.isProbe) {
      received = await receiveInRanges(this.#reception, this.#url);
      if (received.kind === 'more') this.#maySplit = false;
    }
    if (received.kind === 'complete') return true;
    if (received.kind === 'start-over') {
      this.#maySplit = false;
      this.#mayResume = false;
      this.#tellRetry(received.error, 0);
    } else if (!received.isAsAsked && part.heldBytes - hadBytes < PROGRESS_BYTES) {
      throw this.#tooLittle();
    }
    return false;
  }

  /** Whether enough is to come still that several connections are worth a try. */
  #isWorthSplitting(): boolean {
    const { file, part, context } = this.#reception;
    if (!this.#maySplit || context.connections < 2) return false;
    const resumes = this.#mayResume && canResume(part, this.#url);
    const here = resumes ? part : { heldBytes: 0, origin: NO_ORIGIN };
    const totalBytes = here.origin.totalBytes ?? aboutBytesOf(file);
    return totalBytes - here.heldBytes > SPLIT_BYTES;
  }

  async #afterFailure(error: unknown): Promise<void> {
    const { context } = this.#reception;
    this.#countAttempt();
    if (await this.#mayLocateAgain(error)) return;
    const state = { attempts: this.#attempts, withoutProgress: this.#withoutProgress };
    // One attempt is enough where another file has waited in vain.
    const policy = this.#isHopeless ? { ...context.policy, retries: 0 } : context.policy;
    const decision = decideRetry(error, state, policy, context.clock.random());
    // Only coded errors are ever retried; the rest is a bug.
    if (!isCcxriError(error)) throw error;
    if (decision.kind === 'give-up') {
      const isExhausted = decision.why === 'exhausted';
      if (isExhausted) context.silences.giveUp(this.#url);
      throw withAttempts(error, this.#attempts, isExhausted && this.#isHopeless);
    }
    if (error.facts.status === 429) context.pace.hold(this.#url, decision.delayMs);
    this.#tellRetry(error, decision.delayMs);
    await pause(context.clock, decision.delayMs, context.signal);
  }

  /** Files that were under way already wait as long as ever; and so do all, once it has answered. */
  get #isHopeless(): boolean {
    return this.#isLate && this.#reception.context.silences.isDead(this.#url);
  }

  #countAttempt(): void {
    const { part } = this.#reception;
    this.#attempts += 1;
    this.#withoutProgress += 1;
    if (part.heldBytes < this.#mostBytes + PROGRESS_BYTES) return;
    this.#mostBytes = part.heldBytes;
    this.#withoutProgress = 1;
    this.#hasLocatedAgain = false;
  }

  /** An address that has served, and refuses now, may have had its time: a new one is asked for. */
  async #mayLocateAgain(error: unknown): Promise<boolean> {
    const { part } = this.#reception;
    if (this.#hasLocatedAgain || part.heldBytes === 0 || !isExpiry(error)) return false;
    this.#hasLocatedAgain = true;
    const location = await this.#place.locateAgain();
    if (location?.kind !== 'url') return false;
    this.#url = location.url;
    this.#tellRetry(error, 0);
    return true;
  }

  #tellRetry(error: CcxriError, delayMs: number): void {
    const { file, part, context } = this.#reception;
    context.onEvent({
      event: 'retry',
      file: file.name,
      attempt: Math.max(1, this.#attempts),
      delayMs: Math.round(delayMs),
      error: toErrorRecord(error),
      keptBytes: this.#mayResume && part.isUsable ? part.heldBytes : 0,
    });
  }

  #tooLittle(): CcxriError {
    const { file } = this.#reception;
    return new CcxriError('network', `${file.name}: the server gives it in crumbs`, {
      file: file.name,
    });
  }
}

/** The refusals of signed addresses whose time is over. */
function isExpiry(error: unknown): error is CcxriError {
  if (isCcxriError(error, 'file-not-at-source')) return true;
  return isCcxriError(error, 'http-status') && [400, 401, 403].includes(error.facts.status ?? 0);
}

/** @param isKnownSilent given up so early because other files have met the same */
function withAttempts(error: CcxriError, attempts: number, isKnownSilent: boolean): CcxriError {
  const { retryAfterS } = error.facts;
  const wait =
    retryAfterS === undefined ? '' : `; it asks to wait ${formatDuration(retryAfterS * 1000)}`;
  const tried = isKnownSilent
    ? 'tried once: it did not answer for another file either'
    : `${attempts} attempts`;
  const tries = attempts > 1 || isKnownSilent ? ` (${tried})` : '';
  return withDetails(error, { message: `${error.message}${wait}${tries}`, attempts });
}
