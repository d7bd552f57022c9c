import type { RunOptions } from '../dataset/session.ts';

/** Without a selection: every file of the manifest that is here and has passed. */
export interface ServeOptions extends RunOptions {
  /**
   * The address to listen on, or a name of it: 0.0.0.0 and :: are all of this machine. Default 127.0.0.1,
   * which this machine alone reaches.
   */
  readonly host?: string | undefined;
  /** 0: any free one. Default 8080. */
  readonly port?: number | undefined;
  /** Requests answered at once; what comes above gets 503 and is asked to come again. Default 64. */
  readonly maxConnections?: number | undefined;
  /** Within this time the head of a request has to be there. Default 10,000. */
  readonly headTimeoutMs?: number | undefined;
  /** A connection on which nothing moves for so long is closed. Default 60,000. */
  readonly idleTimeoutMs?: number | undefined;
}

/** What was served until the run was stopped. */
export interface ServeResult {
  /** The dataset directory, as it was given. */
  readonly dest: string;
  /** The page, as this machine reached it. */
  readonly url: string;
  /** Requests that came, whatever the answer. */
  readonly requests: number;
  /** Requests that were sent away with 503 because too many were under way. */
  readonly refused: number;
  /** Bytes of all answers' bodies. */
  readonly bytes: number;
  /** How long it served. */
  readonly elapsedMs: number;
}

export const DEFAULT_HOST = '127.0.0.1';
export const DEFAULT_PORT = 8080;
export const DEFAULT_MAX_CONNECTIONS = 64;
