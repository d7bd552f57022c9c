import type { RunOptions } from '../dataset/session.ts';
import type { IndexResult } from '../labels/build-index.ts';
import type { Examples } from '../labels/label-names.ts';
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
  /** Write index.csv, too, with one more column: the part of each image, under the name of the split. */
  readonly addToIndex?: boolean | undefined;
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
  /** index.csv, which has the parts as a column now. Absent where it was not asked for, and in a dry run. */
  readonly index?: IndexResult;
}

export interface CheckSplitOptions extends RunOptions {
  /**
   * Tables with a column of images and one of parts (`split`, `fold`, `part`, `set` or so), or a list of
   * images for each part, which is called as its file.
   */
  readonly files: readonly string[];
}

/** What a split that was made elsewhere is like. Nothing was written. */
export interface SplitCheck {
  /** The files that it was read from. */
  readonly files: readonly string[];
  /** true: a patient is in two parts or more. */
  readonly leaks: boolean;
  /** Images in all parts. */
  readonly images: number;
  /** Patients that they are of. */
  readonly patients: number;
  /** Its parts. */
  readonly parts: readonly CheckedPart[];
  /** Which parts share patients; empty: none do. */
  readonly beside: readonly PartBeside[];
  /** Patients who are in two parts or more. */
  readonly patientsInTwoParts: Examples;
  /** Images that are in two parts or more. */
  readonly imagesInTwoParts: Examples;
  /** Images of the split that are not among those here. They are counted all the same, by the patient in their name. */
  readonly unknown: Examples;
  /** Images that are here, and in no part. */
  readonly inNone: Examples;
}

/** A part of a split that was checked. */
export interface CheckedPart {
  /** Its name. */
  readonly part: string;
  /** Its images. */
  readonly images: number;
  /** Patients that they are of. */
  readonly patients: number;
}

/** The images of a part whose patients are in another part, too. */
export interface PartBeside extends CheckedPart {
  /** The other part. */
  readonly other: string;
  /** `images` of all images of the part. */
  readonly share: number;
}
