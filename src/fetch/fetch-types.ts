import type { MembersNoted } from '../dataset/images.ts';
import type { FileOutcome, SessionOptions } from '../dataset/session.ts';
import type { CcxriError } from '../errors.ts';
import type { FileStatus } from '../file-status.ts';
import type { PeakPlan, PlannedImages } from '../events.ts';
import type { Remark } from '../labels/remarks.ts';
import type { IndexResult } from '../labels/build-index.ts';
import type { RepairReport } from './repair-types.ts';
import type { ImageChoice } from '../labels/image-choice.ts';
import type { Shard } from '../manifest/shard.ts';

/**
 * Connections of a run, over all files: a number is kept. `auto`: 4 at first, and twice as many while that
 * brings a fifth more speed, up to 16, or to `most`; fewer where a server refuses some. Where the disk or
 * `limitRateBytesPerSecond` is the bound, it stays as it is. For single images: the most at once.
 */
export type Connections = number | 'auto' | { readonly most: number };

export interface FetchOptions extends SessionOptions {
  /**
   * Where files come from, tried in this order: a local directory, a base URL, a page (live, or
   * saved as .html). Default: the manifest's homepage.
   */
  readonly sources?: readonly string[] | undefined;
  /** Where a saved page was: what its relative links refer to. Default: what the page says. */
  readonly pageUrl?: string | undefined;
  /** Files downloaded at once, no more than `connections`. Default 4. */
  readonly concurrency?: number | undefined;
  /** Connections in all. Default `auto`. */
  readonly connections?: Connections | undefined;
  /**
   * A plan to download more is refused with `too-many-bytes`, before anything is downloaded; in a dry run,
   * too. Default: no limit.
   */
  readonly maxBytes?: number | undefined;
  /** Bytes a second, over all connections. Default: no limit. */
  readonly limitRateBytesPerSecond?: number | undefined;
  /** Attempts without progress after which a file's source, or a page, is given up. Default 10. */
  readonly retries?: number | undefined;
  /** A connection without bytes, or below the minimum speed, for this long is dropped. Default 30,000. */
  readonly timeoutMs?: number | undefined;
  /**
   * Extra request headers. `User-Agent`, `Accept`, `Accept-Language` and `Referer` go to every host; all
   * others to the origins of `sources` and to `headerHosts` alone.
   */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /**
   * Other hosts that get all of `headers`, as `HOST` or `HOST:PORT`: those that the links of a saved
   * page lead to. Default: none.
   */
  readonly headerHosts?: readonly string[] | undefined;
  /** The program, for the header User-Agent; the manifest's homepage is added. Default `ccxri`. */
  readonly userAgent?: string | undefined;
  /** Unpack archives that have passed. Default true. */
  readonly extract?: boolean | undefined;
  /** Write index.csv at the end. Default true; false too where `extract` is false, and of a shard. */
  readonly join?: boolean | undefined;
  /**
   * Remove an archive once all its images are extracted and checked; one that single images are read from
   * stays. Default false.
   */
  readonly deleteArchives?: boolean | undefined;
  /**
   * Archive by archive: each is downloaded, checked, extracted and removed, so that no more than two are here
   * at once, partial downloads among them. What is here already comes first. Includes `deleteArchives`; files
   * are downloaded one at a time, whatever `concurrency` is, and wrong bytes are not kept. Not with `images`,
   * nor where `extract` is false. Default false.
   */
  readonly lowDisk?: boolean | undefined;
  /**
   * With `lowDisk`: images are written so that their longest side has this many pixels, in their own format,
   * JPEG at quality 90; what is no larger stays as it is. The package sharp has to be installed. Images that
   * are here in another size are not replaced: `usage`. Default: as published.
   */
  readonly resize?: number | undefined;
  /**
   * Of an archive with damaged members publish the good ones, and list the others. Default: nothing of it.
   */
  readonly keepGood?: boolean | undefined;
  /**
   * Keep what is good of an archive that was right and is damaged now, and download the rest. Default true;
   * false moves it to the quarantine, and downloads all of it.
   */
  readonly repair?: boolean | undefined;
  /**
   * Which images are meant, within the selected archives; then no selection means every archive. They are
   * fetched one by one, without their archives, where that is less than half of an archive. Not of a
   * shard. Default: whole archives.
   */
  readonly images?: ImageChoice | undefined;
  /**
   * With `images`: download archives whole where no source serves parts of them. Default: as
   * `confirmWhole` says.
   */
  readonly allowWhole?: boolean | undefined;
  /**
   * Called where no source serves parts of some archives; false refuses with `ranges-refused`. Default:
   * refuse.
   */
  readonly confirmWhole?: ((cost: WholeArchives) => Promise<boolean>) | undefined;
  /**
   * Plan only: nothing is written in the dataset directory. With `images`, what says which they are is
   * read at the sources: label files that are not here, and the directories of archives.
   */
  readonly dryRun?: boolean | undefined;
  /** Called when the disk looks too small; false refuses with `disk-space`. Default: refuse. */
  readonly confirmLowDisk?: ((plan: FetchPlan) => Promise<boolean>) | undefined;
  /** Proxy variables (HTTP_PROXY, HTTPS_PROXY, NO_PROXY in either case). Default: no proxy. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Receives each outcome as soon as it is known: also in a run that is stopped, and throws `aborted`. */
  readonly onOutcome?: ((outcome: FetchOutcome) => void) | undefined;
}

