import type { FileOutcome, RunOptions } from '../dataset/run-options.ts';

export interface ExtractOptions extends RunOptions {
  /** Archives worked on at once. Default 4. */
  readonly concurrency?: number;
  /** Say what would be done; nothing is written. */
  readonly dryRun?: boolean;
  /** Wait for another ccxri in the same directory instead of refusing with `locked`. */
  readonly wait?: boolean;
}

/**
 * `extracted` in this run; `present`: all its images were here; `planned`: in a dry run;
 * `missing`: the archive is not here (and its images are not, either); `failed`: see `error`.
 */
export type ExtractStatus = 'extracted' | 'present' | 'planned' | 'missing' | 'failed';

export interface ExtractOutcome extends FileOutcome<ExtractStatus> {
  /** null where nothing was looked into. */
  readonly members: number | null;
}

export interface ExtractResult {
  readonly dest: string;
  readonly dryRun: boolean;
  /** One a selected archive; without a selection one an archive that is here. */
  readonly outcomes: readonly ExtractOutcome[];
  readonly elapsedMs: number;
}
