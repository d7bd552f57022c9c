import type { PartFile } from './part-file.ts';
import type { PartOrigin } from './part-state.ts';
import { gapsOf } from './spans.ts';
import { CcxriError } from '../errors.ts';
import type { RangeAnswer } from '../http/range.ts';
import { isSameAddress } from '../sources/base-url.ts';
import { toPrintableUrl } from '../text.ts';
import { ask, validatorOf, type Answered, type Question } from './request.ts';
import { assertPlausibleClaim } from './first-bytes.ts';
import { assertNotShort, receiveBatches, receiveWhole, type Reception } from './receive.ts';

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
