import type { IncomingHttpHeaders } from 'node:http';
import { extname } from 'node:path';

/** What is served at one address. */
export interface ServedContent {
  readonly bytes: number;
  /** Strong, with its quotes: of the content. */
  readonly etag: string;
  /** Its media type. */
  readonly type: string;
}

/** The head of an answer, and which bytes of the content its body has. */
export interface Answer {
  readonly status: 200 | 206 | 304 | 412 | 416;
  readonly headers: Readonly<Record<string, string | number>>;
  readonly fromByte: number;
  /** The one behind the last; `fromByte`: there is no body. */
  readonly toByte: number;
}

interface Asked {
  readonly method?: string | undefined;
  readonly headers: IncomingHttpHeaders;
}

/** Answers GET or HEAD as a good server does: ranges and validators of RFC 9110, sections 13 and 14. */
export function answerOf(asked: Asked, content: ServedContent): Answer {
  const { bytes, etag, type } = content;
  const head = { 'content-type': type, etag, 'accept-ranges': 'bytes' };
  const nothing = { fromByte: 0, toByte: 0 };
  const { 'if-match': ifMatch, 'if-none-match': ifNoneMatch } = asked.headers;
  if (ifMatch !== undefined && !isListed(etag, ifMatch)) {
    return { status: 412, headers: { ...head, 'content-length': 0 }, ...nothing };
  }
  // The comparison is the weak one: our tag may come back as W/"…" from a proxy.
  if (ifNoneMatch !== undefined && isListed(etag, ifNoneMatch.replaceAll('W/', ''))) {
    return { status: 304, headers: head, ...nothing };
  }
  const range = rangeOf(asked, content);
  if (range === 'unsatisfiable') {
    const headers = { ...head, 'content-range': `bytes */${bytes}`, 'content-length': 0 };
    return { status: 416, headers, ...nothing };
  }
  const [fromByte, toByte] = range ?? [0, bytes];
  const headers = { ...head, 'content-length': toByte - fromByte };
  const body = asked.method === 'HEAD' ? nothing : { fromByte, toByte };
  if (range === undefined) return { status: 200, headers, ...body };
  const contentRange = `bytes ${fromByte}-${toByte - 1}/${bytes}`;
  return { status: 206, headers: { ...headers, 'content-range': contentRange }, ...body };
}

function isListed(etag: string, list: string): boolean {
  return list.split(',').some((each) => each.trim() === '*' || each.trim() === etag);
}

/** First byte and the one behind the last; undefined: the whole content is wanted. */
function rangeOf(
  { headers, method }: Asked,
  { bytes, etag }: ServedContent,
): readonly [number, number] | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d*)-(\d*)$/i.exec(headers.range ?? '');
  const ifRange = headers['if-range'] ?? etag;
  // Several ranges at once may be ignored, and are.
  if (match === null || method !== 'GET' || ifRange !== etag) return undefined;
  const [, first = '', last = ''] = match;
  if (first === '' && last === '') return undefined;
  const from = first === '' ? Math.max(0, bytes - Number(last)) : Number(first);
  const to = first === '' || last === '' ? bytes : Number(last) + 1;
  if (to <= from && last !== '' && first !== '') return undefined;
  if (from >= bytes) return 'unsatisfiable';
  return [from, Math.min(to, bytes)];
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.csv': 'text/csv; charset=utf-8',
  '.zip': 'application/zip',
};

/** The media type of a file of a release, or of its page. */
export function typeOf(name: string): string {
  return TYPES[extname(name).toLowerCase()] ?? 'application/octet-stream';
}
