import type { Clock } from './clock.ts';
import type { ErrorRecord } from './errors.ts';

/** What is being done to a file. `hash` is a check of bytes that lay there already. */
export type Phase = 'download' | 'hash' | 'extract' | 'check';

/** Everything a run tells while it goes. `--ndjson` prints these, one a line. */
export type RunEvent =
  | PlanEvent
  /** Work on a file begins. `doneBytes` is more than 0 where a partial download goes on. */
  | ({
      readonly event: 'phase-start';
      readonly source?: string | undefined;
      /** Of a partial download that can't be gone on with here: another server gave them. */
      readonly uselessBytes?: number | undefined;
    } & PhaseProgress)
  /** At most about ten a second and file. May go back, when a download has to start over. */
  | ({ readonly event: 'progress' } & PhaseProgress)
  | {
      readonly event: 'phase-done';
      readonly file: string;
      readonly phase: Phase;
      readonly bytes: number;
      /** Of a download or hash: the MD5 of the bytes on disk. */
      readonly md5?: string | undefined;
      /** Of an extraction: members written or found good. */
      readonly members?: number | undefined;
    }
  | {
      readonly event: 'retry';
      readonly file: string;
      /** The attempt that failed, counted from 1. */
      readonly attempt: number;
      readonly delayMs: number;
      readonly error: ErrorRecord;
      /** Bytes kept, from which the next attempt goes on. */
      readonly keptBytes: number;
    }
  /** A source was given up for this file; the next one is tried. */
  | {
      readonly event: 'source-left';
      readonly file: string;
      readonly source: string;
      readonly error: ErrorRecord;
    }
  | {
      readonly event: 'warning';
      readonly code: WarningCode;
      readonly file?: string | undefined;
      readonly message: string;
    }
  /** A file has come to its end in this run, good or bad. */
  | {
      readonly event: 'file-done';
      readonly file: string;
      readonly status: string;
      /** Of a fetch, where the published MD5 is disputed and did not match. */
      readonly check?: 'content-checked' | undefined;
      readonly error?: ErrorRecord | undefined;
    }
  | {
      readonly event: 'index-written';
      readonly path: string;
      readonly rows: number;
    };

export interface PhaseProgress {
  readonly file: string;
  readonly phase: Phase;
  readonly doneBytes: number;
  /** null where nothing exact is known yet. */
  readonly totalBytes: number | null;
}

/** Said once, before the first byte. Byte counts are about right: published sizes are rounded. */
export interface PlanEvent {
  readonly event: 'plan';
  readonly files: number;
  readonly toDownload: number;
  readonly toExtract: number;
  readonly alreadyDone: number;
  readonly bytesToDownload: number;
  readonly bytesNeededOnDisk: number;
  readonly bytesFreeOnDisk: number | null;
}

export type WarningCode =
  | 'content-checked'
  | 'disputed-md5'
  | 'archive-oddity'
  | 'ledger-unusable'
  | 'no-label-file'
  | 'join-finding'
  | 'unknown-folder'
  | 'stale-lock'
  | 'disk'
  | 'source'
  | 'environment';

export type EventListener = (event: RunEvent) => void;

/** The default listener: the library is silent. */
export const ignoreEvents: EventListener = () => undefined;

/** Tells of progress at most ten times a second: listeners draw, and need not be faster. */
export class ProgressTeller {
  readonly #clock: Clock;
  readonly #onEvent: EventListener;
  #toldAtMs = -Infinity;

  constructor(clock: Clock, onEvent: EventListener) {
    this.#clock = clock;
    this.#onEvent = onEvent;
  }

  tell(progress: PhaseProgress): void {
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#toldAtMs < PROGRESS_EVERY_MS) return;
    this.#toldAtMs = nowMs;
    this.#onEvent({ event: 'progress', ...progress });
  }
}

const PROGRESS_EVERY_MS = 100;
