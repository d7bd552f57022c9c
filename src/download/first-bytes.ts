import { CcxriError } from '../errors.ts';
import { windowOf } from '../manifest/published-size.ts';
import type { ManifestFile } from '../manifest/schema.ts';
import { formatCount, toPrintable } from '../text.ts';

/** As many as it takes to know a zip, or to show what came instead. */
export const FIRST_BYTES = 200;

/** What an answer says of itself before its first byte. */
export interface AnswerClaim {
  /** Printable: URL or path. */
  readonly where: string;
  /** Of this machine: a file that can be looked at, not an address. */
  readonly isLocal: boolean;
  readonly totalBytes: number | null;
  readonly contentType: string | undefined;
}

/**
 * Whether an answer can be the file at all, by its announced length and type.
 * @throws CcxriError `not-the-file`: nothing of it may be kept
 */
export function assertPlausibleClaim(file: ManifestFile, claim: AnswerClaim): void {
  const { minBytes, maxBytes } = windowOf(file);
  const total = claim.totalBytes;
  if (total !== null && (total < minBytes || total > maxBytes)) {
    const found = `${formatCount(total)} bytes`;
    throw notTheFile(file, claim, `has ${found}`, found);
  }
  // A page is told by its first bytes as well; the type alone is enough only where it is sure.
  if (total === null && /^text\/html\b/i.test(claim.contentType ?? '')) {
    throw notTheFile(file, claim, 'is a web page', toPrintable(claim.contentType ?? ''));
  }
}

/**
 * Whether the first bytes are those of no web page.
 * @throws CcxriError `not-the-file`, showing what came instead
 */
export function assertNoPage(file: ManifestFile, claim: AnswerClaim, start: Buffer): void {
  const text = textOf(start);
  if (/^<(?:!doctype|html|head|\?xml|script|body)/i.test(text) || isHtml(claim, text)) {
    throw notTheFile(file, claim, 'is a web page', shownOf(start));
  }
}

/**
 * Whether the first bytes can be the file's.
 * @throws CcxriError `not-the-file`, showing what came instead
 */
export function assertPlausibleStart(file: ManifestFile, claim: AnswerClaim, start: Buffer): void {
  assertNoPage(file, claim, start);
  const text = textOf(start);
  if (file.kind !== 'archive') return;
  // A local file header, or the end record of an archive without members (APPNOTE 4.3.7, 4.3.16).
  const isZip = text.startsWith('PK\x03\x04') || text.startsWith('PK\x05\x06');
  if (!isZip) throw notTheFile(file, claim, 'does not begin as a zip does', shownOf(start));
}

function textOf(start: Buffer): string {
  return start.toString('latin1').replace(/^(?:\xef\xbb\xbf)?\s*/, '');
}

function shownOf(start: Buffer): string {
  return toPrintable(start.subarray(0, FIRST_BYTES).toString('utf8').trim(), 120);
}

function isHtml(claim: AnswerClaim, text: string): boolean {
  return /^text\/html\b/i.test(claim.contentType ?? '') && text.startsWith('<');
}

/** More bytes came than the file can have. */
export function tooLong(file: ManifestFile, of: Teller): CcxriError {
  return notTheFile(file, of, 'goes on and on', 'more bytes than that');
}

type Teller = Pick<AnswerClaim, 'where' | 'isLocal'>;

function notTheFile(file: ManifestFile, of: Teller, is: string, found: string): CcxriError {
  const { minBytes, maxBytes } = windowOf(file);
  const size =
    minBytes === maxBytes
      ? `of ${formatCount(minBytes)} bytes`
      : `of about ${file.size} (${formatCount(minBytes)} to ${formatCount(maxBytes)} bytes)`;
  const kind = file.kind === 'archive' ? 'a zip archive' : 'a label file';
  const what = of.isLocal ? of.where : `what ${of.where} serves`;
  return new CcxriError('not-the-file', `${file.name}: ${what} ${is}`, {
    file: file.name,
    expected: `${kind} ${size}`,
    found,
    kept: 'nothing of it',
    hint: of.isLocal
      ? 'look at what that file is, or give another --source'
      : 'open the address in a browser to see what it wants (a login, a captcha), or give another --source',
  });
}
