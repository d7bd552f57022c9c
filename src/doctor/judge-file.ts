import { unzipSync, constants } from 'node:zlib';
import { type Body, checkStart, codingsUnder, notTheFile } from '../download/first-bytes.ts';
import { CcxriError } from '../errors.ts';
import { isGzipStart } from '../http/encoding.ts';
import { toStrongValidator } from '../http/range.ts';
import type { ManifestFile } from '../manifest/manifest.ts';
import { formatBytes, toPrintable, toPrintableUrl } from '../text.ts';
import { type CheckResult, ok, toProblem, warning } from './examination.ts';
import { type Sample, type Start, isSlice } from './request.ts';

/** What is known of a file before all of it is here: from a server, or from a directory. */
export interface FileStart {
  /** URL or path. */
  readonly where: string;
  readonly isLocal: boolean;
  readonly contentType: string | undefined;
  /** null: not known. */
  readonly totalBytes: number | null;
  /** Decoded, where they came encoded. */
  readonly bytes: Buffer;
  readonly isEncoded: boolean;
}

/** Whether the first bytes and the length are those of the file. */
export function judgeStart(file: ManifestFile, start: FileStart): CheckResult {
  const { totalBytes, bytes } = start;
  const body = toBody(start);
  const wrong = checkStart(file, body, bytes);
  if (wrong !== undefined) {
    return toProblem(withFound(notTheFile(file, body, wrong, { text: bytes })));
  }
  const size = totalBytes === null ? 'of unknown length' : `of ${formatBytes(totalBytes)}`;
  if (file.kind === 'archive') return ok(`${file.name} begins as a zip, ${size}`);
  if (!hasImageColumn(bytes)) {
    const text = 'look at what that file is';
    const seen = `${file.name} has no column "image" in its first line: ${shownOf(bytes)}`;
    return warning(seen, [{ kind: 'advice', text, or: { kind: 'option', option: 'source' } }]);
  }
  return ok(`${file.name} begins as a label file, ${size}`);
}

function toBody(start: Omit<FileStart, 'bytes' | 'isEncoded'>, contentEncoding?: string): Body {
  const { where, totalBytes } = start;
  const origin = { url: where, validator: null, totalBytes };
  const headers = new Map([
    ['content-type', start.contentType],
    ['content-encoding', contentEncoding],
  ]);
  return { ...start, header: (name) => headers.get(name), origin, bytes: noBytes() };
}

async function* noBytes(): AsyncGenerator<Buffer> {
  // Whatever judges a start is given its bytes.
}

/** With what came instead, and what should have come: a row has one sentence for all of it. */
function withFound(error: CcxriError): CcxriError {
  const { found, expected } = error.facts;
  const isSaid = found === undefined || error.message.includes(found);
  const got = isSaid ? '' : `: ${toPrintable(found, 120)}`;
  const wanted = expected === undefined ? '' : ` (expected: ${expected})`;
  return new CcxriError(error.code, `${error.message}${got}${wanted}`, { next: error.next });
}

function shownOf(bytes: Buffer): string {
  return toPrintable(bytes.subarray(0, 80).toString('utf8').split('\n')[0] ?? '', 60);
}

function hasImageColumn(bytes: Buffer): boolean {
  const [first = ''] = bytes
    .toString('utf8')
    .replace(/^\ufeff/, '')
    .split(/[\r\n]/);
  return first.split(',').some((cell) => /^"?\s*image/i.test(cell));
}

/** What a server's response shows of a file, decoded where it is encoded. */
export function toFileStart(file: ManifestFile, sample: Sample): FileStart {
  const { header, bytes } = sample;
  const where = toPrintableUrl(sample.url);
  const plain = { where, isLocal: false, contentType: header('content-type') };
  const totalBytes = totalOf(sample);
  const body = toBody({ ...plain, totalBytes }, header('content-encoding'));
  // Of an encoded body the length is another one.
  return codingsUnder(file, body, bytes).length > 0
    ? { ...plain, totalBytes: null, bytes: decode(bytes), isEncoded: true }
    : { ...plain, totalBytes, bytes, isEncoded: false };
}

/** As much as these bytes hold: they end in the middle. */
function decode(bytes: Buffer): Buffer {
  if (!isGzipStart(bytes)) return bytes;
  try {
    return unzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH });
  } catch {
    return bytes;
  }
}

