import { throwIfAborted } from '../abort.ts';
import { CcxriError, isCcxriError } from '../errors.ts';
import type { HttpAnswer } from '../http/deadline.ts';
import { windowOf } from '../manifest/manifest.ts';
import { toPrintableUrl } from '../text.ts';
import type { DownloadContext, Transfer } from './context.ts';
import {
  type BodyHead,
  FIRST_BYTES,
  assertNoPage,
  assertNotShort,
  assertPlausibleHead,
  assertPlausibleStart,
  tooLong,
} from './first-bytes.ts';
import type { PartOrigin } from './part-state.ts';
import { type Answer, type DownloadRequest, isPlain, sendRequest, validatorOf } from './request.ts';
import type { Segment } from './segments.ts';
import type { TransferEvent } from './transfer-decisions.ts';

/** How a request that did not fail has ended. */
export type SegmentEnd = Exclude<TransferEvent, { readonly kind: 'failed' | 'relocated' }>;

/** A body with what is known of it before its first byte. */
export interface Body {
  readonly head: BodyHead;
  readonly origin: PartOrigin;
  /** Each valid until the next is requested. */
  readonly bytes: AsyncIterable<Buffer>;
}

/**
 * One request, and as much of its body as arrives. Without a validator the body starts the file over,
 * but not before its first bytes look right; with one it fills the segment.
 * @throws CcxriError `not-the-file`, `file-not-at-source`, `http-status`, `network`, `stalled`; of
 * the disk; `aborted`
 */
export async function fetchSegment(
  transfer: Transfer,
  request: DownloadRequest,
  segment: Segment,
): Promise<SegmentEnd> {
  const answer = await sendRequest(request, transfer.context);
  try {
    const end = await receiveAnswer(answer, request, { transfer, segment });
    if (end.kind !== 'unusable') transfer.context.limiter.onServed(request.url);
    return end;
  } finally {
    answer.response.discard();
  }
}

async function receiveAnswer(
  { response, range }: Answer,
  request: DownloadRequest,
  { transfer, segment }: { readonly transfer: Transfer; readonly segment: Segment },
): Promise<SegmentEnd> {
  const { file, part } = transfer;
  const body = toBody(response, request, range.kind === 'unusable' ? null : range.totalBytes);
  const { where } = body.head;
  const isFresh = request.validator === null;
  const isParallel = request.mode === 'parallel';
  switch (range.kind) {
    case 'unusable':
      return unusable(range.why, request, { file: file.name, url: where });
    case 'whole':
      if (isParallel) return { kind: 'ranges-ignored' };
      segment.at = 0;
      segment.to = Infinity;
      await receiveFromStart(transfer, body, segment);
      assertNotShort(file, body.head, part.bytes);
      return { kind: 'complete' };
    case 'complete':
      if (isFresh || isParallel) {
        const why = 'the server says the file ends here';
        return unusable(why, request, { file: file.name, url: where });
      }
      assertPlausibleHead(file, body.head);
      part.learnTotal(range.totalBytes);
      return { kind: 'complete' };
    case 'part': {
      if (isFresh && body.origin.validator === null) {
        const why = "the partial response has no strong ETag, so it can't be resumed";
        return unusable(why, request, { file: file.name, url: where });
      }
      const isAsRequested = range.endByte >= segment.to;
      segment.to = Math.min(segment.to, range.endByte);
      if (isFresh) await receiveFromStart(transfer, body, segment);
      else await receiveRest(transfer, body, segment);
      if (part.isComplete) return { kind: 'complete' };
      const { from, at, to } = segment;
      const { mode } = request;
      return { kind: 'ended', mode, isAsRequested, isCut: at < to, receivedBytes: at - from };
    }
  }
}

function toBody(response: HttpAnswer, { url }: DownloadRequest, totalBytes: number | null): Body {
  const contentType = response.header('content-type');
  return {
    head: { where: toPrintableUrl(response.url), isLocal: false, totalBytes, contentType },
    origin: { url, validator: validatorOf(response), totalBytes },
    bytes: response.body(),
  };
}

async function receiveRest(transfer: Transfer, body: Body, segment: Segment): Promise<void> {
  const { totalBytes } = body.head;
  assertPlausibleHead(transfer.file, body.head);
  if (totalBytes !== null) transfer.part.learnTotal(totalBytes);
  await receiveBody(transfer, body, segment);
}

function unusable(
  why: string,
  request: DownloadRequest,
  facts: { readonly file: string; readonly url: string },
): SegmentEnd {
  const message = `${facts.file}: can't resume from ${facts.url}: ${why}`;
  const error = new CcxriError('network', message, facts);
  return { kind: 'unusable', isPlain: isPlain(request), error };
}

/**
 * A body from the file's first byte. The bytes on disk are not given up before its own look right.
 * @throws CcxriError `not-the-file`; of the connection, of the disk; `aborted`
 */
export async function receiveFromStart(
  transfer: Transfer,
  body: Body,
  segment: Segment,
): Promise<void> {
  const { file, part } = transfer;
  const { head, origin } = body;
  const iterator = body.bytes[Symbol.asyncIterator]();
  try {
    await assertPlausible(file, head, iterator);
    const first = await readFirst(iterator);
    const isWhole = head.totalBytes === null || first.length >= head.totalBytes;
    // Too few to tell, because the connection broke: that does not make it a wrong file.
    if (first.length >= FIRST_BYTES || isWhole) assertPlausibleStart(file, head, first);
    await part.restart(origin);
    await receiveBody(transfer, { head, bytes: resume(first, iterator) }, segment);
  } finally {
    await iterator.return?.();
  }
}

/**
 * A body of the wrong length may be a web page, and that says more about what went wrong.
 * @throws CcxriError `not-the-file`; `aborted`
 */
async function assertPlausible(
  file: Transfer['file'],
  head: BodyHead,
  iterator: AsyncIterator<Buffer>,
): Promise<void> {
  try {
    assertPlausibleHead(file, head);
  } catch (error) {
    // If the body can't be read, its length is all there is to report.
    const first = await readFirst(iterator).catch((unread: unknown) => {
      if (isCcxriError(unread) && unread.code !== 'aborted') return Buffer.alloc(0);
      throw unread;
    });
    assertNoPage(file, head, first);
    throw error;
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
async function receiveBody(
  { file, part, context, progress }: Transfer,
  { head, bytes: batches }: Pick<Body, 'head' | 'bytes'>,
  segment: Segment,
): Promise<void> {
  const { totalBytes } = part.origin;
  const mostBytes = totalBytes ?? windowOf(file).maxBytes;
  const endByte = segment.to;
  for await (const batch of batches) {
    const bytes = batch.length;
    context.onBytes(bytes);
    const hasMore = bytes > segment.to - segment.at;
    if (endByte > mostBytes && segment.at + bytes > mostBytes) {
      await part.restart();
      throw tooLong(file, head);
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
async function* limitRate(
  batch: Buffer,
  { rateLimit, signal }: DownloadContext,
): AsyncGenerator<Buffer> {
  if (rateLimit === undefined) {
    yield batch;
    return;
  }
  for (const piece of rateLimit.split(batch)) {
    await rateLimit.take(piece.length, signal);
    yield piece;
  }
}
