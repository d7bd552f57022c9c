/** What a server's answer to a request for bytes means. Pure: RFC 9110, sections 14 and 15. */
export type RangeAnswer =
  /** The whole file from its first byte. */
  | { readonly kind: 'whole'; readonly totalBytes: number | null }
  /** The bytes that were asked for, and it is the same file. */
  | { readonly kind: 'part'; readonly endByte: number; readonly totalBytes: number }
  /** A part, but not the one asked for, or not of the same file: its body must not be used. */
  | { readonly kind: 'unusable'; readonly why: string }
  /** The part begins behind the end (416). `totalBytes` where the server says it. */
  | { readonly kind: 'beyond-end'; readonly totalBytes: number | null };

export interface RangeRequest {
  /** First byte asked for; 0: no Range was sent. */
  readonly fromByte: number;
  /** Length of the file as the earlier answer had it. */
  readonly totalBytes: number | null;
}

export interface AnswerHead {
  readonly status: number;
  readonly contentLength: string | undefined;
  readonly contentRange: string | undefined;
  readonly contentType: string | undefined;
}

/** `undefined`: another status, which is an error of its own. */
export function judgeRange(request: RangeRequest, head: AnswerHead): RangeAnswer | undefined {
  if (head.status === 200) {
    return { kind: 'whole', totalBytes: toLength(head.contentLength) };
  }
  if (head.status === 416) {
    const total = /^bytes \*\/(\d{1,15})$/.exec(head.contentRange ?? '')?.[1];
    return { kind: 'beyond-end', totalBytes: total === undefined ? null : Number(total) };
  }
  if (head.status !== 206) return undefined;
  if (/^multipart\//i.test(head.contentType ?? '')) {
    return { kind: 'unusable', why: 'the server sent several parts in one body' };
  }
  return judgePart(request, head);
}

function judgePart(request: RangeRequest, head: AnswerHead): RangeAnswer {
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

/** Only a strong validator proves that two parts are of one file (RFC 9110, 8.8.1 and 13.1.5). */
export function toStrongEtag(etag: string | undefined): string | null {
  return etag !== undefined && /^"[\x21\x23-\x7e\x80-\xff]*"$/.test(etag) ? etag : null;
}
