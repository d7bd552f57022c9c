import type { DatasetLayout } from '../dataset/layout.ts';
import type { Ledger } from '../dataset/ledger.ts';
import type { FileOutcome, RunOptions } from '../dataset/run-options.ts';
import type { EventListener } from '../events.ts';
import type { UnpackPool } from '../zip/unpack-pool.ts';

export interface ExtractOptions extends RunOptions {
  /** Archives worked on at once. Default 4. */
  readonly concurrency?: number | undefined;
  /** Say what would be done; nothing is written. */
  readonly dryRun?: boolean | undefined;
  /** Wait for another ccxri in the same directory instead of refusing with `locked`. */
  readonly wait?: boolean | undefined;
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

export interface ExtractArchiveOptions {
  readonly layout: DatasetLayout;
  readonly ledger: Ledger;
  /** Manifest name. */
  readonly name: string;
  /** MD5 of the archive's bytes, which have passed. */
  readonly md5: string;
  readonly archivePath: string;
  /** Threads that unpack. Absent: all is done in this one. */
  readonly unpackPool?: UnpackPool | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onEvent: EventListener;
  readonly date: () => Date;
}
