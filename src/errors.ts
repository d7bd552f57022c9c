import { constants } from 'node:os';
import { DISK_CODES, hasNoInodes, limitOf } from './errnos.ts';
import type { NextStep } from './next-step.ts';

export type { NextAct, NextCommand, NextOption, NextStep } from './next-step.ts';

/**
 * The closed vocabulary of what can go wrong. Callers branch on `code`, never on text;
 * the command line maps each code to an exit code in one table (src/cli/exit-codes.ts).
 */
export const ERROR_CODES = [
  // What was asked, or what was given to work with, is wrong.
  /** The command line, an option or an argument is wrong. */
  'usage',
  /** The manifest can't be read, or breaks a rule of its form. */
  'manifest-invalid',
  /** The manifest has no such subset. */
  'unknown-subset',
  /** The manifest has no such file. */
  'unknown-file',
  /** No label is called so. */
  'unknown-label',
  /** No image is as the options say. */
  'nothing-chosen',
  /** The command needs a selection. */
  'nothing-selected',
  /** The plan is to download more than `maxBytes` allows. */
  'too-many-bytes',
  /** The lockfile can't be read, is none, or is of another version of its form. */
  'lockfile-invalid',
  /** What is to be fetched is not what the lockfile says. */
  'lockfile-drift',
  /** A source is not one: no directory, no page, no URL that can be used. */
  'source-unusable',
  // Bytes are not what they should be.
  /** The MD5 is not the published one. */
  'md5-mismatch',
  /** The size is not the published one. */
  'size-mismatch',
  /** A zip, or what was extracted from it, is damaged, or packed in a way that can't be read. */
  'damaged-archive',
  /** A label file is not of the form that it should have. */
  'labels-invalid',
  /** Something that ccxri did not put there, or can't use, is where a file or directory belongs. */
  'occupied',
  /** A file is right by another manifest than the run's: that of the ledger, or the one that is kept. */
  'other-manifest',
  /** A file changed while it was read, or since it was verified. */
  'changed',
  /** A zip breaks a rule of safety; nothing of it was extracted. */
  'unsafe-archive',
  /** The source serves something else: a web page, another size. */
  'not-the-file',
  /** A page, live or saved, has no link to the file, or is not the page with the links. */
  'no-link',
  /** A page has the files of another release: its MD5s are others than the manifest's. */
  'other-release',
  // The way to the bytes is broken.
  /** No connection, or a broken one. */
  'network',
  /** The server answered with an error. */
  'http-status',
  /** A connection delivered nothing, or too little, for too long. */
  'stalled',
  /** The server does not serve parts of files. */
  'ranges-refused',
  /** No source has the file. */
  'file-not-at-source',
  /** A partial download was deleted while it was being written. */
  'part-deleted',
  // The disk.
  /** A file or directory that should be here is not. */
  'missing',
  /** The disk is too small for what is planned. */
  'disk-space',
  /** The disk, or a quota, is full. */
  'disk-full',
  /** The disk takes no more files, though it may have space: no inode is free. */
  'no-inodes',
  /** The disk does not allow to write there. */
  'not-writable',
  /** The disk does not work, or went away. */
  'disk-io',
  // The run.
  /** The system allows the process no more open files, threads or memory. */
  'process-limit',
  /** Under --strict: what is else a warning. */
  'remarks',
  /** Another ccxri is at work in this dataset directory. */
  'locked',
  /** The run was stopped from outside: 130 by SIGINT, 143 by SIGTERM, 129 by SIGHUP. */
  'aborted',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/**
 * What an error is about, as fields: the texts are made of them, and JSON output carries them. Absent
 * where it does not apply to the error.
 */
export interface ErrorFacts {
  /** Manifest name of the file concerned. */
  readonly file?: string | undefined;
  /** File or directory concerned. */
  readonly path?: string | undefined;
  /** URL concerned, without userinfo and query: safe to print. */
  readonly url?: string | undefined;
  /** The proxy that was in use, without user and password. Absent where there was none. */
  readonly proxy?: string | undefined;
  /** Source concerned, safe to print. */
  readonly source?: string | undefined;
  /** true: the source itself can't be used, so the error holds for all files that it should have. */
  readonly wholeSource?: boolean | undefined;
  /** true: the file is right, but by another manifest than this run's. */
  readonly otherManifest?: boolean | undefined;
  /** What is wrong with the member of an archive that the error is about, in words. */
  readonly memberFault?: string | undefined;
  /** Line of a text file, counted from 1. */
  readonly line?: number | undefined;
  /** What should be there, in words. */
  readonly expected?: string | undefined;
  /** What is there instead, in words. */
  readonly found?: string | undefined;
  /** HTTP status of the server's response. */
  readonly status?: number | undefined;
  /** Attempts that were made. */
  readonly attempts?: number | undefined;
  /** true: trying again cannot help (a certificate nobody trusts, a redirect in a circle). */
  readonly permanent?: boolean | undefined;
  /** Seconds the server asked to wait. */
  readonly retryAfterS?: number | undefined;
  /** What is kept on disk, in words. */
  readonly kept?: string | undefined;
  /** Bytes of a partial download that are kept, to resume from. */
  readonly keptBytes?: number | undefined;
  /** Several reasons, each in words (the unsafe members of an archive). */
  readonly reasons?: readonly string[] | undefined;
  /** A code for each of `reasons`. Absent but for unsafe archives, and those of an unread packing. */
  readonly reasonCodes?: readonly string[] | undefined;
}

export interface CcxriErrorOptions extends ErrorFacts {
  /** What the user can do, one after the other; see `NextStep`. */
  readonly next?: readonly NextStep[] | undefined;
  readonly cause?: unknown;
}

/** The one error class of ccxri. Anything else that is thrown is a bug. */
export class CcxriError extends Error {
  override readonly name = 'CcxriError';
  readonly code: ErrorCode;
  readonly facts: ErrorFacts;
  /** What the user can do, one after the other; empty: nothing is known that would help. */
  readonly next: readonly NextStep[];

  constructor(code: ErrorCode, message: string, options: CcxriErrorOptions = {}) {
    const { next, cause, ...facts } = options;
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.facts = facts;
    this.next = next ?? [];
  }
}

/**
 * The same error with more details: another message, more facts, other next steps. What is not given
 * is kept; the error itself becomes the cause, unless another one is given.
 */
export function withDetails(
  error: CcxriError,
  { message = error.message, ...more }: CcxriErrorOptions & { readonly message?: string },
): CcxriError {
  return new CcxriError(error.code, message, {
    ...error.facts,
    next: error.next,
    cause: error,
    ...more,
  });
}

export function isCcxriError(error: unknown, ...codes: readonly ErrorCode[]): error is CcxriError {
  return error instanceof CcxriError && (codes.length === 0 || codes.includes(error.code));
}

/** The code of an error that libuv has no name for: of an asynchronous call, and of one that is not. */
const NAMELESS = /^(?:Unknown system error|UNKNOWN$)/;

/** The errno name (`ENOSPC`, `ECONNRESET`, …) or library code of an error, if it has one. */
export function errnoOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  const { code } = error;
  if (typeof code !== 'string' || !NAMELESS.test(code)) {
    return typeof code === 'string' ? code : undefined;
  }
  // EDQUOT (a full quota) and ESTALE (a network share that was taken away) are among them.
  const errno = -Number('errno' in error ? error.errno : undefined);
  return Object.entries(constants.errno).find(([, number]) => number === errno)?.[0] ?? code;
}

