import type { Stats } from 'node:fs';
import type { LimitFunction } from 'p-limit';
import type { MembersRecord } from '../dataset/ledger.ts';
import type { ShardOptions } from '../dataset/locks.ts';
import type { FileOutcome, RunOptions, Session } from '../dataset/session.ts';
import type { NextStep } from '../errors.ts';
import type { ManifestFile } from '../manifest/manifest.ts';
import type { Shard } from '../manifest/shard.ts';
import type { BrokenImage } from '../zip/member-faults.ts';

export interface VerifyOptions extends RunOptions, ShardOptions {
  /**
   * `quick`: size and mtime against the ledger, no byte is read; `full` (default): MD5 of every
   * archive and label file (of images only where the archive is gone: their CRC-32s); `deep`: also
   * every member's CRC-32 in the archive and in the extracted image.
   */
  readonly depth?: VerifyDepth | undefined;
  /** Files hashed at once. Default: 8 for each processor, 24 at most. */
  readonly concurrency?: number | undefined;
}

/**
 * `quick`: size and mtime against the ledger; `full`: the MD5 of every file; `deep`: also the CRC-32
 * of every member and image.
 */
export type VerifyDepth = 'quick' | 'full' | 'deep';

/** What a verify has found out about one file. With `quick` its status is by the ledger. */
export interface VerifyOutcome extends FileOutcome {
  /** Is it an archive or a label file? */
  readonly kind: 'archive' | 'labels';
  /** Where it is: the file, or the folder of its images alone. Null where it is not here. */
  readonly path: string | null;
  /** Size of the file. Null where it is not here. */
  readonly bytes: number | null;
  /** Of the file's bytes, in lower-case hexadecimal. Null where nothing was hashed. */
  readonly md5: string | null;
  /** Extracted images and other members that were checked by CRC-32. */
  readonly membersChecked: number;
  /** Images that are missing, or damaged here or in the archive, relative to the dataset directory; at most 20. */
  readonly badMembers: readonly string[];
  /**
   * Images that are as published, and empty, cut or no image, relative to the dataset directory. Empty
   * where there are none, or no image was read.
   */
  readonly brokenImages: readonly BrokenImage[];
  /**
   * Files in the folder of its images that the archive does not have, relative to the dataset directory:
   * copies, and what else was put there. They are no damage. Empty where there are none, or the folder was
   * not looked at.
   */
  readonly unexpectedFiles: readonly string[];
}

/** What a verify has found. */
export interface VerifyResult {
  /** The dataset directory, as it was given. */
  readonly dest: string;
  readonly depth: VerifyDepth;
  /** The part of the selection that was checked. Absent: all of it. */
  readonly shard?: Shard | undefined;
  /** One for each selected file; without a selection one for each file that is here. */
  readonly outcomes: readonly VerifyOutcome[];
  /** Files of the manifest that were not asked for by name and are not here. */
  readonly notHere: number;
  /** Archives whose extracted images were not looked at, for only `deep` does where the archive is here. */
  readonly imagesUnread: number;
  /** Read from archives, label files and images. */
  readonly bytesRead: number;
  /** Time that the run took. */
  readonly elapsedMs: number;
}

/** How the extracted files of an archive are; paths below its folder. */
export interface FolderReport {
  readonly checked: number;
  readonly damaged: readonly string[];
  readonly missing: readonly string[];
  /** Files that are not of the archive: no damage. */
  readonly unexpectedFiles: readonly string[];
  /** As published, and empty, cut or no image. */
  readonly broken: readonly BrokenImage[];
}

/** Where a file of the manifest was found. */
export interface Located {
  readonly file: ManifestFile;
  /** The file that has its name; undefined: there is none. */
  readonly here: { readonly path: string; readonly stats: Stats } | undefined;
  /** The folder of its extracted images; undefined: there is none. */
  readonly images: string | undefined;
  /** There is none, though the ledger knows of one; false where the ledger was not asked. */
  readonly imagesGone: boolean;
}

/** A file whose check is under way. */
export interface Checking extends Located {
  /** The ledger's list of an archive's members, as it was when first asked for: it may be long. */
  readonly readMembers: () => Promise<MembersRecord | undefined>;
}

/** A file that is here. */
export interface Present extends Checking {
  readonly here: NonNullable<Located['here']>;
}

/** A verify under way: what all its files share. */
export interface VerifyRun {
  readonly session: Session;
  readonly depth: VerifyDepth;
  /** The command that brings back all images that are gone. */
  readonly restoreStep: NextStep;
  readonly deepChecks: LimitFunction;
  /** The ledger's records are changed one after the other, each under the lock. */
  readonly noteLimit: LimitFunction;
  /** Bytes read in the run, whatever for. */
  readonly meter: { bytesRead: number };
}

/** What the checks of a file have found so far: reported also where a later check fails. */
export interface CheckResults {
  md5: string | null;
  unexpectedFiles: readonly string[];
  membersChecked: number;
  badMembers: readonly string[];
  brokenImages: readonly BrokenImage[];
}
