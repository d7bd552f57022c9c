import type { RunOptions } from '../dataset/session.ts';
import type { Remark } from '../labels/remarks.ts';

export interface ReportOptions extends RunOptions {
  /** The file to write. Default: report.html in the dataset directory. */
  readonly output?: string | undefined;
  /** Replace it where it exists. */
  readonly force?: boolean | undefined;
}

/** A report that was written. */
export interface ReportResult {
  /** The dataset directory. */
  readonly dest: string;
  /** The file. */
  readonly path: string;
  /** Its size. */
  readonly bytes: number;
  /** Images that it is about: all that are here, or those of the selection. */
  readonly images: number;
  /** Patients that they are of. */
  readonly patients: number;
  /** Archives whose images are here. */
  readonly archives: number;
  /** Names of the splits that it shows. */
  readonly splits: readonly string[];
  /** Files in splits/ that are none, and were left out. */
  readonly notSplits: readonly string[];
  /** What does not add up between images, labels and index.csv. */
  readonly remarks: readonly Remark[];
  /** Time that it took. */
  readonly elapsedMs: number;
}
