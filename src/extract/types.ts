import type { Clock } from '../clock.ts';
import type { MembersNoted } from '../dataset/images.ts';
import type { Resizer } from '../dataset/convert-image.ts';
import type { DatasetLayout } from '../dataset/layout.ts';
import type { Ledger, MembersRecord, Receipt } from '../dataset/ledger.ts';
import type { FileOutcome, SessionOptions } from '../dataset/session.ts';
import type { EventListener } from '../events.ts';
import type { Shard } from '../manifest/shard.ts';
import type { ListedMember } from '../zip/listing.ts';
import type { BrokenImage } from '../zip/member-faults.ts';
import type { UnpackPool } from '../zip/unpack-pool.ts';

export interface ExtractOptions extends SessionOptions {
  /** Archives worked on at once. Default 4. */
  readonly concurrency?: number | undefined;
  /**
   * Of an archive with damaged members publish the good ones, and list the others. Default: nothing of it.
   */
  readonly keepGood?: boolean | undefined;
  /** Say what would be done; nothing is written. */
  readonly dryRun?: boolean | undefined;
}

/**
 * `extracted`: in this run; `skipped`: all its images were here; `planned`: in a dry run, to be
 * extracted; `failed`: see `error`.
 */
export type ExtractDid = 'extracted' | 'skipped' | 'planned' | 'failed';

/** What an extract has done with one archive. */
export interface ExtractOutcome extends FileOutcome, MembersNoted {
  readonly did: ExtractDid;
  /** Images and other members under images/<archive>/. Null where the archive was not opened. */
  readonly members: number | null;
}

/** What an extract has done. */
export interface ExtractResult {
  /** The dataset directory, as it was given. */
  readonly dest: string;
  /** Was it a dry run? */
  readonly dryRun: boolean;
  /** The part of the selection that was unpacked. Absent: all of it. */
  readonly shard?: Shard | undefined;
  /** One for each selected archive; without a selection one for each archive that is here. */
  readonly outcomes: readonly ExtractOutcome[];
  /** Time that the run took. */
  readonly elapsedMs: number;
}

/** What extraction needs of a session. */
export interface ExtractContext {
  readonly layout: DatasetLayout;
  readonly ledger: Ledger;
  /** Threads that unpack. Absent: all is done in this one. */
  readonly unpackPool?: UnpackPool | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onEvent: EventListener;
  readonly clock: Clock;
}

/** An archive that has passed. */
export interface AcceptedArchive {
  /** Manifest name. */
  readonly name: string;
  readonly path: string;
  /** Of the bytes that have passed. */
  readonly md5: string;
  /** Where it has damaged members, publish the others. Default false. */
  readonly keepGood?: boolean | undefined;
  /** Makes its images smaller before they are published. Default: they are as in the archive. */
  readonly resizer?: Resizer | undefined;
}

/** One extraction under way. */
export interface Extraction extends AcceptedArchive {
  /** Of the archive, as it was when the extraction began. */
  readonly receipt: Receipt | undefined;
  readonly context: ExtractContext;
}

/** What of the images asked for is here. */
export interface SingleImagesFound {
  /** By the ledger and their size, or by their content. */
  readonly here: readonly ListedMember[];
  /** To be fetched. */
  readonly missing: readonly ListedMember[];
  /** Of those that are here, the ones that the ledger does not know: they are in their place, and right. */
  readonly adopted: readonly ListedMember[];
  readonly broken: readonly BrokenImage[];
  /** Members in the ledger that are not as it says. Empty unless `verify` has found some. */
  readonly bad: ReadonlySet<string>;
  readonly record: MembersRecord | undefined;
}
