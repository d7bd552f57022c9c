import { CcxriError } from '../errors.ts';
import { textOfBody } from '../http/body-text.ts';
import { type Coding, codingsOf, isGzipStart } from '../http/encoding.ts';
import { wallOf } from '../http/walls.ts';
import { type ManifestFile } from '../manifest/manifest.ts';
import { lengthsText, windowOf } from '../manifest/size.ts';
import { formatCount, toPrintable } from '../text.ts';
import type { PartOrigin } from './part-state.ts';

/** Enough to recognize a zip, or to see that something else came instead. */
export const FIRST_BYTES = 200;

/** A body, with what is known of it before its first byte. */
export interface Body {
  /** Printable: URL or path. */
  readonly where: string;
  /** A file of this machine, not a URL. */
  readonly isLocal: boolean;
  /** Of its response; nothing for a file of this machine. */
  readonly header: (name: string) => string | undefined;
  readonly origin: PartOrigin;
  /** Each valid until the next is requested. */
  readonly bytes: AsyncIterable<Buffer>;
}

/** How a body differs from the file. */
export interface Mismatch {
  /** What it is, as a predicate. */
  readonly is: string;
  /** What was found; absent: its text shows it. */
  readonly found?: string;
}

/** Whether a body can be the file at all, by its announced length. */
export function checkLength(file: ManifestFile, { origin }: Body): Mismatch | undefined {
  const { minBytes, maxBytes } = windowOf(file);
  const { totalBytes } = origin;
  if (totalBytes === null || (totalBytes >= minBytes && totalBytes <= maxBytes)) return undefined;
  if (totalBytes === 0) return { is: 'is empty', found: 'no bytes' };
  const found = `${formatCount(totalBytes)} bytes`;
  return { is: `has ${found}`, found };
}

/**
 * Whether a body can be the file by its first bytes, which count more than its type: servers send
 * archives as text/html, and pages without a type.
 * @param start `FIRST_BYTES` or more, or all that there is
 * @param isCut there may be more, but the connection broke
 */
export function checkStart(
  file: ManifestFile,
  body: Body,
  start: Buffer,
  isCut = false,
): Mismatch | undefined {
  if (isPage(body, start)) return { is: 'is a web page' };
  const wrong = checkLength(file, body);
  if (wrong !== undefined) return wrong;
  if (start.length === 0) return isCut ? undefined : { is: 'is empty', found: 'no bytes' };
  if (file.kind === 'labels') return isJson(start) ? { is: 'is no table' } : undefined;
  // Too few to decide, because the connection broke: that does not make it a wrong file.
  if (isCut || isZipStart(start)) return undefined;
  return { is: 'does not begin as a zip does' };
}

/** Whether a body from the middle of the file is a page instead. */
export function checkPart(_: ManifestFile, body: Body, start: Buffer): Mismatch | undefined {
  return isPage(body, start) ? { is: 'is a web page' } : undefined;
}

function isPage(body: Body, start: Buffer): boolean {
  const text = textOf(start);
  const isTag = /^<(?:!doctype|html|head|\?xml|script|body)/i.test(text);
  // Called a page, other tags do as well; but not one byte alone, which data may begin with.
  return isTag || (saysHtml(body) && /^<[a-z!?][\t\r\n -~]{6}/i.test(text));
}

/** Whether a body is called a page, which it need not be. */
export function saysHtml({ header }: Body): boolean {
  return /^text\/html\b/i.test(header('content-type') ?? '');
}

/** A local file header, or the end record of an archive without members (APPNOTE 4.3.7, 4.3.16). */
function isZipStart(start: Buffer): boolean {
  const text = textOf(start);
  // A marker of split archives may stand in front (8.5.3, 8.5.4).
  return /^(?:PK\x07\x08|PK00)?PK\x03\x04|^PK\x05\x06/.test(text);
}

function isJson(start: Buffer): boolean {
  return /^\s*\{\s*"/.test(textOf(start));
}

function textOf(start: Buffer): string {
  return start.toString('latin1').replace(/^(?:\xef\xbb\xbf)?\s*/, '');
}

/**
 * The codings to remove from a body, by its first bytes: they count more than the header, which some
 * servers send in front of plain bytes, and leave out in front of encoded ones. Empty: it is plain.
 */
export function codingsUnder(
  file: ManifestFile,
  { header }: Body,
  start: Buffer,
): readonly Coding[] {
  const named = codingsOf(header('content-encoding'));
  if (isGzipStart(start)) return named.includes('gzip') ? named : ['gzip'];
  const isPlain =
    file.kind === 'archive' ? isZipStart(start) : /^[\t\r\n\x20-\x7e]*$/.test(textOf(start));
  return isPlain || named.includes('gzip') ? [] : named;
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

/** More bytes arrived than the file can have. To ask again would cost as many. */
export function tooLong(file: ManifestFile, body: Body): CcxriError {
  const is = 'is larger than the published size allows';
  return notTheFile(file, body, { is, found: 'more bytes than that' }, { isPermanent: true });
}

/**
 * The error of a body that is not the file.
 * @param shown.text its first bytes, as many as are worth showing
 * @param shown.isPermanent asking again is of no use
 */
export function notTheFile(
  file: ManifestFile,
  body: Body,
  mismatch: Mismatch,
  shown: { readonly text?: Buffer; readonly isPermanent?: boolean } = {},
): CcxriError {
  const kind = file.kind === 'archive' ? 'a zip archive' : 'a label file';
  const what = body.isLocal ? body.where : `what ${body.where} serves`;
  const { text = Buffer.alloc(0), isPermanent = body.isLocal } = shown;
  const wall = body.isLocal ? undefined : wallOf({ status: 200, header: body.header, start: text });
  const is = wall === undefined ? mismatch.is : `is ${wall.name}`;
  return new CcxriError('not-the-file', `${file.name}: ${what} ${is}`, {
    file: file.name,
    expected: `${kind} of ${lengthsText(file)}`,
    found: mismatch.found ?? shownOf(text, body.header('content-type')),
    kept: 'nothing of it',
    // A challenge is not asked again and again.
    ...(isPermanent || wall?.isCertain === true ? { permanent: true } : {}),
    next: wall?.next ?? [
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

function shownOf(text: Buffer, contentType: string | undefined): string {
  // A page may say nothing but by its scripts.
  const shown = textOfBody(text, contentType);
  return shown === ''
    ? toPrintable(text.subarray(0, FIRST_BYTES).toString('utf8').trim(), 120)
    : shown;
}
