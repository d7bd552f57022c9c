/** `serve` takes requests from now on. */
export interface ServingEvent {
  readonly event: 'serving';
  /** The page, as this machine reaches it. */
  readonly url: string;
  /** The page, as other machines reach it. Empty where none can. */
  readonly urlsForOthers: readonly string[];
  /** The dataset directory, as it was given. */
  readonly dest: string;
  /** Files that can be had now; others from the moment at which they have passed. */
  readonly files: number;
  /** Files that are selected. */
  readonly of: number;
}

/** A request to `serve` has been answered, or has ended before. */
export interface RequestEvent {
  readonly event: 'request';
  /** The address of the client. */
  readonly client: string;
  /** As it was sent, safe to print; `-` where the request could not be read. */
  readonly method: string;
  /** As it was sent, safe to print; `-` where the request could not be read. */
  readonly path: string;
  /** Manifest name of the file that was asked for. Absent where it was none. */
  readonly file?: string | undefined;
  /** Subsets that `file` belongs to. Absent where `file` is. */
  readonly subsets?: readonly string[] | undefined;
  /** HTTP status of the answer. */
  readonly httpStatus: number;
  /** Bytes of the answer's body that were handed to the system. */
  readonly bytes: number;
  /** From the request to the end of its answer. */
  readonly elapsedMs: number;
  /** When the request came. */
  readonly startedAt: string;
  /** false: the answer broke off, because the client or the server ended the connection. */
  readonly whole: boolean;
  /** Why the file was not served, or only in part, in words. Absent where it was. */
  readonly why?: string | undefined;
}
