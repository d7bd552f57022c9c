import type { Clock } from '../clock.ts';
import { isOfManyFiles } from '../errors.ts';
import type { Phase, PhaseProgress, PlanEvent, RunEvent } from '../events.ts';
import { causeKey } from './causes.ts';
import type { CheckedWriter, OutStream } from './io.ts';
import type { View } from './view.ts';

/** The window of a rate: long enough to be steady, short enough to be current. */
const RATE_WINDOW_MS = 10_000;
const SAMPLE_EVERY_MS = 250;
/** How often attempts that fail for the same reason are reported. */
const REPORT_EVERY_MS = 30_000;

/** How far a run is, by its most relevant phase. */
export interface Position {
  readonly phase: Phase;
  /** Bytes done of what this run has to do. Never beyond the total. */
  readonly doneBytes: number;
  /** Approximate; null: not known. */
  readonly totalBytes: number | null;
  /** Approximate, with what has to come once more; null: not known. */
  readonly leftBytes: number | null;
  readonly bytesPerSecond: number;
}

/** Bytes a second, over the last seconds. */
class Speed {
  #moved = 0;
  #samples: readonly { readonly atMs: number; readonly moved: number }[] = [];

  add(bytes: number, nowMs: number): void {
    this.#moved += Math.max(0, bytes);
    const newest = this.#samples.at(-1);
    if (newest !== undefined && nowMs - newest.atMs < SAMPLE_EVERY_MS) return;
    const recent = this.#samples.filter(({ atMs }) => nowMs - atMs <= RATE_WINDOW_MS);
    this.#samples = [...recent, { atMs: nowMs, moved: this.#moved }];
  }

  at(nowMs: number): number {
    const oldest = this.#samples.find(({ atMs }) => nowMs - atMs <= RATE_WINDOW_MS);
    if (oldest === undefined || nowMs <= oldest.atMs) return 0;
    return ((this.#moved - oldest.moved) * 1000) / (nowMs - oldest.atMs);
  }
}

/** What the events of a run add up to: one state, which bars and lines both show. */
export class RunState {
  plan: PlanEvent | undefined;
  readonly #inFlight = new Map<string, PhaseProgress>();
  /** By phase: bytes done in this run. Goes back where a download has to start over. */
  readonly #done: Record<Phase, number> = { download: 0, hash: 0, extract: 0, check: 0 };
  readonly #last = new Map<string, number>();
  readonly #finished = new Set<string>();
  /** When each cause of failures was reported last. */
  readonly #reportedAtMs = new Map<string, number>();
  #isRepetition = false;
  #phase: Phase = 'download';
  /** By phase: what is hashed meanwhile is no speed of a download. */
  readonly #speeds: Record<Phase, Speed> = {
    download: new Speed(),
    hash: new Speed(),
    extract: new Speed(),
    check: new Speed(),
  };

  handle(event: RunEvent, nowMs: number): void {
    this.#isRepetition = this.#wasReported(event, nowMs);
    if (event.event === 'plan') this.plan = event;
    if (event.event === 'phase-start') {
      this.#start(event, event.uselessBytes ?? 0, nowMs);
      this.#inFlight.set(event.file, event);
    }
    if (event.event === 'progress') {
      this.#advance(event, event.doneBytes, nowMs);
      this.#inFlight.set(event.file, event);
    }
    if (event.event === 'phase-done') this.#advance(event, event.bytes, nowMs);
    if (event.event === 'file-done') this.#finished.add(event.file);
    if (event.event === 'phase-done' || event.event === 'file-done') {
      this.#inFlight.delete(event.file);
    }
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
    const reached = this.#done[this.#phase];
    const done = Math.max(0, reached);
    return {
      phase: this.#phase,
      doneBytes: total === null ? done : Math.min(done, total),
      totalBytes: total,
      leftBytes: total === null ? null : Math.max(0, total - reached),
      bytesPerSecond: this.#speeds[this.#phase].at(nowMs),
    };
  }

  /** A source that can't be used is reported once, and why attempts fail twice a minute at most. */
  #wasReported(event: RunEvent, nowMs: number): boolean {
    if (!('error' in event) || event.error === undefined) return false;
    const { file, error } = event;
    const isOfSource = isOfManyFiles(error) && !error.message.includes(file);
    if (event.event !== 'retry' && !isOfSource) return false;
    const key = `${event.event === 'retry' ? 'retry' : ''}${causeKey(error)}`;
    const reportedAtMs = this.#reportedAtMs.get(key) ?? -Infinity;
    const isRepetition =
      nowMs - reportedAtMs < (event.event === 'retry' ? REPORT_EVERY_MS : Infinity);
    if (!isRepetition) this.#reportedAtMs.set(key, nowMs);
    return isRepetition;
  }

  /**
   * Bytes that are there when a file begins, or begins once more, were not moved by this run.
   * @param uselessBytes counted as kept by the plan, and to be downloaded all the same
   */
  #start(at: PhaseProgress, uselessBytes: number, nowMs: number): void {
    const key = keyOf(at);
    if (!this.#last.has(key)) this.#last.set(key, at.doneBytes + uselessBytes);
    this.#done[at.phase] += at.doneBytes - (this.#last.get(key) ?? 0);
    this.#last.set(key, at.doneBytes);
    this.#advance(at, at.doneBytes, nowMs);
  }

  #advance(of: { file: string; phase: Phase }, doneBytes: number, nowMs: number): void {
    const key = keyOf(of);
    const step = doneBytes - (this.#last.get(key) ?? doneBytes);
    this.#last.set(key, doneBytes);
    this.#done[of.phase] += step;
    this.#speeds[of.phase].add(step, nowMs);
    this.#phase = this.#relevantPhase(of.phase);
  }

  /** While anything downloads, the run is a download, whatever is extracted meanwhile. */
  #relevantPhase(current: Phase): Phase {
    if (current === 'download') return current;
    return this.inFlight.some(({ phase }) => phase === 'download') ? 'download' : current;
  }
}

function keyOf({ phase, file }: { readonly phase: Phase; readonly file: string }): string {
  return `${phase}\n${file}`;
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
