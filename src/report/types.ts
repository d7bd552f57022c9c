import type { RunOptions } from '../dataset/session.ts';
import type { Remark } from '../labels/remarks.ts';

export interface ReportOptions extends RunOptions {
  /** The file to write. Default: report.html in the dataset directory. */
  readonly output?: string | undefined;
  /** Replace it where it exists. */
  readonly force?: boolean | undefined;
  /** Images of each finding on its contact sheet. 0: it has none. Default 12. */
  readonly thumbnails?: number | undefined;
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
  /** Images on the contact sheet. */
  readonly sheetImages: number;
  /** Whether it holds them itself, as thumbnails. false: sharp is not installed, and they are shown from where they lie. */
  readonly hasThumbnails: boolean;
  /** Images that were picked and could not be read or decoded. */
  readonly unreadable: readonly {
    /** Path of the image in index.csv. */
    readonly path: string;
    /** Why. */
    readonly why: string;
  }[];
  /** Time that it took. */
  readonly elapsedMs: number;
}
