import type { CheckRow } from './checks.ts';
import type { ErrorRecord, NextStep } from './errors.ts';
import type { FileStatus } from './file-status.ts';
import type { ArchiveListedEvent, LookedEvent, Phase, PlanEvent } from './plan-event.ts';
import type { RequestEvent, ServingEvent } from './serve-event.ts';

export type * from './plan-event.ts';
export type * from './serve-event.ts';

/** Everything a run emits. `--ndjson` prints these, one a line. */
export type RunEvent =
  | ArchiveListedEvent
  | LookedEvent
  | PlanEvent
  | PhaseStartEvent
  | ProgressEvent
  | PhaseDoneEvent
  | RetryEvent
  | SourceRetryEvent
  | SourceLeftEvent
  | WarningEvent
  | RepairEvent
  | ConnectionsEvent
  | ProxyEvent
  | FileDoneEvent
  | ArchiveRemovedEvent
  | IndexWrittenEvent
  | CheckEvent
  | DemoStartEvent
  | CaughtEvent
  | ServingEvent
  | RequestEvent;

/** What an event about one file says of it. */
export interface AboutFile {
  /** Manifest name. */
  readonly file: string;
  /** Subsets that it belongs to. Absent where the manifest does not have the file. */
  readonly subsets?: readonly string[] | undefined;
}

/** How far a phase of a file has come. */
export interface PhaseProgress extends AboutFile {
  readonly phase: Phase;
  /** Bytes that are downloaded, hashed, extracted, checked or exported so far. */
  readonly doneBytes: number;
  /** All bytes of the phase. Null where nothing exact is known yet. */
  readonly totalBytes: number | null;
}

/** Work on a file begins. `doneBytes` is more than 0 when a partial download is resumed. */
export interface PhaseStartEvent extends PhaseProgress {
  readonly event: 'phase-start';
  /** The source that a download uses, safe to print. Absent in other phases. */
  readonly source?: string | undefined;
  /** Bytes of a partial download from another server. Absent where there is none. */
  readonly uselessBytes?: number | undefined;
}

/**
 * At most about ten a second and file; with `--ndjson` at most one a second in all, of the file that moved
 * last, and none with `--no-progress`. May go back when a download has to start over.
 */
export interface ProgressEvent extends PhaseProgress {
  readonly event: 'progress';
  /** Images of the choice that are here, or have come; of an export those that were read. Absent where all of the file is meant. */
  readonly images?: number | undefined;
  /** The run as a whole. Absent where a listener of the library gets the event: only `--ndjson` adds it. */
  readonly run?: RunProgress | undefined;
}

/** How far a run has come: all its files together. */
export interface RunProgress {
  /** Files that are settled, good or bad. */
  readonly filesDone: number;
  /** Selected files. Null where there was no plan. */
  readonly files: number | null;
  /**
   * Of everything that the run will do: 0 to 1, and never less than before. Null where nobody knows how
   * much that is.
   */
  readonly fraction: number | null;
  /** Images of the choice that are here, or have come. Absent where no images were chosen. */
  readonly imagesDone?: number | undefined;
  /** Images of the choice. Absent where no images were chosen. */
  readonly images?: number | undefined;
  /** Time until everything is done. Approximate. Null where it is not known, or not yet. */
  readonly leftMs: number | null;
  /** How far each file in work has come. */
  readonly inWork: readonly PhaseProgress[];
}

/** A phase of a file has ended well. */
export interface PhaseDoneEvent extends AboutFile {
  readonly event: 'phase-done';
  readonly phase: Phase;
  /** Bytes of the file, or of its members. */
  readonly bytes: number;
  /** MD5 of the bytes on disk. Absent unless the phase is `download` or `hash`. */
  readonly md5?: string | undefined;
  /** Members written or found good. Absent unless the phase is `extract` or `check`. */
  readonly members?: number | undefined;
}

/** An attempt of a download has failed; another one follows after `delayMs`. */
export interface RetryEvent extends AboutFile {
  readonly event: 'retry';
  /** The attempt that failed, counted from 1. */
  readonly attempt: number;
  /** Time until the next attempt. */
  readonly delayMs: number;
  /** Why it failed. */
  readonly error: ErrorRecord;
  /** Bytes kept, which the next attempt resumes from. */
  readonly keptBytes: number;
}

