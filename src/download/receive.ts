import { CcxriError, isCcxriError, withDetails } from '../errors.ts';
import { rateLimitIn, reasonOfBody } from '../http/body-text.ts';
import type { HttpAnswer } from '../http/deadline.ts';
import { codingsOf } from '../http/encoding.ts';
import { isBrokenSocket } from '../http/errors.ts';
import { type RangeAnswer, checkRange, toStrongValidator } from '../http/range.ts';
import { parseRetryAfter } from '../http/retry.ts';
import { toStatusError } from '../http/status.ts';
import { toPrintableUrl } from '../text.ts';
import { type DownloadContext, type Transfer, usableBytes } from './context.ts';
import { type Body, assertNotShort } from './first-bytes.ts';
import { assertNoPage, readText, receiveFromStart, receiveSlice } from './receive-body.ts';
import type { Segment } from './segments.ts';
import type { Asking, ConnectionEnd, RequestMode, SegmentEnd } from './transfer-decisions.ts';

export interface SegmentRequest {
  readonly url: string;
  readonly mode: RequestMode;
  readonly asked: Asking;
  /** What is wanted. Where it ends at Infinity, that is the rest of the file. */
  readonly segment: Segment;
  readonly signal: AbortSignal;
}

/**
 * One request, and as much of its body as arrives and can be placed. Where nothing on disk is of use, the
 * body starts the file over, but not before its first bytes look right.
 * @returns how it ended: `failed` if its body broke off
 * @throws CcxriError `not-the-file`, `file-not-at-source`, `http-status`, `network`, `stalled`; of
 * the disk; `aborted`
 */
export async function fetchSegment(
  transfer: Transfer,
  request: SegmentRequest,
): Promise<ConnectionEnd> {
  const response = await send(transfer, request);
  try {
    const answer = await checkAnswer(transfer, request, response);
    const end = await receiveAnswer(transfer, request, response, answer);
    const isServed = end.kind === 'complete' || end.kind === 'ended';
    if (isServed) transfer.context.limiter.onServed(request.url);
    return end;
  } catch (error) {
    // With its head, the server has granted what was asked for.
    if (!isCcxriError(error, 'network', 'stalled')) throw error;
    return { kind: 'failed', asked: request.asked, isInBody: true, error };
  } finally {
    response.discard();
  }
}

async function send(transfer: Transfer, request: SegmentRequest): Promise<HttpAnswer> {
  const { part, context, isStrict = false } = transfer;
  const { url, asked, segment, signal } = request;
  const isRanged = asked !== 'whole';
  const last = asked === 'segment' && segment.to !== Infinity ? segment.to - 1 : '';
  const { validator } = part.origin;
  const headers = {
    ...(isRanged ? { range: `bytes=${segment.from}-${last}` } : {}),
    // Else the published MD5 decides: validators differ where the bytes do not, and the other way round.
    ...(isRanged && isStrict && validator !== null ? { 'if-range': validator } : {}),
  };
  try {
    const response = await context.client.get(url, { headers, signal });
    context.unresponsiveHosts.onAnswer(url);
    return response;
  } catch (error) {
    // Some servers allow only so many connections, and reset the others.
    if (isCcxriError(error) && isBrokenSocket(error.cause)) context.limiter.onRefused(url);
    throw error;
  }
}

/** What a response is to its request. @throws CcxriError its status is an error */
async function checkAnswer(
  transfer: Transfer,
  { url, asked, segment }: SegmentRequest,
  response: HttpAnswer,
): Promise<RangeAnswer> {
  const { part, context, isStrict = false } = transfer;
  if (response.status >= 400) slowDown(response, url, context);
  const isRanged = asked !== 'whole';
  const heldBytes = usableBytes(part, url);
  const answer = checkRange(
    {
      fromByte: segment.from,
      toByte: segment.to === Infinity ? undefined : segment.to,
      isRanged,
      totalBytes: isRanged && heldBytes > 0 ? part.origin.totalBytes : null,
    },
    {
      status: response.status,
      contentLength: response.header('content-length'),
      contentRange: response.header('content-range'),
      contentType: response.header('content-type'),
    },
  );
  if (answer === undefined) throw await refusal(transfer, response);
  if (answer.kind === 'complete' && !isPlausibleEnd(part, answer.totalBytes)) {
    return { kind: 'unusable', why: 'the server says the file ends here' };
  }
  const isLater = answer.kind === 'bytes' && answer.fromByte > 0;
  if (isLater && isStrict && hasChanged(part.origin, response)) {
    return { kind: 'unusable', why: 'the file changed at the source' };
  }
  return answer;
}

/** Whether the file may end with what is here: nothing more is known of its length. */
function isPlausibleEnd({ origin, bytes }: Transfer['part'], totalBytes: number): boolean {
  return origin.totalBytes === null && bytes > 0 && bytes === totalBytes;
}

/** What proves that a later segment is of the same file. */
function validatorOf(response: HttpAnswer): string | null {
  return toStrongValidator({
    etag: response.header('etag'),
    lastModified: response.header('last-modified'),
    date: response.header('date'),
  });
}

