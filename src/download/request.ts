import { CcxriError, isCcxriError } from '../errors.ts';
import type { HttpAnswer } from '../http/deadline.ts';
import { isBrokenSocket } from '../http/errors.ts';
import {
  checkRange,
  type RangeAnswer,
  type RangeRequest,
  toStrongValidator,
} from '../http/range.ts';
import { assertNotEncoded, toStatusError } from '../http/status.ts';
import { isSameAddress } from '../sources/base-url.ts';
import type { DownloadContext, Transfer } from './context.ts';
import { gapsOf } from './spans.ts';
import type { RequestMode } from './transfer-decisions.ts';

/** A probe asks for little, so that it ends soon, and for enough to count as progress. */
const PROBE_BYTES = 256 * 1024;

export interface DownloadRequest extends RangeRequest {
  readonly url: string;
  readonly mode: RequestMode;
  /** Of the bytes on disk, for If-Range: a segment of another file is of no use. null: none. */
  readonly validator: string | null;
  readonly signal: AbortSignal;
}

export interface Answer {
  readonly response: HttpAnswer;
  readonly range: RangeAnswer;
}

/** Only with a strong validator, and from the address that gave it. */
export function canResume({ origin, heldBytes }: Transfer['part'], url: string): boolean {
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

/** Nothing is left that the request could do without. */
export function isPlain({ fromByte, toByte }: RangeRequest): boolean {
  return fromByte === 0 && toByte === undefined;
}

/** @returns an answer whose body must be read or discarded */
export async function sendRequest(
  request: DownloadRequest,
  context: DownloadContext,
): Promise<Answer> {
  const response = await get(request, context);
  try {
    if (response.status >= 400) slowDown(response, request.url, context);
    const range = checkRange(request, {
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
    context.unresponsiveHosts.onAnswer(url);
    return response;
  } catch (error) {
    // Some servers allow only so many connections, and reset the others.
    if (isCcxriError(error) && isBrokenSocket(error.cause)) context.limiter.onRefused(url);
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
export function validatorOf(response: HttpAnswer): string | null {
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
function slowDown(response: HttpAnswer, url: string, { clock, limiter }: DownloadContext): void {
  const { retryAfterS } = toStatusError(response, clock).facts;
  if (retryAfterS !== undefined) limiter.pauseFor(url, retryAfterS * 1000, response.status);
  if (BUSY.has(response.status)) limiter.onRefused(url);
}

function refusal(response: HttpAnswer, { clock }: DownloadContext): CcxriError {
  const error = toStatusError(response, clock);
  if (response.status !== 404 && response.status !== 410) return error;
  return new CcxriError('file-not-at-source', error.message, error.facts);
}