/** What is said of one file holds for others as well: then once is enough. */
export function isOfManyFiles({ wholeSource, otherManifest }: ErrorFacts): boolean {
  return wholeSource === true || otherManifest === true;
}

/** An error as plain data, for JSON output. Never holds a stack. */
export interface ErrorRecord extends Omit<ErrorFacts, 'status'> {
  readonly code: ErrorCode;
  /** What happened, in a sentence for people: its wording may change. */
  readonly message: string;
  /**
   * What the user can do, as a sentence that the command line renders from `next`. Absent where
   * nothing is known that would help.
   */
  readonly hint?: string | undefined;
  /** The same as data, one after the other. Absent where nothing is known that would help. */
  readonly next?: readonly NextStep[] | undefined;
  /** HTTP status of the server's response. Absent where it does not apply. */
  readonly httpStatus?: number | undefined;
}

export function toErrorRecord(error: CcxriError): ErrorRecord {
  const { status, ...facts } = error.facts;
  return {
    code: error.code,
    message: error.message,
    ...(error.next.length === 0 ? {} : { next: error.next }),
    ...facts,
    ...(status !== undefined && { httpStatus: status }),
  };
}

/**
 * A failed disk operation in ccxri's words; anything that is not a known disk failure is given back
 * as it came, so that a bug stays a bug.
 */
export function toDiskError(error: unknown, doing: string, facts: ErrorFacts): unknown {
  if (error instanceof CcxriError) return error;
  const errno = errnoOf(error);
  const what = `could not ${doing}${facts.path === undefined ? '' : ` ${facts.path}`}`;
  if (limitOf(errno) !== undefined) return toLimitError(error, `${what}: `, facts);
  const known = NAMELESS.test(errno ?? '') ? 'disk-io' : DISK_CODES[errno ?? ''];
  if (known === undefined) return error;
  const isFull = errno !== 'ENOSPC' || facts.path === undefined || !hasNoInodes(facts.path);
  const code = isFull ? known : 'no-inodes';
  return new CcxriError(code, `${what} (${String(errno)}${isFull ? '' : ': no inode is free'})`, {
    ...facts,
    next: (errno === 'EBUSY' ? IN_USE : DISK_NEXT[code]) ?? [
      { kind: 'advice', text: 'check the disk' },
      { kind: 'again' },
    ],
    cause: error,
  });
}

/**
 * A limit of the process, met by whatever it did, or by what caused that; any other error is given back
 * as it came.
 */
export function toLimitError(error: unknown, doing = '', facts: ErrorFacts = {}): unknown {
  if (!(error instanceof Error) || error instanceof CcxriError) return error;
  const code = limitOf(errnoOf(error)) === undefined ? errnoOf(error.cause) : errnoOf(error);
  const limit = limitOf(code);
  if (limit === undefined) return error;
  return new CcxriError('process-limit', `${doing}${limit.said} (${String(code)})`, {
    ...facts,
    next: [{ kind: 'advice', text: limit.advice }, { kind: 'again' }],
    cause: error,
  });
}

const ELSEWHERE = { kind: 'option', option: 'dest' } as const;

const IN_USE: readonly NextStep[] = [
  { kind: 'advice', text: 'close the program that uses it' },
  { kind: 'again' },
];

const DISK_NEXT: Partial<Record<ErrorCode, readonly NextStep[]>> = {
  'disk-full': [{ kind: 'advice', text: 'free some space', or: ELSEWHERE }, { kind: 'again' }],
  'no-inodes': [
    { kind: 'advice', text: 'delete files there: only their number counts', or: ELSEWHERE },
    { kind: 'again' },
  ],
  'not-writable': [{ ...ELSEWHERE, purpose: 'that you may write' }],
};