/** A page could not be had, or has no links; it is asked for again after `delayMs`. */
export interface SourceRetryEvent {
  readonly event: 'source-retry';
  /** The source, safe to print. */
  readonly source: string;
  /** The attempt that failed, counted from 1. */
  readonly attempt: number;
  /** Time until the next attempt. */
  readonly delayMs: number;
  /** Why it failed. */
  readonly error: ErrorRecord;
}

/** A source was given up for this file; the next one is tried. */
export interface SourceLeftEvent extends AboutFile {
  readonly event: 'source-left';
  /** The source, safe to print. */
  readonly source: string;
  /** Why it was given up. */
  readonly error: ErrorRecord;
}

/** Something that does not end the run and should be known. */
export interface WarningEvent {
  readonly event: 'warning';
  readonly code: WarningCode;
  /** Manifest name. Absent where no single file is concerned. */
  readonly file?: string | undefined;
  /** Subsets that `file` belongs to. Absent where `file` is, and where the manifest does not have it. */
  readonly subsets?: readonly string[] | undefined;
  /** A sentence for people: its wording may change. */
  readonly message: string;
  /** What the user can do about it, as data. Absent where nothing is known that would help. */
  readonly next?: readonly NextStep[] | undefined;
}

/**
 * `content-checked`: a file with a disputed MD5 was accepted by its content; `archive-oddity`: an
 * archive that is unusual, and safe; `no-label-file`, `join-remark`, `unknown-folder`: what does not
 * add up between images and labels; `stale-lock`: a lock of a process that is gone was removed;
 * `disk`: something on the disk is not as it should be; `source`: something at a source is not;
 * `sloppy-http`: a server's HTTP is malformed, and is read by a lenient client over one connection;
 * `manifest`: another manifest is used than the one that the dataset directory keeps, or that can't be
 * used, or not be written; `open-to-network`: what is served can be read by others than this machine;
 * `lockfile`: another version of ccxri wrote the lockfile, or a split does not say how it was made;
 * `environment`: a variable that is not understood, or that weakens security.
 */
export type WarningCode =
  | 'content-checked'
  | 'archive-oddity'
  | 'no-label-file'
  | 'join-remark'
  | 'unknown-folder'
  | 'stale-lock'
  | 'disk'
  | 'source'
  | 'sloppy-http'
  | 'manifest'
  | 'open-to-network'
  | 'lockfile'
  | 'environment';

/** What is good of a damaged archive is kept, and the rest of it is downloaded. */
export interface RepairEvent extends AboutFile {
  readonly event: 'repair';
  /** Members that are damaged, or that the file ends before, relative to images/<archive>/. */
  readonly badMembers: readonly string[];
  /** Is the archive's directory, or what stands behind it, wrong or missing? */
  readonly isDirectoryBad: boolean;
  /** Bytes of the damaged file that are kept. */
  readonly keptBytes: number;
  /** Why all of it is downloaded, in words. Null where it is not. */
  readonly wholeBecause: string | null;
}

/** The number of connections changes, where the run finds it itself. */
export interface ConnectionsEvent {
  readonly event: 'connections';
  /** Connections in all, from now on. */
  readonly connections: number;
  /** Connections in all, until now. */
  readonly before: number;
  /**
   * `trial`: more may be faster; `no-gain`: they were not faster by a fifth; `refused`: a server has
   * refused some.
   */
  readonly why: 'trial' | 'no-gain' | 'refused';
  /** Measured with as many as before. Null after a refusal. */
  readonly bytesPerSecond: number | null;
}

/** A host is requested through a proxy; once for each host. */
export interface ProxyEvent {
  readonly event: 'proxy';
  /** The host, with its port where that is not the usual one. */
  readonly host: string;
  /** The proxy, without user and password. */
  readonly proxy: string;
  /** The variable that names it. */
  readonly variable: string;
}

/** A file is settled for this run, good or bad. */
export interface FileDoneEvent extends AboutFile {
  readonly event: 'file-done';
  readonly status: FileStatus;
  /** Absent from `verify`, which only looks. */
  readonly did?: FileDid | undefined;
  /**
   * The published MD5 is disputed and did not match: the file was accepted by its content. Absent in
   * all other cases.
   */
  readonly check?: 'content-checked' | undefined;
  /** What is wrong. Absent where nothing is. */
  readonly error?: ErrorRecord | undefined;
  /** Members that are damaged in the archive and were left out. Absent where there are none. */
  readonly damagedMembers?: readonly DamagedMember[] | undefined;
  /** Images of the choice that are here now. Absent of label files, and where no images were chosen. */
  readonly images?: number | undefined;
}

