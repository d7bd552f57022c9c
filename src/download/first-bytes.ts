import { CcxriError } from '../errors.ts';
import { windowOf, type ManifestFile } from '../manifest/manifest.ts';
import { formatCount, toPrintable } from '../text.ts';
import type { PartOrigin } from './part-state.ts';

/** Enough to recognize a zip, or to show what came instead. */
export const FIRST_BYTES = 200;

/** A body, with what is known of it before its first byte. */
export interface Body {
  /** Printable: URL or path. */
  readonly where: string;
  /** A file of this machine, not a URL. */
  readonly isLocal: boolean;
  readonly contentType: string | undefined;
  readonly origin: PartOrigin;
  /** Each valid until the next is requested. */
  readonly bytes: AsyncIterable<Buffer>;
}

/**
 * Whether a body can be the file at all, by its announced length and type.
 * @returns `not-the-file`: nothing of it may be kept
 */
export function checkHead(file: ManifestFile, body: Body): CcxriError | undefined {
  const { minBytes, maxBytes } = windowOf(file);
  const total = body.origin.totalBytes;
  if (total !== null && (total < minBytes || total > maxBytes)) {
    const found = `${formatCount(total)} bytes`;
    return notTheFile(file, body, `has ${found}`, found);
  }
  // The first bytes show a page as well: the type alone decides only if no length is announced.
  if (total === null && /^text\/html\b/i.test(body.contentType ?? '')) {
    return notTheFile(file, body, 'is a web page', toPrintable(body.contentType ?? ''));
  }
  return undefined;
}

/**
 * Whether the first bytes are those of no web page.
 * @throws CcxriError `not-the-file`, showing what came instead
 */
export function assertNoPage(file: ManifestFile, body: Body, start: Buffer): void {
  const text = textOf(start);
  if (/^<(?:!doctype|html|head|\?xml|script|body)/i.test(text) || isHtml(body, text)) {
    throw notTheFile(file, body, 'is a web page', shownOf(start));
  }
}

/**
 * Whether the first bytes can be the file's.
 * @throws CcxriError `not-the-file`, showing what came instead
 */
export function assertPlausibleStart(file: ManifestFile, body: Body, start: Buffer): void {
  assertNoPage(file, body, start);
  const text = textOf(start);
  if (file.kind !== 'archive') return;
  // A local file header, or the end record of an archive without members (APPNOTE 4.3.7, 4.3.16).
  const isZip = text.startsWith('PK\x03\x04') || text.startsWith('PK\x05\x06');
  if (!isZip) throw notTheFile(file, body, 'does not begin as a zip does', shownOf(start));
}

function textOf(start: Buffer): string {
  return start.toString('latin1').replace(/^(?:\xef\xbb\xbf)?\s*/, '');
}

function shownOf(start: Buffer): string {
  return toPrintable(start.subarray(0, FIRST_BYTES).toString('utf8').trim(), 120);
}

function isHtml(body: Body, text: string): boolean {
  return /^text\/html\b/i.test(body.contentType ?? '') && text.startsWith('<');
}

/**
 * A body of unannounced length may be too short although it ended in good order.
 * @throws CcxriError `network`
 */
export function assertNotShort(file: ManifestFile, body: Body, bytes: number): void {
  const leastBytes = body.origin.totalBytes ?? windowOf(file).minBytes;
  if (bytes >= leastBytes) return;
  throw new CcxriError('network', `${file.name}: ${body.where} ended the file before its end`, {
    file: file.name,
    expected: `${leastBytes} bytes`,
    found: `${bytes} bytes`,
  });
}

/** More bytes arrived than the file can have. */
export function tooLong(file: ManifestFile, body: Body): CcxriError {
  return notTheFile(file, body, 'is larger than the published size allows', 'more bytes than that');
}

function notTheFile(file: ManifestFile, body: Body, is: string, found: string): CcxriError {
  const { minBytes, maxBytes } = windowOf(file);
  const size =
    minBytes === maxBytes
      ? `of ${formatCount(minBytes)} bytes`
      : `of about ${file.size} (${formatCount(minBytes)} to ${formatCount(maxBytes)} bytes)`;
  const kind = file.kind === 'archive' ? 'a zip archive' : 'a label file';
  const what = body.isLocal ? body.where : `what ${body.where} serves`;
  return new CcxriError('not-the-file', `${file.name}: ${what} ${is}`, {
    file: file.name,
    expected: `${kind} ${size}`,
    found,
    kept: 'nothing of it',
    next: [
      {
        kind: 'advice',
        text: body.isLocal
          ? 'look at what that file is'
          : 'open the address in a browser to see what it wants (a login, a captcha)',
        or: { kind: 'option', option: 'source' },
      },
    ],
  });
}
