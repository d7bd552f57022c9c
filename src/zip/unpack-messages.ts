import type { ErrorData } from '../threads/error-data.ts';
import type { Member } from './directory.ts';

/** To a thread that unpacks: some members of an archive. It has one such task at a time. */
export interface UnpackTask {
  /** The archive's manifest name, for the errors. */
  readonly file: string;
  readonly path: string;
  /** Of the archive; stays open until the task's end is heard. */
  readonly fd: number;
  readonly members: readonly Member[];
  /** The folder that their names are below, and whose folders are there; null: they are only checked. */
  readonly into: string | null;
  /** In shared memory. Not 0: begin no other member. */
  readonly stop: Int32Array;
}

/** From it. */
export type FromUnpackThread =
  /** First of all. */
  | { readonly kind: 'ready' }
  /** About ten a second at most. Unpacked bytes of this task. */
  | { readonly kind: 'progress'; readonly doneBytes: number }
  /** All members are right, and on the disk where they were to be written. */
  | { readonly kind: 'done' }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'failed'; readonly error: ErrorData };
