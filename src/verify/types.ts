import type { FileOutcome, RunOptions } from '../dataset/run-options.ts';

export interface VerifyOptions extends RunOptions {
  /**
   * `quick`: size and mtime against the ledger, no byte is read; `full` (default): MD5 of every
   * archive and label file (of images only where the archive is gone: their CRC-32s); `deep`: also
   * every member's CRC-32 in the archive and in the extracted image.
   */
  readonly depth?: VerifyDepth;
  /** Files hashed at once. Default: 8 for each processor, with which all of them are full. */
  readonly concurrency?: number;
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