/** Archives of which no source serves parts. */
export interface WholeArchives {
  /** Manifest names. */
  readonly archives: readonly string[];
  /** What they cost. */
  readonly bytes: number;
  /** true: `bytes` is approximate, for some published sizes are rounded. */
  readonly about: boolean;
}

/** What a fetch is going to do. */
export interface FetchPlan {
  /** One for each selected file, in the manifest's order. */
  readonly steps: readonly FetchStep[];
  /** To be downloaded; bytes of partial downloads are not counted. */
  readonly bytesToDownload: number;
  /** true: `bytesToDownload` is approximate, for some published sizes are rounded. */
  readonly about: boolean;
  /**
   * Archives that will be deleted (`--delete-archives`), those that have to be downloaded first too: their
   * sizes. Approximate where some of these are.
   */
  readonly bytesToRemove: number;
  /** Space that downloads and extraction need on top of what is there. Approximate. */
  readonly bytesNeededOnDisk: number;
  /** Free space. Null where the system does not report it. */
  readonly bytesFreeOnDisk: number | null;
  /** What the files take at the worst moment of the run. Absent but with `lowDisk`. */
  readonly peak?: PeakPlan | undefined;
  /** What the chosen images come to. Absent where none were chosen. */
  readonly images?: PlannedImages | undefined;
}

/** What has to be done for one file. */
export interface FetchStep {
  /** Manifest name. */
  readonly file: string;
  /** Subsets that it belongs to. */
  readonly subsets: readonly string[];
  /** What is here of it before the run. */
  readonly status: FileStatus;
  /**
   * `done`: nothing to do; `extract`: the archive is there and checked; `check`: it is there and
   * has to be hashed first; `resume`: a part is there; `download`: from the first byte; `images`: single
   * images are fetched, or unpacked where the archive is here.
   */
  readonly action: 'done' | 'extract' | 'check' | 'resume' | 'download' | 'images';
  /** Size of the file. */
  readonly bytes: number;
  /** true: `bytes` is approximate, by the published size, which is rounded. */
  readonly about: boolean;
  /** Bytes of a partial download that need not be downloaded again. */
  readonly keptBytes: number;
  /** The archive will be deleted (`--delete-archives`) once its images are checked. */
  readonly removes: boolean;
  /** Images of the choice in it that are not here yet. Absent where no images were chosen. */
  readonly images?: number | undefined;
  /** What comes for them without the rest of the archive. Absent unless `action` is `images`. */
  readonly imageBytes?: number | undefined;
}

