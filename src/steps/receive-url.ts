import type { PartOrigin } from '../disk/part-schema.ts';
import { CcxriError, isCcxriError } from '../errors.ts';
import type { HttpAnswer } from '../net/attempt.ts';
import { isBrokenSocket } from '../net/network-error.ts';
import { judgeRange, toStrongValidator, type RangeAnswer } from '../net/range.ts';
import { assertNotEncoded, toStatusError } from '../net/status-error.ts';
import { toPrintableUrl } from '../text.ts';
import type { DownloadContext } from './download-context.ts';
import { assertPlausibleClaim } from './first-bytes.ts';
import { assertNotShort, receiveChunks, receiveWhole, type Reception } from './receive.ts';

/**
 * What came of one request in good order. `complete`: the file is here; `more`: a part of it came,
 * and the server has ended that where it said; `start-over`: what is here can't be gone on with, the
 * next request must ask for the whole file.
 */
export type Received =
  | { readonly kind: 'complete' }
  | { readonly kind: 'more' }
  | { readonly kind: 'start-over'; readonly error: CcxriError };

/**
 * One request, and as much of its body as comes. Goes on where the part ends if the server proves
 * that it has the same file still; otherwise from the first byte.
 * @param mayResume false: what is here has turned out to be of no use
 * @throws CcxriError `not-the-file`, `file-not-at-source`, `http-status`, `network`, `stalled`; of
 * the disk; `aborted`
 */
export async function receiveUrl(
  reception: Reception,
  url: string,
  mayResume: boolean,
): Promise<Received> {
  const { part, context } = reception;
  const fromByte = mayResume && canResume(part.origin, url) ? part.bytes : 0;
  const answer = await ask(url, rangeHeaders(part.origin, fromByte), context);
  try {
    if (answer.status >= 400) tellPace(answer, url, context);
    const request = { fromByte, totalBytes: part.origin.totalBytes };
    const judged = judgeRange(request, headOf(answer));
    if (judged === undefined) throw refusal(answer, context);
    if (judged.kind !== 'unusable') assertNotEncoded(answer);
    const received = await receiveAs(judged, answer, { reception, url });
    if (received.kind === 'complete') context.pace.served(url);
    // Nothing was asked for that could be left out: to ask in the same way again is no use.
    if (received.kind === 'start-over' && fromByte === 0) throw received.error;
    return received;
  } finally {
    answer.discard();
  }
}

async function receiveAs(
  judged: RangeAnswer,
  answer: HttpAnswer,
  { reception, url }: { readonly reception: Reception; readonly url: string },
): Promise<Received> {
  const { file, part } = reception;
  const where = toPrintableUrl(answer.url);
  if (judged.kind === 'unusable') {
    const message = `${file.name}: can't go on at ${where}: ${judged.why}`;
    const error = new CcxriError('network', message, { file: file.name, url: where });
    return { kind: 'start-over', error };
  }
  const { totalBytes } = judged;
  if (judged.kind === 'whole') {
    const claim = { where, totalBytes, contentType: answer.header('content-type') };
    const origin: PartOrigin = { url, validator: validatorOf(answer), totalBytes };
    await receiveWhole(reception, { claim, origin, chunks: answer.chunks() });
    assertNotShort(reception, where);
    return { kind: 'complete' };
  }
  assertPlausibleClaim(file, { where, totalBytes, contentType: undefined });
  part.learnTotal(judged.totalBytes);
  if (judged.kind === 'complete') return { kind: 'complete' };
  await receiveChunks(reception, answer.chunks(), where);
  if (part.bytes === judged.endByte && !part.isComplete) return { kind: 'more' };
  assertNotShort(reception, where);
  return { kind: 'complete' };
}

async function ask(
  url: string,
  headers: Readonly<Record<string, string>>,
  { client, pace, signal }: DownloadContext,
): Promise<HttpAnswer> {
  try {
    return await client.get(url, { headers, signal });
  } catch (error) {
    // Some servers allow so many connections, and reset the others.
    if (isCcxriError(error) && isBrokenSocket(error.cause)) pace.refused(url);
    throw error;
  }
}

function rangeHeaders(
  { validator }: PartOrigin,
  fromByte: number,
): Readonly<Record<string, string>> {
  if (fromByte === 0 || validator === null) return {};
  return { range: `bytes=${fromByte}-`, 'if-range': validator };
}

/** Only with a strong validator, and from the address that gave it (its query may have changed). */
function canResume(origin: PartOrigin, url: string): boolean {
  if (origin.validator === null || !URL.canParse(origin.url)) return false;
  const [had, now] = [new URL(origin.url), new URL(url)];
  return had.host === now.host && had.pathname === now.pathname;
}

function headOf(answer: HttpAnswer) {
  return {
    status: answer.status,
    contentLength: answer.header('content-length'),
    contentRange: answer.header('content-range'),
    contentType: answer.header('content-type'),
  };
}

function validatorOf(answer: HttpAnswer): string | null {
  return toStrongValidator({
    etag: answer.header('etag'),
    lastModified: answer.header('last-modified'),
    date: answer.header('date'),
  });
}

const BUSY: ReadonlySet<number> = new Set([429, 503]);

/** What one connection is told holds for all that go to the same place. */
function tellPace(answer: HttpAnswer, url: string, { clock, pace }: DownloadContext): void {
  const { retryAfterS } = toStatusError(answer, clock).facts;
  if (retryAfterS !== undefined) pace.hold(url, retryAfterS * 1000);
  if (BUSY.has(answer.status)) pace.refused(url);
}

function refusal(answer: HttpAnswer, { clock }: DownloadContext): CcxriError {
  const error = toStatusError(answer, clock);
  if (answer.status !== 404 && answer.status !== 410) return error;
  return new CcxriError('file-not-at-source', error.message, error.facts);
}