/** For servers that honour Range and ignore If-Range. */
function hasChanged({ validator }: Body['origin'], response: HttpAnswer): boolean {
  if (validator === null) return false;
  const now = response.header(validator.startsWith('"') ? 'etag' : 'last-modified');
  return now !== undefined && now !== validator;
}

/** What one connection is asked for applies to all connections to the same host. */
function slowDown(response: HttpAnswer, url: string, { clock, limiter }: DownloadContext): void {
  const retryAfterS = parseRetryAfter(response.header('retry-after'), clock.date());
  if (retryAfterS !== undefined) limiter.pauseFor(url, retryAfterS * 1000, response.status);
  if (response.status === 429 || response.status === 503) limiter.onRefused(url);
}

/** The error of a status that is no success, with what its body says. */
async function refusal({ context }: Transfer, response: HttpAnswer): Promise<CcxriError> {
  const text = await readText(response.body()[Symbol.asyncIterator]());
  const error = toStatusError(response, context.clock, text);
  const contentType = response.header('content-type');
  const { status } = response;
  const limit = status < 500 ? rateLimitIn(text, contentType) : undefined;
  if (limit !== undefined) return withDetails(error, { status: 429, found: limit });
  const found = reasonOfBody(text, status, contentType);
  const facts = { ...error.facts, ...(found === '' ? {} : { found }) };
  const code = status === 404 || status === 410 ? 'file-not-at-source' : error.code;
  return new CcxriError(code, error.message, { ...facts, next: error.next });
}

/** A body that begins so far before what was asked for is not taken at once: another try may be shorter. */
const MAX_OVERLAP_BYTES = 1024 * 1024;

async function receiveAnswer(
  transfer: Transfer,
  request: SegmentRequest,
  response: HttpAnswer,
  answer: RangeAnswer,
): Promise<SegmentEnd> {
  const { file } = transfer;
  const { url, asked, segment } = request;
  const where = toPrintableUrl(response.url);
  const of = (kind: 'unusable' | 'unsatisfied', why: string): SegmentEnd => {
    const message = `${file.name}: can't use what ${where} sends: ${why}`;
    const error = new CcxriError('network', message, { file: file.name, url: where });
    return { kind, asked, error };
  };
  if (answer.kind === 'unsatisfied') return of('unsatisfied', answer.why);
  if (answer.kind === 'complete') {
    transfer.part.learnTotal(answer.totalBytes);
    return { kind: 'complete' };
  }
  const totalBytes = answer.kind === 'bytes' ? answer.totalBytes : null;
  const body: Body = {
    where,
    isLocal: false,
    header: response.header,
    origin: { url, validator: validatorOf(response), totalBytes },
    bytes: response.body(),
  };
  if (answer.kind === 'unusable') {
    await assertNoPage(transfer, body);
    return of('unusable', answer.why);
  }
  const overlapBytes = segment.from - answer.fromByte;
  const heldBytes = usableBytes(transfer.part, url);
  if (asked !== 'whole' && heldBytes > 0 && overlapBytes > MAX_OVERLAP_BYTES) {
    return { kind: 'ranges-ignored', asked };
  }
  const end = await placeBody(transfer, request, body, answer);
  return end === 'encoded' ? of('unusable', 'a part of an encoded body') : end;
}

/** @returns `encoded`: it is a part of something that can only be decoded as a whole */
async function placeBody(
  transfer: Transfer,
  { url, mode, asked, segment }: SegmentRequest,
  body: Body,
  { fromByte, endByte, totalBytes }: RangeAnswer & { readonly kind: 'bytes' },
): Promise<SegmentEnd | 'encoded'> {
  const { file, part, isStrict = false } = transfer;
  const isSameLength = totalBytes !== null && part.origin.totalBytes === totalBytes;
  const isAsRequested = (endByte ?? Infinity) >= segment.to;
  const isAhead = totalBytes !== null && segment.from < totalBytes;
  const keeps = isSameLength && isAhead && !isStrict && usableBytes(part, url) > 0;
  if (fromByte === 0 && !keeps) {
    // It starts the file over: then all of it is welcome, also where less was requested.
    if (mode === 'parallel') return { kind: 'ranges-ignored', asked };
    segment.at = 0;
    segment.to = endByte ?? Infinity;
    const isWhole = endByte === null || endByte === totalBytes;
    const outcome = await receiveFromStart(transfer, body, segment, isWhole);
    if (outcome === 'encoded') return outcome;
    if (outcome === 'decoded') return { kind: 'complete' };
    if (totalBytes === null) {
      assertNotShort(file, body, part.bytes);
      return { kind: 'complete' };
    }
  } else {
    // Of a file whose plain length is known, this is a plain part, whatever its header says.
    if (!isSameLength && codingsOf(body.header('content-encoding')).length > 0) return 'encoded';
    segment.to = Math.min(segment.to, endByte ?? Infinity);
    await receiveSlice(transfer, body, segment, segment.from - fromByte);
  }
  if (part.isComplete) return { kind: 'complete' };
  const { from, at, to } = segment;
  return { kind: 'ended', mode, isAsRequested, isCut: at < to, receivedBytes: at - from };
}
