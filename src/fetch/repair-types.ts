import type { FileSurvey } from '../dataset/survey.ts';
import type { CcxriError } from '../errors.ts';
import type { RepairEvent } from '../events.ts';
import type { HashedFile } from '../hash/hash-file.ts';

/** A file under its final name that is not the published one. */
export interface DamagedFile {
  readonly survey: FileSurvey;
  /** What was read of it. */
  readonly candidate: HashedFile;
  /** Why it was not accepted. */
  readonly error: CcxriError;
}

/** How a damaged file was put right. */
export interface RepairReport extends Omit<RepairEvent, 'event' | 'file' | 'subsets'> {
  /** Bytes that came from sources for it, those of the directory included. */
  readonly fetchedBytes: number;
}

/** How a damaged file would be put right. */
export interface RepairPlan extends Omit<RepairEvent, 'event' | 'file' | 'subsets'> {
  /** Bytes that would come from sources. Approximate where all of it is downloaded. */
  readonly bytesToFetch: number;
}
