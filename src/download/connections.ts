import { setMaxListeners } from 'node:events';
import { toAbortError } from '../abort.ts';
import { CcxriError, isCcxriError, toErrorRecord } from '../errors.ts';
import { ProgressThrottle } from '../events.ts';
import type { RangeAnswer } from '../http/range.ts';
import { isSameAddress } from '../sources/base-url.ts';
import { toPrintableUrl } from '../text.ts';
import { assertPlausibleClaim } from './first-bytes.ts';
import type { PartFile } from './part-file.ts';
import type { PartOrigin } from './part-state.ts';
import {
  type Reception,
  type Stretch,
  assertNotShort,
  receiveBatches,
  receiveWhole,
} from './receive.ts';
import { type Answered, type Question, ask, validatorOf } from './request.ts';
import { CLAIM_RULES, type Claim, Claims } from './segments.ts';
import { gapsOf } from './spans.ts';

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
  readonly #progress: ProgressThrottle;
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
    this.#progress = new ProgressThrottle(clock, onEvent);
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

/**
 * What came of one request in good order. `complete`: the file is here; `more`: a part of it came,
 * and the server has ended that where it was asked to, or where it said: it serves ranges; `start-over`: what
 * is here can't be gone on with, or no range be had: the next request must ask for the whole file.
 */
export type Received =
  | { readonly kind: 'complete' }
  | { readonly kind: 'more'; readonly isAsAsked: boolean }
  | { readonly kind: 'start-over'; readonly error: CcxriError };

/** How a file is asked for. */
export interface Manner {
  /** false: what is here has turned out to be of no use. */
  readonly mayResume: boolean;
  /** Only a little is asked for, to see whether the server serves ranges. */
  readonly isProbe: boolean;
}

/** What a probe asks for: soon there, and enough to count as progress. */
const PROBE_BYTES = 256 * 1024;

/**
 * One request, and as much of its body as comes. Goes on where the part ends if the server proves
 * that it has the same file still; otherwise from the first byte.
 * @throws CcxriError `not-the-file`, `file-not-at-source`, `http-status`, `network`, `stalled`; of
 * the disk; `aborted`
 */
export async function receiveUrl(
  reception: Reception,
  url: string,
  manner: Manner,
): Promise<Received> {
  const question = toQuestion(reception, url, manner);
  const answered = await ask(question, reception.context);
  try {
    const received = await receiveAs(answered, question, reception);
    if (received.kind !== 'start-over') reception.context.pace.served(url);
    // Nothing was asked for that could be left out: to ask in the same way again is no use.
    const wasPlain = question.fromByte === 0 && question.toByte === undefined;
    if (received.kind === 'start-over' && wasPlain) throw received.error;
    return received;
  } finally {
    answered.answer.discard();
  }
}

/** Only with a strong validator, and from the address that gave it. */
export function canResume({ origin, heldBytes }: PartFile, url: string): boolean {
  return heldBytes > 0 && origin.validator !== null && isSameAddress(origin.url, url);
}

function toQuestion(
  { part, context }: Reception,
  url: string,
  { mayResume, isProbe }: Manner,
): Question {
  const { signal } = context;
  if (!mayResume || !canResume(part, url)) {
    const toByte = isProbe ? PROBE_BYTES : undefined;
    return { url, fromByte: 0, toByte, validator: null, totalBytes: null, signal };
  }
  const { validator, totalBytes } = part.origin;
  const fromByte = part.bytes;
  // To the next bytes that are here, if there are any behind the gap.
  const gapEnd = gapsOf(part.spans, totalBytes ?? Infinity)[0]?.[1];
  const toByte = gapEnd === undefined || gapEnd === totalBytes ? Infinity : gapEnd;
  const end = Math.min(toByte, isProbe ? fromByte + PROBE_BYTES : Infinity);
  const ranged = { fromByte, toByte: end === Infinity ? undefined : end };
  return { url, ...ranged, validator, totalBytes, signal };
}

async function receiveAs(
  { answer, judged }: Answered,
  question: Question,
  reception: Reception,
): Promise<Received> {
  const { file, part } = reception;
  const where = toPrintableUrl(answer.url);
  const { totalBytes } = { totalBytes: null, ...judged };
  const origin = { url: question.url, validator: validatorOf(answer), totalBytes };
  const claim = { where, isLocal: false, totalBytes, contentType: answer.header('content-type') };
  if (judged.kind === 'whole') {
    await receiveWhole(reception, { claim, origin, batches: answer.batches() });
    assertNotShort(reception, where);
    return { kind: 'complete' };
  }
  const isFresh = question.validator === null;
  if (judged.kind === 'unusable' || (isFresh && !isGoodStart(judged, origin))) {
    const why = judged.kind === 'unusable' ? judged.why : 'its part of the file proves nothing';
    const message = `${file.name}: can't go on at ${where}: ${why}`;
    const error = new CcxriError('network', message, { file: file.name, url: where });
    return { kind: 'start-over', error };
  }
  if (!isFresh) assertPlausibleClaim(file, { ...claim, contentType: undefined });
  if (judged.kind === 'complete') {
    part.learnTotal(judged.totalBytes);
    return { kind: 'complete' };
  }
  const endByte = Math.min(judged.endByte, question.toByte ?? Infinity);
  if (isFresh) {
    await receiveWhole(reception, { claim, origin, batches: answer.batches(), endByte });
  } else {
    part.learnTotal(judged.totalBytes);
    const stretch = { at: question.fromByte, to: endByte };
    await receiveBatches(reception, answer.batches(), { where, stretch });
  }
  if (part.bytes >= endByte && !part.isComplete) {
    return { kind: 'more', isAsAsked: endByte === question.toByte };
  }
  assertNotShort(reception, where);
  return { kind: 'complete' };
}

/** A first part, which others are to be of the same file as. */
function isGoodStart(judged: RangeAnswer, origin: PartOrigin): boolean {
  return judged.kind === 'part' && origin.validator !== null;
}
