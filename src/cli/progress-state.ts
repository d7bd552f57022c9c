import type { Clock } from '../clock.ts';
import { type ErrorRecord, isOfManyFiles } from '../errors.ts';
import type { Phase, PhaseProgress, PlanEvent, RunEvent } from '../events.ts';
import type { CheckedWriter, OutStream } from './io.ts';
import type { View } from './view.ts';

/** The window of a rate: long enough to be steady, short enough to be current. */
const RATE_WINDOW_MS = 10_000;
const SAMPLE_EVERY_MS = 250;

interface Sample {
  readonly atMs: number;
  readonly moved: number;
}

/** How far a run is, by its most relevant phase. */
export interface Position {
  readonly phase: Phase;
  /** Bytes done of what this run has to do. Never beyond the total. */
  readonly doneBytes: number;
  /** Approximate; null: not known. */
  readonly totalBytes: number | null;
  readonly bytesPerSecond: number;
}

/** What the events of a run add up to: one state, which bars and lines both show. */
export class RunState {
  plan: PlanEvent | undefined;
  readonly #inFlight = new Map<string, PhaseProgress>();
  /** By phase: bytes done in this run. Goes back where a download has to start over. */
  readonly #done: Record<Phase, number> = { download: 0, hash: 0, extract: 0, check: 0 };
  readonly #last = new Map<string, number>();
  readonly #finished = new Set<string>();
  /** Messages of sources that can't be used at all. */
  readonly #sourceFailures = new Set<string>();
  #isRepetition = false;
  #phase: Phase = 'download';
  #moved = 0;
  #samples: Sample[] = [];

  handle(event: RunEvent, nowMs: number): void {
    this.#isRepetition = 'error' in event && this.#wasReported(event.file, event.error);
    if (event.event === 'plan') this.plan = event;
    if (event.event === 'phase-start' || event.event === 'progress') {
      this.#advance(event, event.doneBytes, nowMs);
      this.#inFlight.set(event.file, event);
    }
    if (event.event === 'phase-done') this.#advance(event, event.bytes, nowMs);
    if (event.event === 'file-done') this.#finished.add(event.file);
    if (event.event === 'phase-done' || event.event === 'file-done') {
      this.#inFlight.delete(event.file);
    }
  }

  /** The error of the last event was reported for another file: a source can't be used at all. */
  get isRepetition(): boolean {
    return this.#isRepetition;
  }

  get filesDone(): number {
    return this.#finished.size;
  }

  /** null: there was no plan. */
  get filesInAll(): number | null {
    return this.plan?.files ?? null;
  }

  get inFlight(): readonly PhaseProgress[] {
    return [...this.#inFlight.values()];
  }

  progressOf(file: string): PhaseProgress | undefined {
    return this.#inFlight.get(file);
  }

  position(nowMs: number): Position {
    const downloads = this.plan?.bytesToDownload ?? 0;
    const isDownload = downloads > 0 && this.#phase === 'download';
    const total = isDownload ? downloads : null;
    const done = Math.max(0, this.#done[this.#phase]);
    return {
      phase: this.#phase,
      doneBytes: total === null ? done : Math.min(done, total),
      totalBytes: total,
      bytesPerSecond: this.#rate(nowMs),
    };
  }

  #wasReported(file: string, error: ErrorRecord | undefined): boolean {
    if (error === undefined || !isOfManyFiles(error) || error.message.includes(file)) return false;
    const wasReported = this.#sourceFailures.has(error.message);
    this.#sourceFailures.add(error.message);
    return wasReported;
  }

  #advance(of: { file: string; phase: Phase }, doneBytes: number, nowMs: number): void {
    const key = `${of.phase}\n${of.file}`;
    // Bytes that were there at a file's first event are no work of this run.
    const step = doneBytes - (this.#last.get(key) ?? doneBytes);
    this.#last.set(key, doneBytes);
    this.#done[of.phase] += step;
    this.#moved += Math.max(0, step);
    this.#phase = this.#relevantPhase(of.phase);
    const newest = this.#samples.at(-1);
    if (newest !== undefined && nowMs - newest.atMs < SAMPLE_EVERY_MS) return;
    this.#samples = this.#samples.filter(({ atMs }) => nowMs - atMs <= RATE_WINDOW_MS);
    this.#samples.push({ atMs: nowMs, moved: this.#moved });
  }

  /** While anything downloads, the run is a download, whatever is extracted meanwhile. */
  #relevantPhase(current: Phase): Phase {
    if (current === 'download') return current;
    return this.inFlight.some(({ phase }) => phase === 'download') ? 'download' : current;
  }

  #rate(nowMs: number): number {
    const oldest = this.#samples.find(({ atMs }) => nowMs - atMs <= RATE_WINDOW_MS);
    if (oldest === undefined || nowMs <= oldest.atMs) return 0;
    return ((this.#moved - oldest.moved) * 1000) / (nowMs - oldest.atMs);
  }
}

/** Shows a run while it goes. */
export interface Progress {
  handle(event: RunEvent): void;
  /** A line of its own, above any bars. */
  note(line: string): void;
  /** Clears what is drawn. A later event draws again, so that a question can be asked in between. */
  stop(): void;
}

export interface ProgressOptions {
  readonly view: View;
  /** false: no heartbeat, only lines of what happened. */
  readonly heartbeat: boolean;
  /** Events are not shown, only notes. */
  readonly isQuiet: boolean;
  readonly stream: OutStream;
  readonly writer: CheckedWriter;
  readonly clock: Clock;
}
