import { STATUS_CODES } from 'node:http';
import { toPrintable } from '../text.ts';
import { decodeHtml } from './page.ts';

/** A body that came instead of a file is shown up to this length. */
export const BODY_TEXT_BYTES = 4096;

/** Of its text: what a reader of a terminal still takes in. */
const MAX_SHOWN = 1000;

/**
 * What a body that is not the file says, on one line: of HTML, its title and the text that a reader
 * would see. Safe to print. Empty: it says nothing.
 * @param bytes its first `BODY_TEXT_BYTES`, or all of it
 */
export function textOfBody(bytes: Uint8Array, contentType?: string): string {
  const text = decodeHtml(bytes.subarray(0, BODY_TEXT_BYTES), contentType);
  const isHtml = /^\s*<[a-z!?]/i.test(text.replace(/^\ufeff/, ''));
  const visible = isHtml ? withoutMarkup(text) : text;
  return toPrintable(visible.replace(/\s+/g, ' ').trim(), MAX_SHOWN);
}

/** A shorter text, as `no` or `nginx`, explains no error. */
const SHORTEST_REASON = 8;

/**
 * What the body of an error says beside its status, as `textOfBody`. Empty: no more than `no`, or
 * `404 Not Found`.
 */
export function reasonOfBody(bytes: Uint8Array, status: number, contentType?: string): string {
  const text = textOfBody(bytes, contentType);
  const phrase = (STATUS_CODES[status] ?? '').toLowerCase();
  const more = text.toLowerCase().replaceAll(`${status}`, '').replaceAll(phrase, '').trim();
  const isShort = more.length < SHORTEST_REASON && /^[\x20-\x7e]*$/.test(more);
  return isShort ? '' : text;
}

function withoutMarkup(html: string): string {
  return html
    .replace(/<(script|style)\b.*?(?:<\/\1\s*>|$)/gis, ' ')
    .replace(/<!--.*?(?:-->|$)/gs, ' ')
    .replace(/<[^<>]*(?:>|$)/g, ' ');
}

/**
 * What a short body says, where it is the way in which servers say "slow down" without saying 429.
 * undefined: it is none.
 */
export function rateLimitIn(bytes: Uint8Array, contentType?: string): string | undefined {
  if (bytes.length >= BODY_TEXT_BYTES) return undefined;
  const text = textOfBody(bytes, contentType);
  return /\b429\b|too many|rate.?limit|频繁|限流|稍后/i.test(text) ? text : undefined;
}
