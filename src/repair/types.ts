import type { FileOutcome } from '../dataset/session.ts';
import type { FetchOptions } from '../fetch/fetch-types.ts';
import type { RepairPlan, RepairReport } from '../fetch/repair-types.ts';

/** As those of a fetch, without what is done once a file is right. */
export type RepairOptions = Omit<
  FetchOptions,
  | 'extract'
  | 'join'
  | 'deleteArchives'
  | 'lowDisk'
  | 'keepGood'
  | 'repair'
  | 'confirmLowDisk'
  | 'onOutcome'
>;

/**
 * `repaired`: it was damaged, and is right now; `checked`: it was read, and is right; `skipped`: it was not
 * read, since it is as it was when it passed; `planned`: in a dry run, to be repaired; `failed`: see `error`;
 * `stopped`: the run ended before it was done.
 */
export type RepairDid = 'repaired' | 'checked' | 'skipped' | 'planned' | 'failed' | 'stopped';

/** What a repair has done with one file. */
export interface RepairOutcome extends FileOutcome {
  readonly did: RepairDid;
  /** How it was put right. Absent unless it was. */
  readonly repair?: RepairReport | undefined;
  /** How it would be put right. Absent unless it was damaged, and the run is a dry run. */
  readonly plan?: RepairPlan | undefined;
}

/** What a repair has done. */
export interface RepairResult {
  /** The dataset directory, as it was given. */
  readonly dest: string;
  /** Was it a dry run? */
  readonly dryRun: boolean;
  /** One for each selected file; without a selection one for each file that is here. */
  readonly outcomes: readonly RepairOutcome[];
  /** Bytes received from sources in this run. */
  readonly bytesDownloaded: number;
  /** Time that the run took. */
  readonly elapsedMs: number;
}
