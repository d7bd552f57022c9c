import type { Session } from '../dataset/session.ts';
import { CcxriError, isCcxriError } from '../errors.ts';
import type { LeftBehind } from './left.ts';
import type { TakePool } from './take-pool.ts';
import type { LinkMode } from './types.ts';

/** What all steps of an adoption share. */
export interface AdoptRun {
  readonly session: Session;
  readonly link: LinkMode;
  readonly dryRun: boolean;
  readonly left: LeftBehind;
  readonly takePool: TakePool;
}

/**
 * What an error means for one file or archive of the run.
 * @throws CcxriError `aborted`; bugs
 */
export function failureOf(thrown: unknown, file: string, { session }: AdoptRun): CcxriError {
  const error = session.failureOf(thrown);
  if (error !== undefined) return error;
  // The run has ended for what another file met, as a full disk.
  const reason: unknown = session.signal.reason;
  if (!isCcxriError(reason)) return new CcxriError('aborted', `${file} was not started`, { file });
  return new CcxriError(reason.code, `${file} was not adopted: ${reason.message}`, {
    ...reason.facts,
    file,
    next: reason.next,
    cause: reason,
  });
}
