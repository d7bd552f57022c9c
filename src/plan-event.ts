/**
 * `download`; `hash`: bytes that were there already; `extract`; `check`: members or extracted images
 * against their CRC-32; `export`: images on their way into an export.
 */
export type Phase = 'download' | 'hash' | 'extract' | 'check' | 'export';

/** One phase that a file still has to go through. */
export interface PlannedWork {
  /** Manifest name. */
  readonly file: string;
  /** Subsets that it belongs to. */
  readonly subsets: readonly string[];
  readonly phase: Phase;
  /** To be downloaded, hashed, extracted, checked or exported. Approximate. */
  readonly bytes: number;
}

/** What the selected files take at the worst moment of a run with `--low-disk`, images and archives in one. */
export interface PeakPlan {
  /** Of what is here already and what comes. */
  readonly bytes: number;
  /** true: approximate, for the images of some archives are not known yet, or published sizes are rounded. */
  readonly about: boolean;
  /**
   * All images. Those of archives that no member index is kept of are estimated by the size of the archive, and those
   * that are to be resized by their pixels.
   */
  readonly bytesOfImages: number;
  /** The two largest archives that have to be downloaded from their first byte: no more are here at once. */
  readonly bytesOfArchives: number;
  /** What their images take more before they are resized. Absent where none are. */
  readonly bytesBeforeResize?: number | undefined;
}

/** What a choice of images comes to. */
export interface PlannedImages {
  /** Images of the choice, controls among them. */
  readonly images: number;
  /** Images without a finding, which are there for comparison (`--normals`). */
  readonly controls: number;
  /** Of `images`, those that are here already. */
  readonly imagesHere: number;
  /** Patients that the images are of. */
  readonly patients: number;
  /** Archives that the images are in. */
  readonly archives: number;
  /** Requests for images that are fetched without their archive; those for the archives' directories are made before. */
  readonly requests: number;
  /** What comes with these requests. */
  readonly bytes: number;
  /** Archives that are downloaded whole, since more than half of each is wanted, or parts of it are not to be had. */
  readonly wholeArchives: number;
  /** Sizes of all these archives that are not here: what they would cost without the choice. */
  readonly bytesOfWholeArchives: number;
  /** true: `bytesOfWholeArchives` is approximate, for some published sizes are rounded. */
  readonly about: boolean;
  /** By each label that one of the images has. An image of two labels counts for both. */
  readonly labels: readonly PlannedLabel[];
}

/** What the images with one label come to. */
export interface PlannedLabel {
  /** As index.csv names it. */
  readonly label: string;
  /** Images of the choice that have it, controls not counted. */
  readonly images: number;
  /** What has to come for them; 0 where all are here, or their archives are downloaded whole. */
  readonly bytes: number;
}

/** Emitted once, before the first byte; of a fetch of chosen images after its label files have come. */
export interface PlanEvent {
  readonly event: 'plan';
  /** Selected files. */
  readonly files: number;
  /** Files that have to be downloaded, wholly or in part. */
  readonly toDownload: number;
  /** Archives that are here and checked, and have to be extracted. */
  readonly toExtract: number;
  /** Files for which nothing has to be done. */
  readonly alreadyDone: number;
  /** To be downloaded; bytes of partial downloads are not counted. */
  readonly bytesToDownload: number;
  /** true: `bytesToDownload` is approximate, for some published sizes are rounded. */
  readonly about: boolean;
  /** Archives that will be deleted (`--delete-archives`) once their images are checked; not all are here yet. */
  readonly toRemove: number;
  /** Their sizes. Approximate where some have to be downloaded first, and `about` is true. */
  readonly bytesToRemove: number;
  /** Space that downloads and extraction need on top of what is there. Approximate. */
  readonly bytesNeededOnDisk: number;
  /** Free space. Null where the system does not report it. */
  readonly bytesFreeOnDisk: number | null;
  /** What the files take at the worst moment of the run. Absent but with `--low-disk`. */
  readonly peak?: PeakPlan | undefined;
  /** Everything that the run will do, phase by phase of each file. Empty where there is nothing to do. */
  readonly work: readonly PlannedWork[];
  /** What is meant of the archives (`--label` and the like). Absent where all of them is. */
  readonly images?: PlannedImages | undefined;
}

/** What the plan of a run without a download has, where it does not say more. */
export const NOTHING_TO_FETCH = {
  toDownload: 0,
  toExtract: 0,
  alreadyDone: 0,
  bytesToDownload: 0,
  about: false,
  toRemove: 0,
  bytesToRemove: 0,
  bytesNeededOnDisk: 0,
} as const;

/**
 * ccxri has looked what an archive holds, or has found that this can't be known. One for each archive that
 * `ccxri members` lists; where images are chosen, for each that no label file speaks of, and then for each
 * that chosen images are in, before `plan`.
 */
export interface ArchiveListedEvent {
  readonly event: 'archive-listed';
  /** Manifest name. */
  readonly file: string;
  /** Subsets that it belongs to. Absent where the manifest does not have the file. */
  readonly subsets?: readonly string[] | undefined;
  /** Archives that are listed by now, this one among them. */
  readonly listed: number;
  /** All that are going to be. */
  readonly archives: number;
}

/** `ccxri adopt` looks through directories: at most one a second, and one at the end. */
export interface LookedEvent {
  readonly event: 'looked';
  /** Files that were looked at by now. */
  readonly files: number;
}
