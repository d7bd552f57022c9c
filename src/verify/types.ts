import type { Stats } from 'node:fs';
import type { LimitFunction } from 'p-limit';
import type { Clock } from '../clock.ts';
import type { Acceptance } from '../dataset/acceptance.ts';
import type { DatasetLayout } from '../dataset/layout.ts';
import type { Ledger } from '../dataset/ledger.ts';
import type { FileOutcome, RunOptions } from '../dataset/run-options.ts';
import type { NextStep } from '../errors.ts';
import type { EventListener } from '../events.ts';
import type { HashPool } from '../hash/hash-pool.ts';
import type { ManifestFile } from '../manifest/schema.ts';
import type { Selection } from '../manifest/select.ts';
import type { UnpackPool } from '../zip/unpack-pool.ts';
import type { ReadMeter } from './check-archive.ts';

export interface VerifyOptions extends RunOptions {
  /**
   * `quick`: size and mtime against the ledger, no byte is read; `full` (default): MD5 of every
   * archive and label file (of images only where the archive is gone: their CRC-32s); `deep`: also
   * every member's CRC-32 in the archive and in the extracted image.
   */
  readonly depth?: VerifyDepth | undefined;
  /** Files hashed at once. Default: 8 for each processor, 24 at most. */
  readonly concurrency?: number | undefined;
}

export type VerifyDepth = 'quick' | 'full' | 'deep';

/**
 * `verified`: the MD5 of the bytes is the published one; `content-checked`: the published MD5 is
 * disputed, the content is whole; `unchanged`: quick check, nothing was read; `images-verified`:
 * the archive is not here any more, and every image matches the CRC-32 that the ledger kept;
 * `unknown`: quick check of a file that the ledger does not know; `changed`: quick check of one that
 * is not as it was when it passed, as the ledger has it; `missing`; `bad`.
 */
export type VerifyStatus =
  | 'verified'
  | 'content-checked'
  | 'unchanged'
  | 'images-verified'
  | 'unknown'
  | 'changed'
  | 'missing'
  | 'bad';

export interface VerifyOutcome extends FileOutcome<VerifyStatus> {
  readonly kind: 'archive' | 'labels';
  /** Where it was looked for and found; null where it is not here. */
  readonly path: string | null;
  readonly bytes: number | null;
  /** null where nothing was hashed. */
  readonly md5: string | null;
  /** Extracted images and other members that were checked by CRC-32. */
  readonly membersChecked: number;
  /** Images that are missing or damaged, relative to the dataset directory; at most 20. */
  readonly badMembers: readonly string[];
}

export interface VerifyResult {
  readonly dest: string;
  readonly depth: VerifyDepth;
  readonly outcomes: readonly VerifyOutcome[];
  /** Files of the manifest that were not asked for by name and are not here. */
  readonly notHere: number;
  /** Archives whose extracted images were not looked at, for only `deep` does where the archive is here. */
  readonly imagesUnread: number;
  readonly bytesRead: number;
  readonly elapsedMs: number;
}

/** How the extracted files of an archive are; paths below its folder. */
export interface FolderReport {
  readonly checked: number;
  readonly damaged: readonly string[];
  readonly missing: readonly string[];
  /** What lies there and is not of the archive: no damage. */
  readonly unexpectedFiles: readonly string[];
}

/** Where a file of the manifest was found. */
export interface Located {
  readonly file: ManifestFile;
  /** What lies there in its name; undefined: it is not here. */
  readonly here: { readonly path: string; readonly stats: Stats } | undefined;
  /** The folder of its extracted images; undefined: there is none. */
  readonly images: string | undefined;
  /** There is none, and the ledger knows that there was: false where it was not asked. */
  readonly imagesGone: boolean;
}

/** What the checks of a run share. */
export interface VerifyContext {
  readonly layout: DatasetLayout;
  readonly ledger: Ledger;
  readonly acceptance: Acceptance;
  readonly depth: VerifyDepth;
  /** What was asked for. */
  readonly selection: Selection;
  /** The command that brings back all images that are gone. */
  readonly restoreStep: NextStep;
  readonly deepChecks: LimitFunction;
  readonly hashPool: HashPool;
  readonly unpackPool: UnpackPool;
  readonly clock: Clock;
  readonly onEvent: EventListener;
  readonly signal: AbortSignal;
  readonly meter: ReadMeter;
}

/** What is found out of a file on the way: it stands also where the end is bad. */
export interface Findings {
  md5: string | null;
  membersChecked: number;
  badMembers: readonly string[];
}