/** A member that can't be unpacked whole. */
export interface DamagedMember {
  /** Of an outcome: relative to the dataset directory. Else its name below images/<archive>/. */
  readonly path: string;
  /** What is wrong with it, in words. */
  readonly why: string;
}

/**
 * What the run did with a file. `downloaded`; `repaired`: it was here and damaged, and what was wrong with it
 * was downloaded; `adopted`: it, or images of it, were found elsewhere and taken; `checked`: it was here, not known to be right, and has passed; `extracted`; `skipped`: there was nothing to do; `failed`: see `error`; `stopped`: not
 * finished, because the run ended early; `described`: it is in the manifest that was made.
 */
export type FileDid =
  | 'downloaded'
  | 'repaired'
  | 'adopted'
  | 'checked'
  | 'extracted'
  | 'skipped'
  | 'failed'
  | 'stopped'
  | 'described';

/** An archive was deleted (`--delete-archives`): all its images are extracted and checked. */
export interface ArchiveRemovedEvent extends AboutFile {
  readonly event: 'archive-removed';
  /** Size of the archive. */
  readonly bytes: number;
}

/** index.csv, or the file of `--output`, was written. */
export interface IndexWrittenEvent {
  readonly event: 'index-written';
  /** The file. */
  readonly path: string;
  /** Its rows, without the header. */
  readonly rows: number;
}

/** A check of `doctor` has ended. */
export interface CheckEvent extends CheckRow {
  readonly event: 'check';
}

/** The demo begins. */
export interface DemoStartEvent {
  readonly event: 'demo-start';
  /** Where the synthetic release is served, by this process. */
  readonly page: string;
  /** The dataset directory that the demo makes. */
  readonly dest: string;
  /** Files of the release. */
  readonly files: number;
  /** Bytes of these files. */
  readonly bytes: number;
  /** How long the demo takes, if everything has to be downloaded. */
  readonly aboutMs: number;
}

/** Something that went wrong in the demo on purpose, and was put right. */
export interface CaughtFault {
  /**
   * `cut`: the server closed a connection in the middle of a file; `flip`: it served a file with one
   * wrong bit; `kill`: the process of the fetch was killed (SIGKILL); `stop`: the fetch was stopped instead,
   * because no process could be started for it.
   */
  readonly fault: 'cut' | 'flip' | 'kill' | 'stop';
  /** Manifest name of the file that was resumed, or downloaded again. Absent where none was in work. */
  readonly file?: string | undefined;
  /** Subsets that it belongs to. Absent where `file` is. */
  readonly subsets?: readonly string[] | undefined;
  /** The byte at which the file was resumed. Absent where it was downloaded again. */
  readonly resumedAtByte?: number | undefined;
  /** Length of the file. Absent where `file` is. */
  readonly totalBytes?: number | undefined;
  /** What should have been served, in words. Absent unless `fault` is `flip`. */
  readonly expected?: string | undefined;
  /** What was served, in words. Absent unless `fault` is `flip`. */
  readonly found?: string | undefined;
  /** Files that were whole and checked before it. Absent unless `fault` is `kill` or `stop`. */
  readonly filesKept?: number | undefined;
}

/** What went wrong in the demo on purpose has been put right. */
export interface CaughtEvent extends CaughtFault {
  readonly event: 'caught';
}

export type EventListener = (event: RunEvent) => void;

/** The events of a run, those of a file with its subsets. */
export function withSubsets(
  listener: EventListener,
  files: readonly { readonly name: string; readonly subsets: readonly string[] }[],
): EventListener {
  const subsetsOf = new Map(files.map(({ name, subsets }) => [name, subsets]));
  return (event) => {
    // The demo's own: it has them already.
    if (!('file' in event) || event.event === 'caught') {
      listener(event);
      return;
    }
    const subsets = subsetsOf.get(event.file ?? '');
    listener(subsets === undefined ? event : { ...event, subsets });
  };
}

/** The default listener: the library is silent. */
export const ignoreEvents: EventListener = () => undefined;
