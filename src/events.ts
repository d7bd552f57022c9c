import type { Clock } from './clock.ts';
import type { ErrorRecord, NextStep } from './errors.ts';

/** What is being done to a file. `hash` checks bytes that were there already. */
export type Phase = 'download' | 'hash' | 'extract' | 'check';

/** Everything a run emits. `--ndjson` prints these, one a line. */
export type RunEvent =
  | PlanEvent
  /** Work on a file begins. `doneBytes` is more than 0 when a partial download is resumed. */
  | ({
      readonly event: 'phase-start';
      readonly source?: string | undefined;
      /** Bytes of a partial download from another server, which can't be resumed here. */
      readonly uselessBytes?: number | undefined;
    } & PhaseProgress)
  /** At most about ten a second and file. May go back when a download has to start over. */
  | ({ readonly event: 'progress' } & PhaseProgress)
  | {
      readonly event: 'phase-done';
      readonly file: string;
      readonly phase: Phase;
      readonly bytes: number;
      /** MD5 of the bytes on disk, after a download or hash. */
      readonly md5?: string | undefined;
      /** Members written or found good, after an extraction. */
      readonly members?: number | undefined;
    }
  | {
      readonly event: 'retry';
      readonly file: string;
      /** The attempt that failed, counted from 1. */
      readonly attempt: number;
      readonly delayMs: number;
      readonly error: ErrorRecord;
      /** Bytes kept, which the next attempt resumes from. */
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
      /** What the user can do about it, as data. */
      readonly next?: readonly NextStep[] | undefined;
    }
  /** A file is settled for this run, good or bad. */
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

/** Emitted once, before the first byte. Byte counts are approximate: published sizes are rounded. */
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
  | 'archive-oddity'
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

/** Emits progress at most ten times a second, which is as fast as a listener needs to draw. */
export class ProgressThrottle {
  readonly #clock: Clock;
  readonly #onEvent: EventListener;
  #emittedAtMs = -Infinity;

  constructor(clock: Clock, onEvent: EventListener) {
    this.#clock = clock;
    this.#onEvent = onEvent;
  }

  emit(progress: PhaseProgress): void {
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#emittedAtMs < PROGRESS_EVERY_MS) return;
    this.#emittedAtMs = nowMs;
    this.#onEvent({ event: 'progress', ...progress });
  }
}

const PROGRESS_EVERY_MS = 100;
