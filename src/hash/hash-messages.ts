/** To a thread that hashes. `id` names a file; its descriptor stays open until its end is heard. */
export type ToHashThread =
  | { readonly kind: 'start'; readonly id: number; readonly fd: number }
  | {
      readonly kind: 'advance';
      readonly id: number;
      /** The file is written without a gap up to here. */
      readonly writtenBytes: number;
      /** That is all of it. */
      readonly isLast: boolean;
      /** Hurry, and tell when so much is hashed; Infinity: nobody waits. */
      readonly tellAtBytes: number;
    }
  | { readonly kind: 'stop'; readonly id: number };

/** From it. After `done`, `short`, `failed` or `stopped` it reads the file no more. */
export type FromHashThread =
  /** First of all. */
  | { readonly kind: 'ready' }
  /** About ten a second at most, and where it was asked for. */
  | { readonly kind: 'progress'; readonly id: number; readonly hashedBytes: number }
  | { readonly kind: 'done'; readonly id: number; readonly md5: string }
  /** The file ends before what was said to be written. */
  | { readonly kind: 'short'; readonly id: number }
  | {
      readonly kind: 'failed';
      readonly id: number;
      /** The errno's name, as `EIO`. */
      readonly code: string | undefined;
      readonly message: string;
    }
  | { readonly kind: 'stopped'; readonly id: number };
