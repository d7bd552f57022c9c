import { constants } from 'node:os';

/**
 * The closed vocabulary of what can go wrong. Callers branch on `code`, never on text;
 * the command line maps each code to an exit code in one table (src/cli/exit-codes.ts).
 */
export const ERROR_CODES = [
  // What was asked, or what was given to work with, is wrong.
  'usage',
  'manifest-invalid',
  'unknown-subset',
  'unknown-file',
  'nothing-selected',
  'source-unusable',
  // Bytes are not what they should be.
  'md5-mismatch',
  'size-mismatch',
  'damaged-archive',
  'labels-invalid',
  'occupied',
  'unsafe-archive',
  'not-the-file',
  // The way to the bytes is broken.
  'network',
  'http-status',
  'stalled',
  'file-not-at-source',
  // The disk.
  'missing',
  'disk-space',
  'disk-full',
  'not-writable',
  'disk-io',
  // The run.
  'findings',
  'locked',
  'aborted',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** What an error is about, as fields: the texts are made of them, and JSON output carries them. */
export interface ErrorFacts {
  /** Manifest name of the file concerned. */
  readonly file?: string | undefined;
  readonly path?: string | undefined;
  /** Without userinfo and query: safe to print. */
  readonly url?: string | undefined;
  readonly source?: string | undefined;
  /** The source itself can't be used: what is said of one file holds for all that it should give. */
  readonly wholeSource?: boolean | undefined;
  /** The file is good, as it passed: for another manifest than this run's. */
  readonly otherManifest?: boolean | undefined;
  /** Line of a text file, counted from 1. */
  readonly line?: number | undefined;
  readonly expected?: string | undefined;
  readonly found?: string | undefined;
  /** HTTP status. */
  readonly status?: number | undefined;
  readonly attempts?: number | undefined;
  /** Trying again cannot help (a certificate nobody trusts, a redirect in a circle). */
  readonly permanent?: boolean | undefined;
  /** Seconds the server asked to wait. */
  readonly retryAfterS?: number | undefined;
  /** What was left on disk, in words. */
  readonly kept?: string | undefined;
  /** Reasons, one a line, where there are several (an archive's unsafe members). */
  readonly reasons?: readonly string[] | undefined;
  /** A code for each of the reasons, where they have codes (those of unsafe archives). */
  readonly reasonCodes?: readonly string[] | undefined;
}

/** Commands of the program that an error may point to. */
type NextCommand =
  | 'demo'
  | 'extract'
  | 'fetch'
  | 'help'
  | 'join'
  | 'links'
  | 'list'
  | 'manifest'
  | 'status'
  | 'verify';

/** Options of the program that an error may point to, without the dashes. */
export type NextOption =
  | 'delete-archives'
  | 'dest'
  | 'dry-run'
  | 'file'
  | 'header'
  | 'manifest'
  | 'output'
  | 'source'
  | 'subset'
  | 'timeout'
  | 'wait'
  | 'yes';

/**
 * One thing that a user can do about an error, as data. The library never writes a command line:
 * src/cli/next-steps.ts makes sentences and commands out of these.
 */
export type NextStep = NextAct & {
  /** What can be done instead of it. */
  readonly or?: NextStep | undefined;
};

type NextAct =
  /** Something outside ccxri, as a clause: `free 2 GB on the disk`. The library names no command and no option in it. */
  | { readonly kind: 'advice'; readonly text: string }
  /** Run the command that failed once more; `afterMs`: not before. */
  | { readonly kind: 'again'; readonly afterMs?: number | undefined; readonly purpose?: string }
  /** Give the command that failed (another value of) this option. */
  | {
      readonly kind: 'option';
      readonly option: NextOption;
      /** Absent: the user has to choose one. */
      readonly value?: string | undefined;
      /** What for, as a clause: `to give it more time`. */
      readonly purpose?: string | undefined;
    }
  /** Run this command. Subsets and files absent or empty: without a selection. */
  | {
      readonly kind: 'run';
      readonly command: NextCommand;
      /** Its positional argument: a directory, a topic of the help. */
      readonly argument?: string | undefined;
      readonly subsets?: readonly string[] | undefined;
      readonly files?: readonly string[] | undefined;
      readonly options?: Partial<Record<NextOption, string | true>> | undefined;
      /** What for, as a clause: `to get what is missing`. */
      readonly purpose?: string | undefined;
    };

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
  const errno = 'errno' in error ? error.errno : undefined;
  return (
    Object.entries(constants.errno).find(([, number]) => number === -Number(errno))?.[0] ?? code
  );
}

/** What is said of one file holds for others as well: then once is enough. */
export function isOfManyFiles({ wholeSource, otherManifest }: ErrorFacts): boolean {
  return wholeSource === true || otherManifest === true;
}

/** An error as plain data, for JSON output. Never holds a stack. */
export interface ErrorRecord extends ErrorFacts {
  readonly code: ErrorCode;
  readonly message: string;
  /** What the user can do, as a sentence: the command line renders it from `next`. */
  readonly hint?: string | undefined;
  /** The same as data. */
  readonly next?: readonly NextStep[] | undefined;
}

export function toErrorRecord(error: CcxriError): ErrorRecord {
  return {
    code: error.code,
    message: error.message,
    ...(error.next.length === 0 ? {} : { next: error.next }),
    ...error.facts,
  };
}

const DISK_CODES: Readonly<Record<string, ErrorCode>> = {
  ENOSPC: 'disk-full',
  EDQUOT: 'disk-full',
  EFBIG: 'disk-full',
  EACCES: 'not-writable',
  EPERM: 'not-writable',
  EROFS: 'not-writable',
  ENOTDIR: 'not-writable',
  EIO: 'disk-io',
  EMFILE: 'disk-io',
  ENFILE: 'disk-io',
  ENAMETOOLONG: 'disk-io',
  // Renamed in one directory: only a layered file system says so.
  EXDEV: 'disk-io',
  // A network share or a disk that went away, or is broken.
  ENODEV: 'disk-io',
  ENOTCONN: 'disk-io',
  ENXIO: 'disk-io',
  EREMOTEIO: 'disk-io',
  ESTALE: 'disk-io',
};

/**
 * A failed disk operation in ccxri's words; anything that is not a known disk failure is given back
 * as it came, so that a bug stays a bug.
 */
export function toDiskError(error: unknown, doing: string, facts: ErrorFacts): unknown {
  const errno = errnoOf(error);
  const isNameless = NAMELESS.test(errno ?? '');
  const code = isNameless ? 'disk-io' : DISK_CODES[errno ?? ''];
  if (error instanceof CcxriError || code === undefined) return error;
  const where = facts.path === undefined ? '' : ` ${facts.path}`;
  return new CcxriError(code, `could not ${doing}${where} (${String(errno)})`, {
    ...facts,
    next: DISK_NEXT[code] ?? [{ kind: 'advice', text: 'check the disk' }, { kind: 'again' }],
    cause: error,
  });
}

const DISK_NEXT: Partial<Record<ErrorCode, readonly NextStep[]>> = {
  'disk-full': [
    { kind: 'advice', text: 'free some space', or: { kind: 'option', option: 'dest' } },
    { kind: 'again' },
  ],
  'not-writable': [{ kind: 'option', option: 'dest', purpose: 'that you may write' }],
};
