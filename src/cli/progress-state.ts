import type { Clock } from '../clock.ts';
import { isOfManyFiles } from '../errors.ts';
import type {
  ArchiveListedEvent,
  LookedEvent,
  Phase,
  PhaseProgress,
  PlanEvent,
  RunEvent,
  RunProgress,
} from '../events.ts';
import { causeKey } from './causes.ts';
import type { CheckedWriter, OutStream } from './io.ts';
import { RunWork } from './run-work.ts';
import { CurrentSpeed } from './speed.ts';
import type { ByPhase } from './time-left.ts';
import type { View } from './view.ts';

/** How often attempts that fail for the same reason are reported. */
const REPORT_EVERY_MS = 30_000;
/** The attempt for a page from which on a user should know why nothing happens. */
const WORTH_A_LINE = 3;
/** What is silent for so long is said to be. */
export const SILENT_MS = 3000;

/** How far a run is. */
export interface Position {
  /** The most relevant one: while anything downloads, the run is a download. */
  readonly phase: Phase;
  /** Bytes of this phase that this run has done. */
  readonly doneBytes: number;
  /** Approximate; null: not known. */
  readonly totalBytes: number | null;
  /** Of this phase, over the last seconds. */
  readonly bytesPerSecond: number;
  /** Of everything that the run does: 0 to 1, and never less than before. null: not known. */
  readonly fraction: number | null;
  /** Until everything is done. null: not known. */
  readonly leftMs: number | null;
  /** All files in work, or a page, wait: time until the first of them tries again. null: not all do. */
  readonly waitMs: number | null;
  /** How long no byte has moved. 0 where no file is in work. */
  readonly silentMs: number;
}

/** A file in work, and what it does. */
export interface FileInWork extends PhaseProgress {
  readonly bytesPerSecond: number;
  /** An attempt has failed: time until the next one. null: it is under way. */
  readonly waitMs: number | null;
  /** How long no byte has come. */
  readonly silentMs: number;
}

/** What the events have told of a file in work. */
interface Begun {
  at: PhaseProgress;
  readonly speed: CurrentSpeed;
  movedAtMs: number;
  triesAtMs: number | undefined;
}

type Listing = Pick<ArchiveListedEvent, 'listed' | 'archives'> | Pick<LookedEvent, 'files'>;