/**
 * `downloaded`; `repaired`: it was here and damaged, see `repair`; `checked`: it was here, not known to be
 * right, and has passed; `extracted`: only the extraction was missing; `skipped`: there was nothing to do;
 * `failed`: see `error`; `stopped`: not finished, because the run ended early (a full disk, a signal).
 */
export type FetchDid =
  'downloaded' | 'repaired' | 'checked' | 'extracted' | 'skipped' | 'failed' | 'stopped';

/** What a fetch has done with one file. */
export interface FetchOutcome extends FileOutcome, MembersNoted {
  readonly did: FetchDid;
  /** Is it an archive or a label file? */
  readonly kind: 'archive' | 'labels';
  /** Size of the file. Null where no file was accepted. */
  readonly bytes: number | null;
  /** Of the file's bytes, in lower-case hexadecimal. Null where no file was accepted. */
  readonly md5: string | null;
  /**
   * `verified`: by the published MD5; `content-checked`: the published MD5 is disputed and did not
   * match, the content is whole. Null where no file was accepted.
   */
  readonly check: 'verified' | 'content-checked' | null;
  /** The source that it was downloaded from, safe to print. Null where nothing was downloaded. */
  readonly source: string | null;
  /** How a damaged archive was put right. Absent unless it was. */
  readonly repair?: RepairReport | undefined;
  /** Images and other members under images/<archive>/. Null where nothing was extracted. */
  readonly members: number | null;
  /** Size of the archive, where this run has deleted it (`--delete-archives`); else 0. */
  readonly removedBytes: number;
  /** Images of the choice that are here now. Absent of label files, and where no images were chosen. */
  readonly images?: number | undefined;
  /** Images of the choice that the archive was seen not to have. Absent where none was fetched by itself. */
  readonly notInArchive?: readonly string[] | undefined;
}

/** The images of a choice, after a fetch. */
export interface FetchedImages {
  /** Images of the choice, controls among them. */
  readonly images: number;
  /** Of these, those that are here now. In a dry run: that are here already. */
  readonly here: number;
  /**
   * Images that a label file has, and its archive does not: `ChestDx-1/patient1000_000.jpg`. Of archives
   * whose directory was read.
   */
  readonly notInArchive: readonly string[];
  /** Patients that were asked for and have no image in what is selected. */
  readonly unknownPatients: readonly string[];
  /** Images that were asked for and are not in what is selected. */
  readonly unknownImages: readonly string[];
  /** What does not add up between label files, manifest and archives. */
  readonly remarks: readonly Remark[];
}

/** What a fetch has done. */
export interface FetchResult {
  /** The dataset directory, as it was given. */
  readonly dest: string;
  /** Was it a dry run? */
  readonly dryRun: boolean;
  /** The part of the selection that was fetched. Absent: all of it. */
  readonly shard?: Shard | undefined;
  /** What had to be done when the run began. */
  readonly plan: FetchPlan;
  /**
   * One for each selected file, in the manifest's order; where images were chosen, one for each archive that
   * has some, and for the label files. Empty in a dry run, but for archives whose images are not known
   * because their directories could not be read.
   */
  readonly outcomes: readonly FetchOutcome[];
  /** The images that were chosen. Absent where none were. */
  readonly images?: FetchedImages | undefined;
  /** The index that was written. Absent where no join was requested, or it failed. */
  readonly index?: IndexResult | undefined;
  /** Why the join failed: an invalid label file, a full disk. Absent where it did not fail. */
  readonly indexError?: CcxriError | undefined;
  /** Bytes received from sources in this run, including those received more than once. */
  readonly bytesDownloaded: number;
  /** Time that the run took. */
  readonly elapsedMs: number;
}
