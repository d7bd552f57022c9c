import { CcxriError, type CcxriErrorOptions, type ErrorCode, errnoOf } from '../errors.ts';

/**
 * An error as it crosses threads, where an Error would lose its class and its fields.
 */
export type ErrorData =
  | {
      readonly kind: 'ccxri';
      readonly code: ErrorCode;
      readonly message: string;
      readonly details: CcxriErrorOptions;
      readonly cause: ErrorData | undefined;
    }
  | {
      readonly kind: 'other';
      readonly message: string;
      readonly stack: string | undefined;
      /** The errno's name or a library's code, if it has one. */
      readonly code: string | undefined;
      readonly cause: ErrorData | undefined;
    };

export function toErrorData(error: unknown): ErrorData {
  if (!(error instanceof Error)) {
    const nothing = { stack: undefined, code: undefined, cause: undefined };
    return { kind: 'other', message: String(error), ...nothing };
  }
  const { message, stack } = error;
  const cause = error.cause === undefined ? undefined : toErrorData(error.cause);
  if (error instanceof CcxriError) {
    const { code, facts, next } = error;
    return { kind: 'ccxri', code, message, details: { ...facts, next }, cause };
  }
  return { kind: 'other', message, stack, code: errnoOf(error), cause };
}

/** The error as it was in the other thread: a CcxriError with all its fields, or one with its code. */
export function fromErrorData(data: ErrorData): Error {
  const { message } = data;
  const cause = data.cause === undefined ? undefined : fromErrorData(data.cause);
  if (data.kind === 'ccxri') {
    return new CcxriError(data.code, message, { ...data.details, cause });
  }
  const { stack, code } = data;
  const error = new Error(message, cause === undefined ? undefined : { cause });
  if (stack !== undefined) error.stack = stack;
  return code === undefined ? error : Object.assign(error, { code });
}