/** The length of the whole file; null: the server does not say. */
export function totalOf({ range, header, status }: Sample): number | null {
  if (range?.kind === 'bytes') return range.totalBytes;
  const length = header('content-length') ?? '';
  return status === 200 && /^\d{1,15}$/.test(length) ? Number(length) : null;
}

const RESTARTS = 'a download that breaks off starts over, over one connection';

/**
 * Whether any byte of a file can be requested.
 * @param second a range that overlaps the start; an error: it was refused; undefined: not requested
 * @param about.from the first byte of that
 */
export function judgeRanges(
  start: Start,
  second: Sample | CcxriError | undefined,
  { from, isEncoded }: { readonly from: number; readonly isEncoded: boolean },
): CheckResult {
  const next = [{ kind: 'advice', text: 'prefer a mirror, if one is known' }] as const;
  const bad = (what: string) => warning(`${what}: ${RESTARTS}`, next);
  if (start.refused !== undefined) {
    return bad(`requests for a range are refused (${shortReason(start.refused)})`);
  }
  if (isEncoded) return bad('the server compresses what it sends, though asked not to');
  if (!isSlice(start)) {
    if (start.range?.kind === 'bytes') {
      return bad('ranges are ignored: the server sends the whole file each time');
    }
    const why = start.range !== undefined && 'why' in start.range ? start.range.why : undefined;
    return bad(`ranges can't be used: ${why ?? `status ${start.status}`}`);
  }
  if (second === undefined) return ok('a range was served');
  if (second instanceof CcxriError) return bad(`a second range failed (${shortReason(second)})`);
  if (!isSlice(second)) return bad(`a second range got the status ${second.status}`);
  const known = start.bytes.subarray(from, from + second.bytes.length);
  if (!known.equals(second.bytes.subarray(0, known.length))) {
    return {
      status: 'problem',
      seen: 'two ranges of the same bytes differ: the server sends other bytes than it says',
      code: 'not-the-file',
      next: [{ kind: 'option', option: 'source' }],
    };
  }
  return ok('any range can be requested: downloads resume, over several connections');
}

function shortReason({ message, facts: { status } }: CcxriError): string {
  return status === undefined ? message : `status ${status}`;
}

/** By what a server says that a file has not changed, and whether If-Range with it is accepted. */
export function judgeValidator(
  start: Sample,
  second: Sample | CcxriError | undefined,
): CheckResult {
  const etag = start.header('etag');
  const [lastModified, date] = [start.header('last-modified'), start.header('date')];
  const strong = toStrongValidator({ etag, lastModified, date });
  const byLength = 'a resumed download is checked by its length, and by its MD5 at the end';
  if (strong === null) {
    if (etag !== undefined) return warning(`${weakness(etag)} ETag: ${byLength}`);
    const what = lastModified === undefined ? 'no ETag and no date' : 'a date that proves nothing';
    return warning(`${what}: ${byLength}`);
  }
  const name = etag === undefined ? 'Last-Modified' : 'a strong ETag';
  if (second === undefined || second instanceof CcxriError) return ok(name);
  if (!isSlice(second)) {
    return warning(
      `${name}, but If-Range with it is refused (status ${second.status}): ${byLength}`,
    );
  }
  const now = second.header(etag === undefined ? 'last-modified' : 'etag');
  if (now !== undefined && now !== strong) {
    return warning(`${name}, another one for each request: ${byLength}`);
  }
  return ok(`${name}, accepted in If-Range`);
}

function weakness(etag: string): string {
  return etag.startsWith('W/') ? 'a weak' : 'an invalid';
}
