import { throwIfAborted } from '../abort.ts';
import { CcxriError, isCcxriError } from '../errors.ts';
import type { HttpAnswer } from '../http/deadline.ts';
import { isBrokenSocket } from '../http/errors.ts';
import { type RangeAnswer, checkRange, toStrongValidator } from '../http/range.ts';
import { assertNotEncoded, toStatusError } from '../http/status.ts';
import { windowOf } from '../manifest/manifest.ts';
import { toPrintableUrl } from '../text.ts';
import type { DownloadContext, Transfer } from './context.ts';
import {
  type Body,
  FIRST_BYTES,
  assertNoPage,
  assertNotShort,
  assertPlausibleStart,
  checkHead,
  tooLong,
} from './first-bytes.ts';
import { NO_ORIGIN } from './part-state.ts';
import type { Segment } from './segments.ts';
import type { RequestMode, SegmentEnd } from './transfer-decisions.ts';

export interface SegmentRequest {
  readonly url: string;
  readonly mode: RequestMode;
  /** Where it ends at Infinity, the rest of the file is requested. */
  readonly segment: Segment;
  /** Nothing on disk is of use: the body starts the file over. */
  readonly isFresh: boolean;
  readonly signal: AbortSignal;
}

/**
 * One request, and as much of its body as arrives. A fresh body starts the file over, but not before
 * its first bytes look right; any other fills the segment.
 * @throws CcxriError `not-the-file`, `file-not-at-source`, `http-status`, `network`, `stalled`; of
 * the disk; `aborted`
 */
export async function fetchSegment(
  transfer: Transfer,
  request: SegmentRequest,
): Promise<SegmentEnd> {
  const response = await send(transfer, request);
  try {
    const answer = checkAnswer(transfer, request, response);
    const end = await receiveAnswer(transfer, request, response, answer);
    if (end.kind !== 'unusable') transfer.context.limiter.onServed(request.url);
    return end;
  } finally {
    response.discard();
  }
}

