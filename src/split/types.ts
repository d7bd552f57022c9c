import type { RunOptions } from '../dataset/session.ts';
import type { PartShare } from '../labels/split.ts';
import type { SplitPart } from '../labels/split-balance.ts';

/** Where nothing is said. */
export const DEFAULT_SPLIT_NAME = 'split';

export interface SplitOptions extends RunOptions {
  /** The parts with their shares, which add up to 1 or 100. Default: train 0.8, val 0.1, test 0.1. */
  readonly ratios?: readonly PartShare[] | undefined;
  /** So many parts of one size instead: fold0, fold1, … */
  readonly folds?: number | undefined;
  /** Subsets: every patient with an image there is in the part `holdout`. Default: none. */
  readonly holdout?: readonly string[] | undefined;
  /** Another seed gives another split. Default `0`. */
  readonly seed?: string | undefined;
  /** Split the patients of each rare label by themselves. Patients may move then when images are added. */
  readonly stratify?: boolean | undefined;
  /** Of the files in splits/. Default `split`. */
  readonly name?: string | undefined;
  /** Replace a split of this name in which an image is in another part. */
  readonly force?: boolean | undefined;
  /** Write nothing. */
  readonly dryRun?: boolean | undefined;
}

/** A split by patient. */
export interface SplitResult {
  /** The file that was written (in a dry run: that would be). */
  readonly path: string;
  /** How it was made, as a file beside it. */
  readonly sidecar: string;
  /** The seed. */
  readonly seed: string;
  /** true: the patients of each rare label were split by themselves. */
  readonly stratified: boolean;
  /** Patients who are in another part than without that. */
  readonly moved: number;
  /** Images in all parts. */
  readonly images: number;
  /** Patients in all parts. */
  readonly patients: number;
  /** SHA-256 of the file, in lower-case hexadecimal. */
  readonly sha256: string;
  /** Its parts, and how balanced they are. */
  readonly parts: readonly SplitPart[];
}
