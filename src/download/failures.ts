import { CcxriError, isCcxriError, withDetails, type ErrorCode } from '../errors.ts';
import type { ManifestFile } from '../manifest/schema.ts';

/** The bytes are here, and are not the file's. */
export const WRONG_BYTES: readonly ErrorCode[] = [
  'md5-mismatch',
  'size-mismatch',
  'damaged-archive',
  'unsafe-archive',
];

/** What another source can't put right: a stop, the disk, wrong usage. */
const NOT_THE_SOURCES: ReadonlySet<ErrorCode> = new Set([
  'aborted',
  'disk-full',
  'disk-space',
  'disk-io',
  'not-writable',
  'occupied',
  'missing',
  'usage',
  'manifest-invalid',
] as const);

/** What is this source's failure, with its name; anything else passes. */
export function toFailure(error: unknown, source: string): CcxriError {
  if (!isCcxriError(error) || NOT_THE_SOURCES.has(error.code)) throw error;
  return withDetails(error, { source: error.facts.source ?? source });
}

/** Of a page that can't be read, a directory that is not there. */
export function ofWholeSource(error: CcxriError): CcxriError {
  return withDetails(error, { wholeSource: true, cause: error.cause });
}

/** To ask the same sources again would not help. */
const ELSEWHERE = 'look elsewhere: give another --source (`ccxri links` shows what was tried)';

export function notThere(file: ManifestFile, source: string): CcxriError {
  return new CcxriError('file-not-at-source', `${file.name} is not at ${source}`, {
    file: file.name,
    source,
    hint: ELSEWHERE,
  });
}

/** How telling an error is, the most first: what was served says more than what was not. */
const TELLING: readonly ErrorCode[] = [
  'unsafe-archive',
  'md5-mismatch',
  'size-mismatch',
  'damaged-archive',
  'not-the-file',
  'stalled',
  'network',
  'http-status',
  'source-unusable',
  'file-not-at-source',
];

export interface FailureContext {
  readonly file: ManifestFile;
  /** What was left on disk, in words. */
  readonly kept?: string | undefined;
  /** Said where the failure itself does not know what to do next. */
  readonly hint: string;
}

/** The most telling of what the sources said, with the others as reasons. */
export function summarizeFailures(
  failures: readonly CcxriError[],
  { file, kept, hint }: FailureContext,
): CcxriError {
  const sorted = [...failures].sort((a, b) => rank(a.code) - rank(b.code));
  const telling = sorted[0] ?? notThere(file, 'any source');
  const left = [telling.facts.kept, kept].filter((each) => each !== undefined);
  return new CcxriError(telling.code, telling.message, {
    ...telling.facts,
    file: file.name,
    ...(failures.length > 1 ? { reasons: failures.map(toReason) } : {}),
    ...(left.length > 0 ? { kept: left.join('; ') } : {}),
    hint: telling.hint ?? (telling.code === 'file-not-at-source' ? ELSEWHERE : hint),
    cause: telling,
  });
}

function toReason(failure: CcxriError): string {
  return `${failure.facts.source ?? 'source'}: ${failure.message}`;
}

function rank(code: ErrorCode): number {
  const place = TELLING.indexOf(code);
  return place < 0 ? TELLING.length : place;
}
