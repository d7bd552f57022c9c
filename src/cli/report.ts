import { CcxriError, isCcxriError, toErrorRecord, type ErrorRecord } from '../errors.ts';
import { toAbortError } from '../abort.ts';
import { toPrintableJson } from '../text.ts';
import type { CommandOutcome } from './command.ts';
import { exitCodeOf, worstOf, type ExitCode } from './exit-codes.ts';
import type { HintOf } from './next-steps.ts';
import type { CommandName } from './options.ts';

/** What `--json` prints, and `--ndjson` as its last line: one form, whatever came of the run. */
export interface RunDocument {
  /** null where the command line could not be read so far. */
  readonly command: CommandName | null;
  readonly ok: boolean;
  readonly exitCode: ExitCode;
  readonly counts: Readonly<Record<string, number>>;
  readonly result: unknown;
  readonly errors: readonly (ErrorRecord | BugRecord)[];
}

interface BugRecord {
  readonly code: 'bug';
  readonly message: string;
}

/** How a run ended: with an outcome, or thrown out of it. */
export type Ending =
  | { readonly kind: 'outcome'; readonly outcome: CommandOutcome }
  | { readonly kind: 'thrown'; readonly error: unknown };

export function documentOf(
  command: CommandName | null,
  ending: Ending,
  { stop, hintOf }: { readonly stop: AbortSignal; readonly hintOf: HintOf },
): RunDocument {
  const errors = ending.kind === 'outcome' ? ending.outcome.errors : [ending.error];
  const exitCode = worstOf(errors.map((error) => exitCodeOf(error, stop.reason)));
  return {
    command,
    ok: exitCode === 0,
    exitCode,
    counts: ending.kind === 'outcome' ? ending.outcome.counts : {},
    result: ending.kind === 'outcome' ? ending.outcome.result : null,
    errors: errors.map((error) => toRecord(error, hintOf)),
  };
}

/**
 * After a stop, what interrupted calls throw (an AbortError, the signal's reason) is the stop; a
 * bug that shows at the same time stays a bug.
 */
export function asThrown(error: unknown, stop: AbortSignal): unknown {
  if (!stop.aborted || isCcxriError(error)) return error;
  const isAbort = error instanceof Error && error.name === 'AbortError';
  return isAbort || error === stop.reason ? toAbortError(stop) : error;
}

/** JSON with ccxri's errors as records. `indent` 0: on one line. */
export function toJson(value: unknown, indent: number): string {
  const json = JSON.stringify(
    value,
    (_key, item: unknown) => (item instanceof CcxriError ? toErrorRecord(item) : item),
    indent,
  );
  return toPrintableJson(json);
}

function toRecord(error: unknown, hintOf: HintOf): ErrorRecord | BugRecord {
  if (error instanceof CcxriError) return { ...toErrorRecord(error), hint: hintOf(error) };
  return { code: 'bug', message: error instanceof Error ? error.message : String(error) };
}
