import { CcxriError, errnoOf, toErrorRecord, type ErrorRecord } from '../errors.ts';

/**
 * An error as it crosses from one thread to another, where it would lose its class, and all that
 * ours have beside their text.
 */
export type ErrorData =
  | {
      readonly kind: 'ccxri';
      readonly record: ErrorRecord;
      readonly cause: ErrorData | undefined;
    }
  | {
      readonly kind: 'other';
      readonly message: string;
      readonly stack: string | undefined;
      /** The errno's name or a library's code, where it has one. */
      readonly code: string | undefined;
      readonly cause: ErrorData | undefined;
    };

export function toErrorData(error: unknown): ErrorData {
  if (!(error instanceof Error)) {
    return { kind: 'other', message: String(error), ...NOTHING_ELSE };
  }
  const cause = error.cause === undefined ? undefined : toErrorData(error.cause);
  if (error instanceof CcxriError) return { kind: 'ccxri', record: toErrorRecord(error), cause };
  const { message, stack } = error;
  return { kind: 'other', message, stack, code: errnoOf(error), cause };
}

const NOTHING_ELSE = { stack: undefined, code: undefined, cause: undefined };

/** The error as it was in the other thread: a CcxriError with all its facts, or one with its code. */
export function fromErrorData(data: ErrorData): Error {
  const cause = data.cause === undefined ? undefined : fromErrorData(data.cause);
  if (data.kind === 'ccxri') {
    const { code, message, ...facts } = data.record;
    return new CcxriError(code, message, { ...facts, cause });
  }
  const { message, stack, code } = data;
  const error = new Error(message, cause === undefined ? undefined : { cause });
  if (stack !== undefined) error.stack = stack;
  return code === undefined ? error : Object.assign(error, { code });
}
