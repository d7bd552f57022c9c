import type { ErrorData } from '../threads/error-data.ts';

/** To the thread that writes: some bytes of an open file. */
export interface WriteTask {
  readonly id: number;
  /** Stays open until the task's end is heard. */
  readonly fd: number;
  /** In shared memory, and left alone until then; written one behind the other. */
  readonly chunks: readonly Uint8Array[];
  /** The place of the first byte. */
  readonly at: number;
}

/** From it. */
export type FromWriteThread =
  /** First of all. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly id: number }
  | { readonly kind: 'failed'; readonly id: number; readonly error: ErrorData };
