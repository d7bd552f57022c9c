import type { Selection } from './manifest/select.ts';
import type { Manifest } from './manifest/schema.ts';

export interface StatusOptions {
  readonly manifest: Manifest;
  readonly dest: string;
  /** Default: every file of the manifest. */
  readonly selection?: Selection;
  readonly signal?: AbortSignal;
}

/**
 * By the ledger alone, nothing is hashed. `done`: checked, and extracted where it is an archive;
 * `checked`: not (wholly) extracted yet; `images-only`: extracted, the archive is gone;
 * `images-bad`: `verify` has found extracted images damaged, and they were not extracted anew since;
 * `changed`: size or mtime differ from when it passed; `other-manifest`: as it was when it passed, with
 * another MD5 than this manifest has; `unchecked`: it lies there, the ledger does
 * not know it; `partial`: a download is under way or was broken off; `missing`.
 */
export type FileState =
  | 'done'
  | 'checked'
  | 'images-only'
  | 'images-bad'
  | 'changed'
  | 'other-manifest'
  | 'unchecked'
  | 'partial'
  | 'missing';

export interface FileStatusRow {
  readonly file: string;
  readonly kind: 'archive' | 'labels';
  readonly subset: string;
  readonly state: FileState;
  /** Bytes here: whole or partial. */
  readonly bytesHere: number;
  /** About, or exact where it is known. */
  readonly bytesTotal: number;
  readonly check: 'verified' | 'content-checked' | null;
  readonly checkedAt: string | null;
}

export interface StatusResult {
  readonly dest: string;
  /** false: there is no such directory. */
  readonly exists: boolean;
  readonly files: readonly FileStatusRow[];
  /** Is index.csv there? */
  readonly index: boolean;
  /** Another ccxri that works here now, in words: `pid 4711 on host1 since 2026-01-05 10:11`. */
  readonly workedOnBy: string | null;
  /** Files put aside because their bytes were wrong. */
  readonly putAside: readonly string[];
}