/** What the events of a run add up to: one state, which bars and lines both show. */
export class RunState {
  /** In the demo a line says of each failure that it was put right. */
  isDemo = false;
  readonly #work = new RunWork();
  readonly #inWork = new Map<string, Begun>();
  readonly #finished = new Set<string>();
  /** By source: when its page is asked for again. */
  readonly #pageAtMs = new Map<string, number>();
  /** When each cause of failures was reported last. */
  readonly #reportedAtMs = new Map<string, number>();
  #isRepetition = false;
  #filesInAll: number | null = null;
  /** Of a choice; null: there is none. */
  #imagesInAll: number | null = null;
  /** By file. */
  readonly #imagesDone = new Map<string, number>();
  #listing: Listing | null = null;
  #hasWork = false;
  #lastPhase: Phase = 'download';
  /** By phase: what is hashed meanwhile is no speed of a download. */
  readonly #speeds: ByPhase<CurrentSpeed> = {
    hash: new CurrentSpeed(),
    download: new CurrentSpeed(),
    extract: new CurrentSpeed(),
    check: new CurrentSpeed(),
    export: new CurrentSpeed(),
  };

  handle(event: RunEvent, nowMs: number): void {
    this.#isRepetition = this.#wasReported(event, nowMs);
    switch (event.event) {
      case 'archive-listed':
      case 'looked':
        this.#listing = event;
        this.#hasWork = true;
        return;
      case 'plan':
        this.#plan(event);
        return;
      case 'source-retry':
        this.#pageAtMs.set(event.source, nowMs + event.delayMs);
        this.#hasWork = true;
        return;
      case 'phase-start':
        this.#begin(event, event.uselessBytes ?? 0, nowMs);
        return;
      case 'progress':
        if (event.images !== undefined) this.#imagesDone.set(event.file, event.images);
        this.#moved(event, this.#work.advance(event, nowMs), nowMs);
        return;
      case 'retry':
        this.#fallBack(event, nowMs);
        return;
      case 'phase-done':
        this.#speeds[event.phase].add(this.#work.end(event, nowMs), nowMs);
        this.#inWork.delete(event.file);
        return;
      case 'file-done':
        this.#settle(event, nowMs);
        return;
      case 'demo-start':
        this.isDemo = true;
        return;
      case 'caught':
      case 'archive-removed':
      case 'source-left':
      case 'warning':
      case 'repair':
      case 'connections':
      case 'proxy':
      case 'index-written':
      case 'check':
      case 'serving':
      case 'request':
    }
  }

  #settle({ file, images = 0 }: Extract<RunEvent, { event: 'file-done' }>, nowMs: number): void {
    this.#work.settle(file, nowMs);
    this.#finished.add(file);
    this.#imagesDone.set(file, images);
    this.#inWork.delete(file);
  }

  /** The cause of the last event was reported before: of another file, or of another attempt. */
  get isRepetition(): boolean {
    return this.#isRepetition;
  }

  get filesDone(): number {
    return this.#finished.size;
  }

  /** null: there was no plan. */
  get filesInAll(): number | null {
    return this.#filesInAll;
  }

  /** Of the chosen ones: those that are here, or have come. */
  get imagesDone(): number {
    return [...this.#imagesDone.values()].reduce((sum, images) => sum + images, 0);
  }

  /** null: none were chosen. */
  get imagesInAll(): number | null {
    return this.#imagesInAll;
  }

  /** Archives are being listed, or directories looked through. null: no longer, or not at all. */
  get listing(): Listing | null {
    return this.#listing;
  }

  /** Of everything that the run does: see `Position`. */
  get fraction(): number | null {
    return this.#work.fraction;
  }

  /** Anything was begun: before that there is nothing to draw. */
  get hasWork(): boolean {
    return this.#hasWork;
  }

  /** In the order in which their work began. */
  filesInWork(nowMs: number): readonly FileInWork[] {
    return [...this.#inWork.values()].map(({ at, speed, movedAtMs, triesAtMs }) => ({
      ...at,
      bytesPerSecond: speed.at(nowMs),
      waitMs: triesAtMs === undefined || triesAtMs <= nowMs ? null : triesAtMs - nowMs,
      silentMs: nowMs - movedAtMs,
    }));
  }

  /** As `--ndjson` has it. */
  progress(nowMs: number): RunProgress {
    const leftMs = this.#work.timeLeftMs(nowMs);
    return {
      filesDone: this.filesDone,
      files: this.filesInAll,
      fraction: this.fraction,
      ...(this.imagesInAll !== null && { imagesDone: this.imagesDone, images: this.imagesInAll }),
      leftMs: leftMs === null ? null : Math.round(leftMs),
      inWork: [...this.#inWork.values()].map(({ at }) => {
        const { file, subsets, phase, doneBytes, totalBytes } = at;
        return { file, subsets, phase, doneBytes, totalBytes };
      }),
    };
  }

  position(nowMs: number): Position {
    const files = this.filesInWork(nowMs);
    const phase = this.#mainPhase(files);
    const { doneBytes, leftBytes } = this.#work.bytesOf(phase);
    const { fraction } = this;
    const waits = files.flatMap(({ waitMs }) => (waitMs === null ? [] : [waitMs]));
    const pages = [...this.#pageAtMs.values()].flatMap((at) => (at > nowMs ? [at - nowMs] : []));
    const allWait = waits.length === files.length && waits.length + pages.length > 0;
    return {
      phase,
      doneBytes,
      totalBytes: fraction === null ? null : doneBytes + leftBytes,
      bytesPerSecond: this.#speeds[phase].at(nowMs),
      fraction,
      leftMs: this.#work.timeLeftMs(nowMs),
      waitMs: allWait ? Math.min(...waits, ...pages) : null,
      silentMs: files.length === 0 ? 0 : Math.min(...files.map(({ silentMs }) => silentMs)),
    };
  }

  #plan({ files, images, work }: PlanEvent): void {
    this.#listing = null;
    this.#filesInAll = files;
    this.#imagesInAll = images?.images ?? null;
    this.#inWork.clear();
    this.#work.plan(work);
  }

  #fallBack(event: Extract<RunEvent, { event: 'retry' }>, nowMs: number): void {
    const begun = this.#inWork.get(event.file);
    if (begun !== undefined) {
      const doneBytes = Math.min(begun.at.doneBytes, event.keptBytes);
      begun.at = { ...begun.at, doneBytes };
      begun.triesAtMs = nowMs + event.delayMs;
    }
    this.#work.fallBack(event.file, event.keptBytes, nowMs);
  }

  /** Each cause is reported once, with its first file; why attempts fail, twice a minute at most. */
  #wasReported(event: RunEvent, nowMs: number): boolean {
    if (!('error' in event) || event.error === undefined) return false;
    const { error } = event;
    if (event.event === 'source-retry' && event.attempt < WORTH_A_LINE) return true;
    const isRetry = event.event === 'retry' || event.event === 'source-retry';
    const file = 'file' in event ? event.file : undefined;
    const isOfSource = isOfManyFiles(error) && !error.message.includes(file ?? '');
    if (!isRetry && !isOfSource && event.event !== 'file-done') return false;
    const about = isRetry ? 'retry' : isOfSource ? 'source' : 'file';
    const key = `${about} ${causeKey({ file, ...error })}`;
    const reportedAtMs = this.#reportedAtMs.get(key) ?? -Infinity;
    // A wait for a page is shown by the bar, and in a log by the heartbeat.
    const everyMs = event.event === 'retry' ? REPORT_EVERY_MS : Infinity;
    const isRepetition = nowMs - reportedAtMs < everyMs;
    if (!isRepetition) this.#reportedAtMs.set(key, nowMs);
    return isRepetition;
  }

  #begin(at: PhaseProgress, uselessBytes: number, nowMs: number): void {
    this.#listing = null;
    this.#work.begin(at, uselessBytes, nowMs);
    const speed = new CurrentSpeed();
    speed.add(0, nowMs);
    this.#speeds[at.phase].add(0, nowMs);
    this.#inWork.set(at.file, { at, speed, movedAtMs: nowMs, triesAtMs: undefined });
    this.#lastPhase = at.phase;
    this.#hasWork = true;
  }

  #moved(at: PhaseProgress, bytes: number, nowMs: number): void {
    if (!this.#inWork.has(at.file)) this.#begin(at, 0, nowMs);
    const begun = this.#inWork.get(at.file);
    if (begun === undefined) return;
    begun.at = at;
    begun.speed.add(bytes, nowMs);
    this.#speeds[at.phase].add(bytes, nowMs);
    if (bytes === 0) return;
    begun.movedAtMs = nowMs;
    begun.triesAtMs = undefined;
    this.#lastPhase = at.phase;
  }

  #mainPhase(files: readonly FileInWork[]): Phase {
    // At the end what was downloaded, as the plan has it: the last phase may be that of one small file.
    if (this.fraction === 1 && this.#work.bytesOf('download').doneBytes > 0) return 'download';
    if (files.some(({ phase }) => phase === 'download')) return 'download';
    return files.at(-1)?.phase ?? this.#lastPhase;
  }
}

/** Shows a run while it goes. */
export interface Progress {
  handle(event: RunEvent): void;
  /** A line of its own, above any bars. */
  note(line: string): void;
  /** Writes and draws nothing until the question is answered: what has happened meanwhile is told then. */
  ask<T>(question: () => Promise<T>): Promise<T>;
  /** Clears what is drawn. */
  stop(): void;
}

export interface ProgressOptions {
  readonly view: View;
  /** false: no heartbeat, only lines of what happened. */
  readonly heartbeat: boolean;
  /** Block characters can be shown: else bars are of ASCII. */
  readonly unicode: boolean;
  /** Events are not shown, only notes. */
  readonly isQuiet: boolean;
  readonly stream: OutStream;
  readonly writer: Pick<CheckedWriter, 'write'>;
  readonly clock: Clock;
}
