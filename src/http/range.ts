/** What the response to a request means for the file. Pure: RFC 9110, sections 13 to 15, read leniently. */
export type RangeAnswer =
  /** Bytes from this one on, which may be before what was requested. */
  | {
      readonly kind: 'bytes';
      readonly fromByte: number;
      /** Exclusive; null: to the end of the body. */
      readonly endByte: number | null;
      readonly totalBytes: number | null;
    }
  /** Nothing says where the bytes belong, or they are of another file. */
  | { readonly kind: 'unusable'; readonly why: string }
  /** The server says that there is nothing from this byte on, and there must be. */
  | { readonly kind: 'unsatisfied'; readonly why: string }
  /** The file ends here: what was received is all of it. */
  | { readonly kind: 'complete'; readonly totalBytes: number };

export interface RangeRequest {
  /** First byte wanted. */
  readonly fromByte: number;
  /** Exclusive end. Absent: to the end of the file. */
  readonly toByte?: number | undefined;
  /** A Range was sent. false: the whole file was requested. */
  readonly isRanged: boolean;
  /** Length of the file, as known from earlier responses. */
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
  switch (head.status) {
    case 200:
    // From a proxy that may have changed it (RFC 9110, 15.3.4): the MD5 decides.
    case 203:
      return isMarkedSlice(request, head) ? checkPart(request, head) : wholeOf(head);
    case 206:
      return checkPart(request, head);
    case 412:
      return request.isRanged
        ? { kind: 'unusable', why: 'the file changed at the source' }
        : undefined;
    case 416:
      return request.isRanged ? checkBeyondEnd(request, head) : undefined;
    default:
      return undefined;
  }
}

function wholeOf({ contentLength }: AnswerHead): RangeAnswer {
  const totalBytes = toLength(contentLength);
  return { kind: 'bytes', fromByte: 0, endByte: totalBytes, totalBytes };
}

/** Some servers send a slice with status 200: its length shows it. */
function isMarkedSlice({ isRanged }: RangeRequest, head: AnswerHead): boolean {
  const range = toContentRange(head.contentRange);
  const length = toLength(head.contentLength);
  return isRanged && range !== null && (length === null || length === range.last - range.first + 1);
}

function checkBeyondEnd({ fromByte }: RangeRequest, head: AnswerHead): RangeAnswer {
  const total = /^\s*bytes\s+\*\/(\d{1,15})\s*$/i.exec(head.contentRange ?? '')?.[1];
  // The connection broke after the last byte, before the end of the response.
  if (Number(total) === fromByte) return { kind: 'complete', totalBytes: fromByte };
  if (Number(total) < fromByte) {
    return { kind: 'unusable', why: 'the file at the source is shorter than what is here' };
  }
  return { kind: 'unsatisfied', why: `the server has nothing from byte ${fromByte} on (416)` };
}

function checkPart(request: RangeRequest, head: AnswerHead): RangeAnswer {
  if (/^multipart\/(?:x-)?byteranges\b/i.test(head.contentType ?? '')) {
    return { kind: 'unusable', why: 'the server sent several parts in one body' };
  }
  const range = toContentRange(head.contentRange);
  if (range === null) return checkUnmarked(request, head);
  const total = range.total ?? request.totalBytes;
  if (total === null) {
    return { kind: 'unusable', why: 'the part does not say how long the file is' };
  }
  if (request.totalBytes !== null && total !== request.totalBytes) {
    return {
      kind: 'unusable',
      why: `the file changed at the source: it had ${request.totalBytes} bytes, now ${total}`,
    };
  }
  // A body that is shorter or longer than its range says is read to its own end.
  const length = toLength(head.contentLength) ?? range.last - range.first + 1;
  const endByte = Math.min(range.first + length, total);
  const wanted = request.isRanged ? request.fromByte : 0;
  if (range.first > wanted || endByte <= wanted) {
    const why = `asked for byte ${wanted} on, the part has bytes ${range.first} to ${endByte - 1}`;
    return { kind: 'unusable', why };
  }
  return { kind: 'bytes', fromByte: range.first, endByte, totalBytes: total };
}

/** A 206 without a valid Content-Range: it is placed only if its length is the one that was requested. */
function checkUnmarked(request: RangeRequest, head: AnswerHead): RangeAnswer {
  const { fromByte, toByte, isRanged, totalBytes } = request;
  if (!isRanged) return wholeOf(head);
  const length = toLength(head.contentLength);
  const isUnmarked = head.contentRange === undefined;
  if (isUnmarked && totalBytes !== null && length !== null && length > 0) {
    const endByte = Math.min(toByte ?? totalBytes, totalBytes);
    if (length === endByte - fromByte) return { kind: 'bytes', fromByte, endByte, totalBytes };
  }
  return { kind: 'unusable', why: 'a part without a valid Content-Range' };
}

/** A Content-Range header, read leniently. */
export interface ContentRange {
  readonly first: number;
  readonly last: number;
  /** null: left open, or left out. */
  readonly total: number | null;
}

/** The unit in any case, with `=` or a colon behind it, or without it: as servers are seen to write it. */
const CONTENT_RANGE =
  /^\s*(?:bytes?[\s=:]+)?(\d{1,15})\s*-\s*(\d{1,15})\s*(?:\/\s*(\d{1,15}|\*)\s*)?$/i;

/** null: absent, or not to be understood. */
export function toContentRange(text: string | undefined): ContentRange | null {
  const [, first, last, total] = CONTENT_RANGE.exec(text ?? '') ?? [];
  if (first === undefined || Number(last) < Number(first)) return null;
  return {
    first: Number(first),
    last: Number(last),
    total: total === undefined || total === '*' ? null : Number(total),
  };
}

/** null: no Content-Length. */
export function toLength(text: string | undefined): number | null {
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
 * or without any tag a Last-Modified that is old enough. null: nothing does.
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
