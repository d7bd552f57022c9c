import { CcxriError, isCcxriError } from '../errors.ts';
import type { HttpAnswer } from '../http/deadline.ts';
import { isBrokenSocket } from '../http/errors.ts';
import {
  judgeRange,
  type RangeAnswer,
  type RangeRequest,
  toStrongValidator,
} from '../http/range.ts';
import { assertNotEncoded, toStatusError } from '../http/status.ts';
import { isSameAddress } from '../sources/base-url.ts';
import { toPrintableUrl } from '../text.ts';
import type { DownloadContext, Transfer } from './context.ts';
import { assertPlausibleHead } from './first-bytes.ts';
import type { PartFile } from './part-file.ts';
import { type Body, assertNotShort, receiveBody, receiveFromStart } from './receive.ts';
import type { Segment } from './segments.ts';
import { gapsOf } from './spans.ts';
import type { RequestMode, TransferEvent } from './transfer-decisions.ts';

/** A probe asks for little, so that it ends soon, and for enough to count as progress. */
const PROBE_BYTES = 256 * 1024;

export interface DownloadRequest extends RangeRequest {
  readonly url: string;
  readonly mode: RequestMode;
  /** Of the bytes on disk, for If-Range: a segment of another file is of no use. null: none. */
  readonly validator: string | null;
  readonly signal: AbortSignal;
}

interface Answer {
  readonly response: HttpAnswer;
  readonly range: RangeAnswer;
}

/** How a request that did not fail has ended. */
export type SegmentEnd = Exclude<TransferEvent, { readonly kind: 'failed' | 'relocated' }>;

/** Only with a strong validator, and from the address that gave it. */
export function canResume({ origin, heldBytes }: PartFile, url: string): boolean {
  return heldBytes > 0 && origin.validator !== null && isSameAddress(origin.url, url);
}

/** What one connection requests next: the first gap of the part, or the file from its first byte. */
export function nextRequest(
  { part, context }: Transfer,
  url: string,
  { mode, mayResume }: { readonly mode: RequestMode; readonly mayResume: boolean },
): DownloadRequest {
  const probeBytes = mode === 'probe' ? PROBE_BYTES : Infinity;
  const common = { url, mode, signal: context.signal };
  if (!mayResume || !canResume(part, url)) {
    const toByte = toFinite(probeBytes);
    return { ...common, fromByte: 0, toByte, validator: null, totalBytes: null };
  }
  const { validator, totalBytes } = part.origin;
  const fromByte = part.bytes;
  // Up to the next bytes on disk, if there are any behind the gap.
  const gapEnd = gapsOf(part.spans, totalBytes ?? Infinity)[0]?.[1] ?? Infinity;
  const wantedTo = gapEnd === totalBytes ? Infinity : gapEnd;
  const toByte = toFinite(Math.min(wantedTo, fromByte + probeBytes));
  return { ...common, fromByte, toByte, validator, totalBytes };
}

function toFinite(bytes: number): number | undefined {
  return bytes === Infinity ? undefined : bytes;
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
  const answer = await send(request, transfer.context);
  try {
    const end = await receive(answer, request, { transfer, segment });
    if (end.kind !== 'unusable') transfer.context.pace.served(request.url);
    return end;
  } finally {
    answer.response.discard();
  }
}

async function receive(
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
      assertNotShort(transfer, where);
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
    batches: response.batches(),
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

/** Nothing is left that the request could do without. */
function isPlain({ fromByte, toByte }: RangeRequest): boolean {
  return fromByte === 0 && toByte === undefined;
}

/** @returns an answer whose body must be read or discarded */
async function send(request: DownloadRequest, context: DownloadContext): Promise<Answer> {
  const response = await get(request, context);
  try {
    if (response.status >= 400) slowDown(response, request.url, context);
    const range = judgeRange(request, {
      status: response.status,
      contentLength: response.header('content-length'),
      contentRange: response.header('content-range'),
      contentType: response.header('content-type'),
    });
    if (range === undefined) throw refusal(response, context);
    if (range.kind !== 'unusable') assertNotEncoded(response);
    if (range.kind !== 'part' || !hasChanged(request.validator, response)) {
      return { response, range };
    }
    return { response, range: { kind: 'unusable', why: 'the file changed at the source' } };
  } catch (error) {
    response.discard();
    throw error;
  }
}

async function get(request: DownloadRequest, context: DownloadContext): Promise<HttpAnswer> {
  const { url, signal } = request;
  try {
    const response = await context.client.get(url, { headers: headersOf(request), signal });
    context.silences.answered(url);
    return response;
  } catch (error) {
    // Some servers allow only so many connections, and reset the others.
    if (isCcxriError(error) && isBrokenSocket(error.cause)) context.pace.refused(url);
    throw error;
  }
}

function headersOf(request: DownloadRequest): Readonly<Record<string, string>> {
  if (isPlain(request)) return {};
  const { fromByte, toByte, validator } = request;
  const range = `bytes=${fromByte}-${toByte === undefined ? '' : toByte - 1}`;
  return validator === null ? { range } : { range, 'if-range': validator };
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

const BUSY: ReadonlySet<number> = new Set([429, 503]);

/** What one connection is asked for applies to all connections to the same host. */
function slowDown(response: HttpAnswer, url: string, { clock, pace }: DownloadContext): void {
  const { retryAfterS } = toStatusError(response, clock).facts;
  if (retryAfterS !== undefined) pace.hold(url, retryAfterS * 1000);
  if (BUSY.has(response.status)) pace.refused(url);
}

function refusal(response: HttpAnswer, { clock }: DownloadContext): CcxriError {
  const error = toStatusError(response, clock);
  if (response.status !== 404 && response.status !== 410) return error;
  return new CcxriError('file-not-at-source', error.message, error.facts);
}
