import {
  CcxriError,
  isCcxriError,
  toErrorRecord,
  toLimitError,
  type ErrorRecord,
} from '../errors.ts';
import { toAbortError } from '../abort.ts';
import { toPrintableJson } from '../text.ts';
import type { Clock } from '../clock.ts';
import type { CommandOutcome } from './command.ts';
import { exitCodeOf, worstOf } from './exit-codes.ts';
import {
  type BugRecord,
  FORMAT_VERSION,
  type NdjsonEvent,
  type RunDocument,
} from './json-documents.ts';
import type { HintOf } from './next-steps.ts';
import type { CommandName } from './options.ts';
import { readVersion } from '../fs/package-version.ts';

/** How a run ended: with an outcome, or thrown out of it. */
export type Ending =
  | { readonly kind: 'outcome'; readonly outcome: CommandOutcome }
  | { readonly kind: 'thrown'; readonly error: unknown };

interface DocumentContext {
  readonly stop: AbortSignal;
  readonly hintOf: HintOf;
  readonly clock: Clock;
}

/** What each document and each event begins with. */
function stampOf(clock: Clock) {
  const time = clock.date().toISOString();
  return { formatVersion: FORMAT_VERSION, ccxriVersion: CCXRI_VERSION, time } as const;
}

const CCXRI_VERSION = readVersion();

export function documentOf(
  command: CommandName | null,
  ending: Ending,
  { stop, hintOf, clock }: DocumentContext,
): RunDocument {
  const errors = ending.kind === 'outcome' ? ending.outcome.errors : [ending.error];
  const exitCode = worstOf(errors.map((error) => exitCodeOf(error, stop.reason)));
  return {
    ...stampOf(clock),
    command,
    ok: exitCode === 0,
    exitCode,
    counts: ending.kind === 'outcome' ? ending.outcome.counts : {},
    result: ending.kind === 'outcome' ? ending.outcome.result : null,
    errors: errors.map((error) => toRecord(error, hintOf)),
  };
}

/**
 * A limit of the process can be met anywhere, and is no bug. After a stop, what interrupted calls throw (an AbortError, the signal's reason) is the stop; a
 * bug that shows at the same time stays a bug.
 */
export function asThrown(error: unknown, stop: AbortSignal): unknown {
  if (!stop.aborted || isCcxriError(error)) return toLimitError(error);
  const isAbort = error instanceof Error && error.name === 'AbortError';
  return isAbort || error === stop.reason ? toAbortError(stop) : toLimitError(error);
}

/** A line of `--ndjson`. Every event passes here, so that each has its versions and its time. */
export function toNdjsonLine(event: NdjsonEvent, hintOf: HintOf, clock: Clock): string {
  return `${toJson({ ...stampOf(clock), ...event }, 0, hintOf)}\n`;
}

const noHint: HintOf = () => undefined;

/** JSON with ccxri's errors as records. `indent` 0: on one line. */
export function toJson(value: unknown, indent: number, hintOf: HintOf = noHint): string {
  const json = JSON.stringify(
    value,
    (_key, item: unknown) => (item instanceof CcxriError ? withHint(item, hintOf) : item),
    indent,
  );
  return toPrintableJson(json);
}

function toRecord(error: unknown, hintOf: HintOf): ErrorRecord | BugRecord {
  if (error instanceof CcxriError) return withHint(error, hintOf);
  return { code: 'bug', message: error instanceof Error ? error.message : String(error) };
}

function withHint(error: CcxriError, hintOf: HintOf): ErrorRecord {
  const { code, message, ...more } = toErrorRecord(error);
  return { code, message, hint: hintOf(error), ...more };
}
