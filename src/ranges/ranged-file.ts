import type { ByteRange, FileReader, RandomReader } from '../zip/reader.ts';

/** Gets each piece once; it must not keep it, and is waited for. */
export type OnPiece = (piece: Buffer) => Promise<void> | void;

/** A file at a source, of which any bytes can be had without the others. */
export interface RangedFile extends RandomReader {
  /** Where it is, safe to print. */
  readonly place: string;
  /** The same with its query, never printed: null of a file on a disk of this machine. */
  readonly url: string | null;
  /** Whether it is on a disk of this machine: then it costs no bytes of a line. */
  readonly isLocal: boolean;
  /** Of such a file: it, for threads that read it on their own. Absent where it is at a server. */
  readonly reader?: FileReader | undefined;
  /** What shows that it is still the same (an ETag, a date); null: the source has nothing of the kind. */
  readonly validator: string | null;
  /**
   * Gets the bytes of a range, in order.
   * @throws CcxriError `changed`: it is another file than when it was opened; `ranges-refused`; `network`,
   *   `stalled`, `http-status`; of the disk; `aborted`; what `onPiece` throws
   */
  fetch(range: ByteRange, onPiece: OnPiece): Promise<void>;
}
