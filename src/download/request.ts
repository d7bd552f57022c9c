import { CcxriError, isCcxriError } from '../errors.ts';
import type { HttpAnswer } from '../http/deadline.ts';
import { isBrokenSocket } from '../http/errors.ts';
import { judgeRange, toStrongValidator, type RangeAnswer } from '../http/range.ts';
import { assertNotEncoded, toStatusError } from '../http/status.ts';
import type { DownloadContext } from './context.ts';

/** What is asked of a server. */
export interface Question {
  readonly url: string;
  readonly fromByte: number;
  /** Behind the last byte wanted; undefined: all that follows. */
  readonly toByte?: number | undefined;
  /** Of the bytes that are here: a part is of use only of the same file. null: nothing is here. */
  readonly validator: string | null;
  /** Length of the file, as far as it is known. */
  readonly totalBytes: number | null;
  readonly signal: AbortSignal;
}

export interface Answered {
  readonly answer: HttpAnswer;
  readonly judged: RangeAnswer;
}

/**
 * One request, and what its answer means. Its body must be read or discarded.
 * @throws CcxriError `file-not-at-source`, `http-status`, `network`, `stalled`; `aborted`
 */
export async function ask(question: Question, context: DownloadContext): Promise<Answered> {
  const answer = await request(question, context);
  try {
    if (answer.status >= 400) tellPace(answer, question.url, context);
    const judged = judgeRange(question, headOf(answer));
    if (judged === undefined) throw refusal(answer, context);
    if (judged.kind !== 'unusable') assertNotEncoded(answer);
    if (judged.kind !== 'part' || !isOfAnother(question.validator, answer)) {
      return { answer, judged };
    }
    return { answer, judged: { kind: 'unusable', why: 'the file changed at the source' } };
  } catch (error) {
    answer.discard();
    throw error;
  }
}

/** What proves that a later part is of the same file. */
export function validatorOf(answer: HttpAnswer): string | null {
  return toStrongValidator({
    etag: answer.header('etag'),
    lastModified: answer.header('last-modified'),
    date: answer.header('date'),
  });
}

async function request(question: Question, context: DownloadContext): Promise<HttpAnswer> {
  const { url, signal } = question;
  try {
    const answer = await context.client.get(url, { headers: headersOf(question), signal });
    context.silences.answered(url);
    return answer;
  } catch (error) {
    // Some servers allow so many connections, and reset the others.
    if (isCcxriError(error) && isBrokenSocket(error.cause)) context.pace.refused(url);
    throw error;
  }
}

function headersOf(question: Question): Readonly<Record<string, string>> {
  const { fromByte, toByte, validator } = question;
  if (fromByte === 0 && toByte === undefined) return {};
  const range = `bytes=${fromByte}-${toByte === undefined ? '' : toByte - 1}`;
  return validator === null ? { range } : { range, 'if-range': validator };
}

/** A server that heeds Range and not If-Range. */
function isOfAnother(validator: string | null, answer: HttpAnswer): boolean {
  if (validator === null) return false;
  const now = answer.header(validator.startsWith('"') ? 'etag' : 'last-modified');
  return now !== undefined && now !== validator;
}

function headOf(answer: HttpAnswer) {
  return {
    status: answer.status,
    contentLength: answer.header('content-length'),
    contentRange: answer.header('content-range'),
    contentType: answer.header('content-type'),
  };
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
