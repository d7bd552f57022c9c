import { CcxriError, type ErrorCode, type NextStep, isCcxriError, withDetails } from '../errors.ts';
import { CHECK_NETWORK } from '../http/errors.ts';
import { stepOfWait } from '../http/retry.ts';
import type { ManifestFile } from '../manifest/manifest.ts';
import { type Source, lackOf } from '../sources/source.ts';
import { formatBytes } from '../text.ts';

/** The whole file was received, and is not the published one. */
export const WRONG_BYTES: readonly ErrorCode[] = [
  'md5-mismatch',
  'size-mismatch',
  'damaged-archive',
  'unsafe-archive',
];

/** What another source can't fix: a stop, the disk, wrong usage. */
export const NOT_OF_A_SOURCE: ReadonlySet<ErrorCode> = new Set([
  'aborted',
  'disk-full',
  'disk-space',
  'disk-io',
  'no-inodes',
  'process-limit',
  'not-writable',
  'occupied',
  'changed',
  'missing',
  'part-deleted',
  'usage',
  'manifest-invalid',
] as const);

/** A failure of this source, with its name. @throws any other error */
export function toFailure(error: unknown, source: string): CcxriError {
  if (!isCcxriError(error) || NOT_OF_A_SOURCE.has(error.code)) throw error;
  return withDetails(error, { source: error.facts.source ?? source });
}

/** The source itself can't be used: a page that can't be read, a directory that does not exist. */
export function ofWholeSource(error: CcxriError): CcxriError {
  return withDetails(error, { wholeSource: true, cause: error.cause });
}

const LINKS: NextStep = { kind: 'run', command: 'links', purpose: 'to see what was tried' };
/** Asking the same sources again would not help. */
const ELSEWHERE: readonly NextStep[] = [
  { kind: 'option', option: 'source', purpose: 'to look elsewhere' },
  LINKS,
];
const LATER: readonly NextStep[] = [
  { kind: 'again', purpose: 'later', or: { kind: 'option', option: 'source' } },
];

export function notThere(file: ManifestFile, source: Pick<Source, 'kind' | 'name'>): CcxriError {
  const code = source.kind === 'page' ? 'no-link' : 'file-not-at-source';
  return new CcxriError(code, lackOf(source, file.name), {
    file: file.name,
    source: source.name,
    next: ELSEWHERE,
  });
}

/** The most specific first: what a source served says more than what it did not. */
const BY_PRIORITY: readonly ErrorCode[] = [
  'unsafe-archive',
  'md5-mismatch',
  'size-mismatch',
  'damaged-archive',
  'ranges-refused',
  'not-the-file',
  'stalled',
  'network',
  'http-status',
  'no-link',
  'other-release',
  'source-unusable',
  'file-not-at-source',
];

/**
 * The most specific failure, with the others as reasons.
 * @param keptBytes of a partial download
 */
export function summarizeFailures(
  failures: readonly CcxriError[],
  file: ManifestFile,
  keptBytes: number,
): CcxriError {
  const sorted = [...failures].sort((a, b) => rank(a.code) - rank(b.code));
  const main = sorted[0] ?? notThere(file, { kind: 'directory', name: 'any source' });
  const kept = keptBytes > 0 ? `${formatBytes(keptBytes)} of it, to resume from` : undefined;
  const own = main.next.filter((step) => step !== CHECK_NETWORK);
  const wait = stepOfWait(main.facts.retryAfterS);
  const later = wait === undefined ? LATER : [wait];
  const next = own.length > 0 ? own : main.code === 'file-not-at-source' ? ELSEWHERE : later;
  const isOffline = own.length < main.next.length && failures.every(({ facts }) => !facts.status);
  const left = [main.facts.kept, kept].filter((each) => each !== undefined);
  return new CcxriError(main.code, main.message, {
    ...main.facts,
    file: file.name,
    ...(failures.length > 1 ? { reasons: failures.map(toReason) } : {}),
    ...(left.length > 0 ? { kept: left.join('; ') } : {}),
    ...(keptBytes > 0 ? { keptBytes } : {}),
    next: isOffline ? [CHECK_NETWORK, ...next] : next,
    cause: main,
  });
}

function toReason(failure: CcxriError): string {
  return `${failure.facts.source ?? 'source'}: ${failure.message}`;
}

function rank(code: ErrorCode): number {
  const index = BY_PRIORITY.indexOf(code);
  return index < 0 ? BY_PRIORITY.length : index;
}