async function send({ part, context }: Transfer, request: SegmentRequest): Promise<HttpAnswer> {
  const { url, segment, isFresh, signal } = request;
  const { validator } = isFresh ? NO_ORIGIN : part.origin;
  const last = segment.to === Infinity ? '' : segment.to - 1;
  const headers = {
    ...(isPlain(segment) ? {} : { range: `bytes=${segment.from}-${last}` }),
    // A segment of another file is of no use.
    ...(validator === null ? {} : { 'if-range': validator }),
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

/** The whole file is requested: nothing is left that the request could do without. */
function isPlain({ from, to }: Segment): boolean {
  return from === 0 && to === Infinity;
}

/** What a response is to its request. @throws CcxriError its status is an error, or it is encoded */
function checkAnswer(
  { part, context }: Transfer,
  { url, mode, segment, isFresh }: SegmentRequest,
  response: HttpAnswer,
): RangeAnswer {
  if (response.status >= 400) slowDown(response, url, context);
  const { validator, totalBytes } = isFresh ? NO_ORIGIN : part.origin;
  const toByte = segment.to === Infinity ? undefined : segment.to;
  const answer = checkRange(
    { fromByte: segment.from, toByte, totalBytes },
    {
      status: response.status,
      contentLength: response.header('content-length'),
      contentRange: response.header('content-range'),
      contentType: response.header('content-type'),
    },
  );
  if (answer === undefined) throw refusal(response, context);
  if (answer.kind === 'unusable') return answer;
  assertNotEncoded(response);
  const unusable = (why: string) => ({ kind: 'unusable', why }) as const;
  if (answer.kind === 'complete' && (isFresh || mode === 'parallel')) {
    return unusable('the server says the file ends here');
  }
  if (answer.kind !== 'part') return answer;
  if (isFresh && validatorOf(response) === null) {
    return unusable("the partial response has no strong ETag, so it can't be resumed");
  }
  return hasChanged(validator, response) ? unusable('the file changed at the source') : answer;
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
function hasChanged(validator: string | null, response: HttpAnswer): boolean {
  if (validator === null) return false;
  const now = response.header(validator.startsWith('"') ? 'etag' : 'last-modified');
  return now !== undefined && now !== validator;
}

/** What one connection is asked for applies to all connections to the same host. */
function slowDown(response: HttpAnswer, url: string, { clock, limiter }: DownloadContext): void {
  const { retryAfterS } = toStatusError(response, clock).facts;
  if (retryAfterS !== undefined) limiter.pauseFor(url, retryAfterS * 1000, response.status);
  if (response.status === 429 || response.status === 503) limiter.onRefused(url);
}

function refusal(response: HttpAnswer, { clock }: DownloadContext): CcxriError {
  const error = toStatusError(response, clock);
  if (response.status !== 404 && response.status !== 410) return error;
  return new CcxriError('file-not-at-source', error.message, error.facts);
}

async function receiveAnswer(
  transfer: Transfer,
  { url, mode, segment, isFresh }: SegmentRequest,
  response: HttpAnswer,
  answer: RangeAnswer,
): Promise<SegmentEnd> {
  const { file, part } = transfer;
  const where = toPrintableUrl(response.url);
  if (answer.kind === 'unusable') {
    const message = `${file.name}: can't resume from ${where}: ${answer.why}`;
    const error = new CcxriError('network', message, { file: file.name, url: where });
    return { kind: 'unusable', isPlain: isPlain(segment), error };
  }
  const { totalBytes } = answer;
  const body: Body = {
    where,
    isLocal: false,
    contentType: response.header('content-type'),
    origin: { url, validator: validatorOf(response), totalBytes },
    bytes: response.body(),
  };
  if (answer.kind === 'whole') {
    if (mode === 'parallel') return { kind: 'ranges-ignored' };
    await receiveWhole(transfer, body, segment);
    return { kind: 'complete' };
  }
  const isAsRequested = answer.kind === 'part' && answer.endByte >= segment.to;
  if (answer.kind === 'part') segment.to = Math.min(segment.to, answer.endByte);
  if (isFresh) {
    await receiveFromStart(transfer, body, segment);
  } else {
    const wrong = checkHead(file, body);
    if (wrong !== undefined) throw wrong;
    part.learnTotal(answer.totalBytes);
    if (answer.kind === 'part') await receiveBody(transfer, body, segment);
  }
  if (part.isComplete || answer.kind === 'complete') return { kind: 'complete' };
  const { from, at, to } = segment;
  return { kind: 'ended', mode, isAsRequested, isCut: at < to, receivedBytes: at - from };
}

/** A body that is the whole file: as one segment without an end. */
export async function receiveWhole(
  transfer: Transfer,
  body: Body,
  segment: Segment,
): Promise<void> {
  segment.at = 0;
  segment.to = Infinity;
  await receiveFromStart(transfer, body, segment);
  assertNotShort(transfer.file, body, transfer.part.bytes);
}

/**
 * A body from the file's first byte. The bytes on disk are not given up before its own look right.
 * @throws CcxriError `not-the-file`; of the connection, of the disk; `aborted`
 */
async function receiveFromStart(transfer: Transfer, body: Body, segment: Segment): Promise<void> {
  const { file, part } = transfer;
  const { totalBytes } = body.origin;
  const iterator = body.bytes[Symbol.asyncIterator]();
  try {
    const wrong = checkHead(file, body);
    const first = await readFirst(iterator).catch((error: unknown) => {
      // If the body can't be read, its length is all there is to report.
      throw wrong === undefined || !isCcxriError(error) || error.code === 'aborted' ? error : wrong;
    });
    if (wrong !== undefined) {
      // A body of the wrong length may be a web page, and that says more about what went wrong.
      assertNoPage(file, body, first);
      throw wrong;
    }
    const isWhole = totalBytes === null || first.length >= totalBytes;
    // Too few to decide, because the connection broke: that does not make it a wrong file.
    if (first.length >= FIRST_BYTES || isWhole) assertPlausibleStart(file, body, first);
    await part.restart(body.origin);
    await receiveBody(transfer, { ...body, bytes: resume(first, iterator) }, segment);
  } finally {
    await iterator.return?.();
  }
}

/** As many bytes as show what a body is, or more; fewer: there are no more. */
async function readFirst(iterator: AsyncIterator<Buffer>): Promise<Buffer> {
  let first = Buffer.alloc(0);
  while (first.length < FIRST_BYTES) {
    const next = await iterator.next();
    if (next.done === true) break;
    first = Buffer.concat([first, next.value]);
  }
  return first;
}

async function* resume(first: Buffer, iterator: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  if (first.length > 0) yield first;
  for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
    yield next.value;
  }
}

/**
 * Writes a body's bytes to their segment of the file. What the body holds beyond is not read.
 * @throws CcxriError `not-the-file`: it is too long; of the connection, of the disk; `aborted`
 */
async function receiveBody(transfer: Transfer, body: Body, segment: Segment): Promise<void> {
  const { file, part, context, progress } = transfer;
  const { totalBytes } = part.origin;
  const mostBytes = totalBytes ?? windowOf(file).maxBytes;
  const endByte = segment.to;
  for await (const batch of body.bytes) {
    context.onBytes(batch.length);
    const hasMore = batch.length > segment.to - segment.at;
    if (endByte > mostBytes && segment.at + batch.length > mostBytes) {
      await part.restart();
      throw tooLong(file, body);
    }
    for await (const piece of limitRate(batch, context)) {
      throwIfAborted(context.signal);
      const { at, to } = segment;
      const wanted = piece.subarray(0, Math.max(0, to - at));
      segment.at += wanted.length;
      segment.lastByteMs = context.clock.nowMs();
      if (wanted.length > 0) await part.write(wanted, at);
      const doneBytes = part.heldBytes;
      progress.emit({ file: file.name, phase: 'download', doneBytes, totalBytes });
    }
    // Its own end is waited for where it is near: the connection can be reused then.
    if (hasMore || (segment.to < endByte && segment.at >= segment.to)) return;
  }
}

/** All at once, or in pieces as the rate limit admits them. */
async function* limitRate(batch: Buffer, { rateLimit, signal }: DownloadContext) {
  for (const piece of rateLimit?.split(batch) ?? [batch]) {
    await rateLimit?.take(piece.length, signal);
    yield piece;
  }
}
