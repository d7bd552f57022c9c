/** What the response to a range request means. Pure: RFC 9110, sections 13 to 15. */
export type RangeAnswer =
  /** The whole file from its first byte. */
  | { readonly kind: 'whole'; readonly totalBytes: number | null }
  /** The bytes that were asked for, and it is the same file. */
  | { readonly kind: 'part'; readonly endByte: number; readonly totalBytes: number }
  /** Another range, or of another file: the body must not be used. */
  | { readonly kind: 'unusable'; readonly why: string }
  /** The file ends here: what was received is all of it. */
  | { readonly kind: 'complete'; readonly totalBytes: number };

export interface RangeRequest {
  /** First byte asked for; 0 without `toByte`: no Range was sent. */
  readonly fromByte: number;
  /** Exclusive end. Absent: to the end of the file. */
  readonly toByte?: number | undefined;
  /** Length of the file in the earlier response. */
  readonly totalBytes: number | null;
}

export interface AnswerHead {
  readonly status: number;
  readonly contentLength: string | undefined;
  readonly contentRange: string | undefined;
  readonly contentType: string | undefined;
}

/** `undefined`: another status, which is an error of its own. */
export function checkRange(request: RangeRequest, head: AnswerHead): RangeAnswer | undefined {
  if (head.status === 200) {
    return { kind: 'whole', totalBytes: toLength(head.contentLength) };
  }
  if (request.fromByte === 0 && request.toByte === undefined) {
    return head.status === 206
      ? { kind: 'unusable', why: 'the server sent a part, though the whole file was asked for' }
      : undefined;
  }
  switch (head.status) {
    case 206:
      return checkPart(request, head);
    case 412:
      return { kind: 'unusable', why: 'the file changed at the source' };
    case 416:
      return checkBeyondEnd(request, head);
    default:
      return undefined;
  }
}

function checkBeyondEnd(request: RangeRequest, head: AnswerHead): RangeAnswer {
  const total = /^bytes \*\/(\d{1,15})$/.exec(head.contentRange ?? '')?.[1];
  // The connection broke after the last byte, before the end of the response.
  if (total !== undefined && Number(total) === request.fromByte) {
    return { kind: 'complete', totalBytes: request.fromByte };
  }
  return { kind: 'unusable', why: 'the file at the source is shorter than what is here' };
}

function checkPart(request: RangeRequest, head: AnswerHead): RangeAnswer {
  if (/^multipart\//i.test(head.contentType ?? '')) {
    return { kind: 'unusable', why: 'the server sent several parts in one body' };
  }
  const range = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/.exec(head.contentRange ?? '');
  const [first, last] = [Number(range?.[1]), Number(range?.[2])];
  if (range === null || last < first) {
    return { kind: 'unusable', why: 'a part without a valid Content-Range' };
  }
  if (first !== request.fromByte) {
    return {
      kind: 'unusable',
      why: `asked for byte ${request.fromByte} on, the part begins at byte ${first}`,
    };
  }
  const total = range[3] === '*' ? request.totalBytes : Number(range[3]);
  if (total === null || last >= total) {
    return { kind: 'unusable', why: 'the part does not say how long the file is' };
  }
  if (request.totalBytes !== null && total !== request.totalBytes) {
    return {
      kind: 'unusable',
      why: `the file changed at the source: it had ${request.totalBytes} bytes, now ${total}`,
    };
  }
  const length = toLength(head.contentLength);
  if (length !== null && length !== last - first + 1) {
    return { kind: 'unusable', why: 'Content-Length and Content-Range contradict each other' };
  }
  return { kind: 'part', endByte: last + 1, totalBytes: total };
}

function toLength(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

export interface AnswerValidators {
  readonly etag: string | undefined;
  readonly lastModified: string | undefined;
  readonly date: string | undefined;
}

/** A client may see only one of two changes within this time (RFC 9110, 8.8.2.2). */
const DATE_MARGIN_MS = 60_000;

/**
 * What proves that two ranges are of one file, for If-Range (RFC 9110, 13.1.5): a strong entity tag,
 * or without any tag a Last-Modified that is old enough. null: nothing, the file can't be resumed.
 */
export function toStrongValidator(head: AnswerValidators): string | null {
  if (head.etag !== undefined) {
    return /^"[\x21\x23-\x7e\x80-\xff]*"$/.test(head.etag) ? head.etag : null;
  }
  const { lastModified = '', date = '' } = head;
  // Date.parse ignores anything in brackets, which must not be sent back in a header.
  if (!/^[\x20-\x7e]+$/.test(lastModified)) return null;
  // NaN compares as false.
  return Date.parse(date) - Date.parse(lastModified) >= DATE_MARGIN_MS ? lastModified : null;
}
