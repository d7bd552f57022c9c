import type { RunOptions } from '../dataset/session.ts';
import type { IndexReport } from '../labels/audit.ts';

export interface AuditOptions extends RunOptions {
  /** Decode every image, with sharp, which has to be installed. Default false. */
  readonly decode?: boolean | undefined;
}

/** What does not add up between images, labels and index.csv. Nothing was written. */
export interface AuditResult extends IndexReport {
  /** The dataset directory, as it was given. */
  readonly dest: string;
  /** Images that were opened: those that the ledger does not know, or with `decode` all. */
  readonly imagesOpened: number;
  /** Whether they were decoded. */
  readonly decoded: boolean;
  /** Images in archives that are not extracted: without `decode` none of them was opened. */
  readonly imagesPacked: number;
  /** Time that it took. */
  readonly elapsedMs: number;
}
