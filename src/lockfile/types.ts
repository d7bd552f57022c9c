import type { RunOptions } from '../dataset/session.ts';
import type { ImageChoice } from '../labels/image-choice.ts';
import type { Manifest, ManifestFile } from '../manifest/manifest.ts';

/** What is written down of a selection, so that another run can tell whether it has the same. */
export interface Lockfile {
  /** Version of the lockfile's form. */
  readonly lockfileVersion: 1;
  /** Version of ccxri that wrote it. Another one is a warning, no drift. */
  readonly ccxriVersion: string;
  /** Version of the form of a dataset directory: folders and the columns of index.csv. */
  readonly layoutVersion: number;
  /** What is fetched. */
  readonly manifest: LockedManifest;
  /** What of it is selected. */
  readonly selection: LockedSelection;
  /** The label files of the selection, by name. */
  readonly labels: readonly LockedLabels[];
  /** The splits of the dataset directory that `ccxri split` has made, by name. */
  readonly splits: readonly LockedSplit[];
}

/** A manifest in a lockfile. */
interface LockedManifest {
  /** Name of the dataset. */
  readonly dataset: string;
  /** Version of the release. */
  readonly version: string;
  /**
   * SHA-256 of what of the manifest decides the content: names, kinds, subsets, sizes and MD5s of all files;
   * not the citation, the homepage or the addresses of files.
   */
  readonly sha256: string;
}

/** A selection in a lockfile. */
interface LockedSelection {
  /** Manifest names, in the order of index.csv, then label files. */
  readonly files: readonly string[];
  /** SHA-256 of their published MD5s, as `md5sum` lists them, in that order. */
  readonly md5ListSha256: string;
  /** Which images of them. Null where all are meant. */
  readonly images: LockedChoice | null;
}

/** A choice of images in a lockfile, as its options say it. */
export interface LockedChoice {
  /** Labels, sorted. */
  readonly labels: readonly string[];
  /** true: an image has all of these. */
  readonly allLabels: boolean;
  /** Labels that no image has, sorted. */
  readonly withoutLabels: readonly string[];
  /** SHA-256 of the list of patients. Null where none was given. */
  readonly patients: string | null;
  /** SHA-256 of the list of images. Null where none was given. */
  readonly images: string | null;
  /** At most so many images. Null where there is no limit. */
  readonly limit: number | null;
  /** At most so many for each label. Null where there is no limit. */
  readonly perLabel: number | null;
  /** So many controls. Null where none were asked for. */
  readonly normals: number | null;
  /** Which images a number picks. */
  readonly seed: string;
}

/** A label file in a lockfile. */
interface LockedLabels {
  /** Manifest name. */
  readonly file: string;
  /** As published. */
  readonly md5: string;
}

/** A split in a lockfile, by the file beside it that says how it was made. */
export interface LockedSplit {
  /** Its name: splits/NAME.csv. */
  readonly name: string;
  /** Its seed. */
  readonly seed: string;
  /** SHA-256 of how it was made: shares or folds, strata, held-out archives, but not which images were here. */
  readonly recipeSha256: string;
  /** Images in it. */
  readonly rows: number;
  /** SHA-256 of splits/NAME.csv. It is compared where as many images are in it. */
  readonly sha256: string;
}

export interface LockfileOptions extends Pick<RunOptions, 'dest' | 'onEvent'> {
  readonly manifest: Manifest;
  /** What is selected, with the label files that come with it. */
  readonly files: readonly ManifestFile[];
  /** Which images of these. Default: all. */
  readonly images?: ImageChoice | undefined;
}

/** What `ccxri lock` wrote. */
export interface LockResult {
  /** The lockfile. */
  readonly path: string;
  /** false: it was there, with the same content. */
  readonly changed: boolean;
  /** What it says. */
  readonly lockfile: Lockfile;
}
