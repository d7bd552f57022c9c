import { setMaxListeners } from 'node:events';
import { toAbortError } from '../abort.ts';
import { CcxriError, isCcxriError, toErrorRecord } from '../errors.ts';
import { toPrintableUrl } from '../text.ts';
import { ask } from './request.ts';
import { Claims, CLAIM_RULES, type Claim } from './segments.ts';
import { ProgressTeller } from './context.ts';
import { receiveBatches, type Reception, type Stretch } from './receive.ts';
import type { Received } from './receive-url.ts';

/** So often idle connections look whether a slow one can be helped. */
const LOOK_EVERY_MS = 250;
/** A server must not keep us with crumbs: with fewer bytes in good order a connection is given up. */
const LEAST_BYTES = 64 * 1024;

const OF_THE_WIRE = ['network', 'stalled', 'http-status', 'file-not-at-source'] as const;

/** Where a limit of the rate makes all connections slow, none is taken over. */
const UNHURRIED = { slowMs: Infinity, stalledMs: Infinity };

/** From now on one connection goes on, as far as it can. */
const NO_RANGES: Received = { kind: 'more', isAsAsked: true };

/**
 * Fetches what is missing of a part over several connections, from a server that has proved that it
 * serves ranges. A connection that fails leaves its bytes to the others; the last one's failure is
 * that of all.
 * @returns `more`: the server does not serve ranges any more, or has another file
 * @throws CcxriError what the last connection met; of the disk; `aborted`
 */
export async function receiveInRanges(reception: Reception, url: string): Promise<Received> {
  const { totalBytes } = reception.part.origin;
  if (totalBytes === null) return NO_RANGES;
  return await new RangesTransfer(reception, url, totalBytes).run();
}

class RangesTransfer {
  readonly #reception: Reception;
  readonly #url: string;
  readonly #totalBytes: number;
  readonly #claims: Claims;
  readonly #progress: ProgressTeller;
  readonly #lanes = new Set<Promise<void>>();
  /** Ends all lanes. */
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  /** Nothing more is asked for: this comes of it, or that is thrown. */
  #verdict: Received | { readonly thrown: unknown } | undefined;
  /** After a failure no lane is opened before one has ended well. */
  #failure: unknown;

