import type { CcxriError } from '../errors.ts';
import type { FetchOptions } from '../fetch/fetch-types.ts';
import type { Remark } from '../labels/remarks.ts';

/** As those of a fetch, without what is done with files. */
export type MembersOptions = Omit<
  FetchOptions,
  | 'extract'
  | 'join'
  | 'deleteArchives'
  | 'lowDisk'
  | 'keepGood'
  | 'repair'
  | 'confirmLowDisk'
  | 'onOutcome'
  | 'images'
  | 'allowWhole'
  | 'confirmWhole'
> & {
  /** List each member. Default false. */
  readonly list?: boolean | undefined;
};

/**
 * `index`: the member index that is kept, so that nothing was read; `archive`: the checked archive that is
 * here; `directory`: an archive in a local directory; `server`: ranges of one at a server.
 */
export type MembersFrom = 'index' | 'archive' | 'directory' | 'server';

/** A file in an archive, as the directory lists it. */
export interface MemberOfArchive {
  /** Below images/<archive>/, with `/`. */
  readonly path: string;
  /** Unpacked. */
  readonly bytes: number;
  /** As packed in the archive. */
  readonly packedBytes: number;
  readonly crc32: number;
}

/** What the directory of an archive lists. */
export interface ArchiveMembers {
  /** Manifest name. */
  readonly file: string;
  /** Subsets that it belongs to. */
  readonly subsets: readonly string[];
  /** Where that is known from. Null where it could not be read. */
  readonly from: MembersFrom | null;
  /** Files in it. Null where it could not be read. */
  readonly members: number | null;
  /** Those that are images. Null where it could not be read. */
  readonly images: number | null;
  /** What the images take once they are unpacked. Null where it could not be read. */
  readonly imageBytes: number | null;
  /** Length of the archive. Null where it could not be read. */
  readonly archiveBytes: number | null;
  /** Images without a row in the label file. Null where no label file has rows for it, or that is not here. */
  readonly imagesWithoutRow: number | null;
  /** Rows of the label file that name the archive, and that it has no image for. Null likewise. */
  readonly rowsWithoutImage: number | null;
  /** Harmless oddities of its directory, one a line. */
  readonly oddities: readonly string[];
  /** Each file in it, in its order. Absent unless they were asked for. */
  readonly list?: readonly MemberOfArchive[] | undefined;
  /** Why it could not be read. Absent where it could. */
  readonly error?: CcxriError | undefined;
}

/** What the directories of archives list. */
export interface MembersResult {
  /** The dataset directory, as it was given. */
  readonly dest: string;
  /** Was it a dry run? Then no member index was written. */
  readonly dryRun: boolean;
  /** One for each selected archive; without a selection one for each of the manifest. */
  readonly archives: readonly ArchiveMembers[];
  /** Where directories and label files do not agree. */
  readonly remarks: readonly Remark[];
  /** Bytes received from sources in this run. */
  readonly bytesDownloaded: number;
  /** Time that the run took. */
  readonly elapsedMs: number;
}
