import type { FileOutcome, SessionOptions } from '../dataset/session.ts';
import type { CcxriError } from '../errors.ts';
import type { FileStatus } from '../file-status.ts';

/**
 * How what is found is taken. `auto`: by a hard link, where that is not possible by a copy; `copy`: as a file of
 * its own (a reflink, where the file system has them); `move`: as `auto`, and the found file is removed once
 * what was taken has passed.
 */
export type LinkMode = 'auto' | 'copy' | 'move';

export interface AdoptOptions extends SessionOptions {
  /** Directories, zips and other files to look through. Links are followed. */
  readonly paths: readonly string[];
  /** Default `auto`. */
  readonly link?: LinkMode | undefined;
  /** Look, and read what is needed to know what it is; nothing is written. Default false. */
  readonly dryRun?: boolean | undefined;
}

/**
 * `adopted`: it was found, has passed, and is here now; `here`: it was here, and right; `planned`: in a dry run,
 * to be adopted; `failed`: see `error`.
 */
export type AdoptDid = 'adopted' | 'here' | 'planned' | 'failed';

/**
 * How bytes came here. `linked`: by a hard link; `copied`: as a file of its own; `moved`: the found file is gone
 * from its place.
 */
export type TakenHow = 'linked' | 'copied' | 'moved';

/** An archive or label file that was found. */
export interface AdoptedFile extends FileOutcome {
  readonly did: AdoptDid;
  /** How. Null unless it was adopted in this run. */
  readonly how: TakenHow | null;
  /** Where it was found. */
  readonly from: string;
  readonly bytes: number;
  /** MD5 of its bytes. */
  readonly md5: string;
}

/** Images of an archive that were found. */
export interface AdoptedImages {
  /** Manifest name of the archive. */
  readonly file: string;
  /** Subsets that it belongs to. */
  readonly subsets: readonly string[];
  /** What is here of the archive now. */
  readonly status: FileStatus;
  /** Images adopted, or in a dry run to be adopted, whose length and CRC-32 are those that the archive has. */
  readonly crcChecked: number;
  /** Images adopted, or in a dry run to be adopted, by their names: there was nothing to check them by. */
  readonly named: number;
  /** Images that were here already. */
  readonly here: number;
  /** Images that were found and not taken; `left` of the result says why. */
  readonly left: number;
  /** Of those adopted. */
  readonly bytes: number;
  /** Directories and zips in which they were found, some of them. */
  readonly from: readonly string[];
  /** What is wrong with some of them. Absent where nothing is. */
  readonly error?: CcxriError | undefined;
}

/**
 * Why something that was found stays where it is. `differs`: an image with another length or CRC-32 than its
 * archive has; `not-in-archive`: the archive has no such image; `twice`: images of one name with different
 * content, and nothing tells which is right; `unknown-archive`: an image that may be of several archives;
 * `contradiction`: its folder names another archive than its labels; `converted`: an image that is no `.jpg` as
 * published; `in-the-way`: something else is in its place; `wrong-content`: it has the name of a published file, and is another; `other-dataset`: a
 * zip or an image of another dataset, which the message names; `not-published`: its size may be that of a
 * published file, and its MD5 is none; `not-needed`: every file that it can be is here; `not-selected`: of a
 * part of the dataset that is not selected; `no-image`: a zip without any image of the dataset; `damaged`: a
 * zip, or a member of it, that is damaged; `unread`: packed in a way that can't be read, as with a password;
 * `unsafe`: a zip that breaks a rule of safety; `unreadable`: it can't be read; `loop`: a link that leads
 * back; `dataset-directory`: the dataset directory itself.
 */
export type LeftWhy =
  | 'differs'
  | 'not-in-archive'
  | 'twice'
  | 'unknown-archive'
  | 'contradiction'
  | 'converted'
  | 'in-the-way'
  | 'wrong-content'
  | 'other-dataset'
  | 'not-published'
  | 'not-needed'
  | 'not-selected'
  | 'no-image'
  | 'damaged'
  | 'unread'
  | 'unsafe'
  | 'unreadable'
  | 'loop'
  | 'dataset-directory';

/** Something that was left, and what is known of it. */
export interface LeftExample {
  /** Where it is; of a member of a zip with that before it: `Dx1_20.zip/ChestDx-1/patient1_000.jpg`. */
  readonly path: string;
  /** What it is, or seems to be, in words. Null where `why` says all. */
  readonly message: string | null;
}

/** What was left for one reason. */
export interface LeftFiles {
  readonly why: LeftWhy;
  /** Files, images, members or directories. */
  readonly count: number;
  /** Some of them. */
  readonly examples: readonly LeftExample[];
}

/** What an adoption has done. */
export interface AdoptResult {
  /** The dataset directory, as it was given. */
  readonly dest: string;
  /** Was it a dry run? */
  readonly dryRun: boolean;
  /** How it was to be taken. */
  readonly link: LinkMode;
  /** Files that were looked at: their names, of those that could be whole files of the dataset their sizes. */
  readonly filesSeen: number;
  /** Files that were hashed, for their sizes are those of published files. */
  readonly filesHashed: number;
  /** Their bytes. */
  readonly bytesHashed: number;
  /** Archives and label files that were found, in the manifest's order. */
  readonly files: readonly AdoptedFile[];
  /** Images that were found, by archive, in the manifest's order. */
  readonly images: readonly AdoptedImages[];
  /** What was found and left where it is, by reason. Files that have nothing to do with the dataset are not in it. */
  readonly left: readonly LeftFiles[];
  /** What is wrong with zips and label files that are meant to be of the dataset. */
  readonly errors: readonly CcxriError[];
  /** Time that the run took. */
  readonly elapsedMs: number;
}