  constructor(reception: Reception, url: string, totalBytes: number) {
    const { clock, onEvent, signal, connections, rateLimit } = reception.context;
    this.#reception = reception;
    this.#url = url;
    this.#totalBytes = totalBytes;
    const rules = rateLimit === undefined ? CLAIM_RULES : { ...CLAIM_RULES, ...UNHURRIED };
    this.#claims = new Claims(totalBytes, { ...rules, connections });
    this.#progress = new ProgressTeller(clock, onEvent);
    this.#signal = AbortSignal.any([signal, this.#stop.signal]);
    setMaxListeners(0, this.#signal);
  }

  async run(): Promise<Received> {
    const timer = setInterval(() => this.#openLanes(), LOOK_EVERY_MS);
    try {
      while (this.#verdict === undefined && !this.#reception.part.isComplete) {
        this.#openLanes();
        while (this.#lanes.size > 0) await Promise.all(this.#lanes);
        if (this.#failure !== undefined) break;
      }
    } finally {
      clearInterval(timer);
      // Where a listener throws, the others are at work still, on a part that is about to be closed.
      this.#stop.abort();
      await Promise.allSettled(this.#lanes);
    }
    if (this.#verdict === undefined) {
      if (this.#reception.part.isComplete) return { kind: 'complete' };
      throw this.#failure;
    }
    if ('thrown' in this.#verdict) throw this.#verdict.thrown;
    return this.#verdict;
  }

  /** As many as there is work for; they wait for their turn before they take some. */
  #openLanes(): void {
    const { context, part } = this.#reception;
    const isOpen = this.#verdict === undefined && this.#failure === undefined;
    if (!isOpen || !this.#claims.hasWork(part.spans, context.clock.nowMs())) return;
    while (this.#lanes.size < context.connections) {
      const lane = this.#runLane().finally(() => this.#lanes.delete(lane));
      this.#lanes.add(lane);
    }
  }

  async #runLane(): Promise<void> {
    const { context, part } = this.#reception;
    try {
      while (this.#verdict === undefined) {
        const hadWork = await context.pace.run(
          this.#url,
          () => this.#fetchClaim(),
          this.#signal,
          part,
        );
        if (!hadWork) return;
      }
    } catch (error) {
      this.#onFailure(error);
    }
  }

  /** @returns false: there is nothing to do any more */
  async #fetchClaim(): Promise<boolean> {
    const { context, part } = this.#reception;
    if (this.#verdict !== undefined) return false;
    const claim = this.#claims.take(part.spans, context.clock.nowMs());
    if (claim === undefined) return false;
    try {
      await this.#fetch(claim);
      this.#failure = undefined;
      context.pace.served(this.#url);
    } catch (error) {
      // Another connection has taken over all of it.
      if (!claim.stop.signal.aborted || !isCcxriError(error, 'aborted')) throw error;
    } finally {
      this.#claims.drop(claim);
    }
    return true;
  }

  async #fetch(claim: Claim): Promise<void> {
    const { file, part, context } = this.#reception;
    const { validator } = part.origin;
    const { from: fromByte, to: toByte } = claim;
    const signal = AbortSignal.any([this.#signal, claim.stop.signal]);
    const question = { url: this.#url, fromByte, toByte, validator, signal };
    const asked = { ...question, totalBytes: this.#totalBytes };
    const { answer, judged } = await ask(asked, context);
    try {
      if (judged.kind !== 'part') {
        this.#end(judged.kind === 'whole' ? NO_RANGES : this.#toStartOver(judged));
        return;
      }
      const where = toPrintableUrl(answer.url);
      const stretch = toStretch(claim, judged.endByte, context.clock.nowMs);
      await receiveBatches(this.#reception, answer.batches(), {
        where,
        stretch,
        progress: this.#progress,
      });
      if (claim.at >= Math.min(claim.to, fromByte + LEAST_BYTES)) return;
      const message = `${file.name}: ${where} ended the part before its end`;
      throw new CcxriError('network', message, { file: file.name });
    } finally {
      answer.discard();
    }
  }

  #toStartOver(judged: { readonly kind: string; readonly why?: string }): Received {
    const { file } = this.#reception;
    const url = toPrintableUrl(this.#url);
    const why = judged.why ?? 'it says that there is nothing behind what is here';
    const message = `${file.name}: can't go on at ${url}: ${why}`;
    const error = new CcxriError('network', message, { file: file.name, url });
    return { kind: 'start-over', error };
  }

  /** The wire's failures end one connection, and the last one of them all; others end all at once. */
  #onFailure(error: unknown): void {
    const { file, part, context } = this.#reception;
    if (this.#verdict !== undefined) return;
    const isStopped = context.signal.aborted;
    if (isStopped || !isCcxriError(error, ...OF_THE_WIRE)) {
      this.#end({ thrown: isStopped ? toAbortError(context.signal) : error });
      return;
    }
    this.#failure = error;
    // The last one's is told by whoever decides whether to try again.
    if (this.#lanes.size <= 1) return;
    context.onEvent({
      event: 'retry',
      file: file.name,
      attempt: 1,
      delayMs: 0,
      error: toErrorRecord(error),
      keptBytes: part.heldBytes,
    });
  }

  #end(verdict: Received | { readonly thrown: unknown }): void {
    if (this.#verdict !== undefined) return;
    this.#verdict = verdict;
    this.#stop.abort();
  }
}

/** A claim as the writer sees it: its end may come nearer, and it is told how far it has come. */
function toStretch(claim: Claim, endByte: number, nowMs: () => number): Stretch {
  return {
    get at(): number {
      return claim.at;
    },
    set at(place: number) {
      claim.at = place;
      claim.cameMs = nowMs();
    },
    get to(): number {
      return Math.min(claim.to, endByte);
    },
  };
}
