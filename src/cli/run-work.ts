import type { Phase, PhaseProgress, PlannedWork } from '../events.ts';
import { MeanSpeed } from './speed.ts';
import { type ByPhase, PHASES, type Pace, timeLeftMs } from './time-left.ts';

/** Until this run has measured its own: a common line, a common disk, two processors. */
const EXPECTED_BYTES_PER_SECOND: ByPhase<number> = {
  hash: 400e6,
  download: 5e6,
  extract: 100e6,
  check: 100e6,
  export: 100e6,
};
/** Bytes were all there once, and may have to come again: only a run that is over is complete. */
const MOST_WHILE_OPEN = 0.999;
/** A time that is told sooner would be a guess. */
const TOLD_AFTER_MS = 3000;
/** A screen is drawn more often; nobody reads a time faster, and to estimate it takes a while. */
const TOLD_EVERY_MS = 1000;

/** One phase of a file. */
interface Item {
  readonly file: string;
  readonly phase: Phase;
  /** Where this run began; what was there before is not its work. */
  baseBytes: number;
  atBytes: number;
  totalBytes: number;
  hasBegun: boolean;
}

/**
 * Everything that a run does, as one: bytes to download, to check and to extract, each weighted by its
 * speed in this run. It knows no clock; the events say when they happened.
 */
export class RunWork {
  readonly #items = new Map<string, Item>();
  /** By file. */
  readonly #inWork = new Map<string, Phase>();
  readonly #filesAtOnce: Record<Phase, number> = { ...mapPhases(() => 1) };
  readonly #speeds = mapPhases((phase) => new MeanSpeed(EXPECTED_BYTES_PER_SECOND[phase]));
  #isPlanned = false;
  #fraction = 0;
  #nowMs: number | undefined;
  #told: { readonly atMs: number; readonly leftMs: number | null } = {
    atMs: -Infinity,
    leftMs: null,
  };

  /** Also a second one, in the demo: what was in work was killed, and is planned anew. */
  plan(work: readonly PlannedWork[]): void {
    this.#items.clear();
    this.#inWork.clear();
    // What was done before is not of this plan: label files, which say what to plan.
    if (!this.#isPlanned) this.#fraction = 0;
    this.#isPlanned = work.length > 0;
    for (const { file, phase, bytes } of work) {
      this.#itemOf({ file, phase }).totalBytes = bytes;
    }
  }

  /**
   * Also once more, from where it is resumed.
   * @param uselessBytes counted as kept by the plan, and to be downloaded all the same
   */
  begin(at: PhaseProgress, uselessBytes: number, nowMs: number): void {
    this.#passTo(nowMs);
    this.#inWork.set(at.file, at.phase);
    const inPhase = [...this.#inWork.values()].filter((phase) => phase === at.phase).length;
    this.#filesAtOnce[at.phase] = Math.max(this.#filesAtOnce[at.phase], inPhase);
    const item = this.#itemOf(at);
    if (!item.hasBegun) {
      // Planned was what has to come beside the bytes that are here.
      item.totalBytes += at.doneBytes + uselessBytes;
      item.baseBytes = at.doneBytes;
      item.hasBegun = true;
    }
    item.atBytes = at.doneBytes;
    item.baseBytes = Math.min(item.baseBytes, at.doneBytes);
    item.totalBytes = at.totalBytes ?? Math.max(item.totalBytes, at.doneBytes);
  }

  /** @returns bytes moved since the last progress; 0 where it starts over */
  advance(at: PhaseProgress, nowMs: number): number {
    this.#passTo(nowMs);
    const item = this.#itemOf(at);
    const moved = at.doneBytes - item.atBytes;
    item.atBytes = at.doneBytes;
    item.baseBytes = Math.min(item.baseBytes, at.doneBytes);
    item.totalBytes = Math.max(at.totalBytes ?? item.totalBytes, at.doneBytes);
    if (moved <= 0) return 0;
    this.#speeds[at.phase].add(moved);
    this.#moveOn(moved * this.#costOf(at.phase));
    return moved;
  }

  /** A download goes on, after a failure, from fewer bytes than it had. */
  fallBack(file: string, keptBytes: number, nowMs: number): void {
    this.#passTo(nowMs);
    const item = this.#items.get(keyOf({ file, phase: 'download' }));
    if (item === undefined) return;
    item.atBytes = Math.min(item.atBytes, keptBytes);
    item.baseBytes = Math.min(item.baseBytes, item.atBytes);
  }

  /** A phase has ended; of what size it was is known now. */
  end(of: { readonly file: string; readonly phase: Phase; readonly bytes: number }, nowMs: number) {
    // An archive is read once more for each part of a split.
    const totalBytes = of.phase === 'export' ? null : of.bytes;
    const moved = this.advance({ ...of, doneBytes: of.bytes, totalBytes }, nowMs);
    this.#inWork.delete(of.file);
    return moved;
  }

  /** Nothing more is done with a file, whatever was planned. */
  settle(file: string, nowMs: number): void {
    this.#passTo(nowMs);
    this.#inWork.delete(file);
    for (const phase of PHASES) {
      const item = this.#items.get(keyOf({ file, phase }));
      if (item !== undefined) item.totalBytes = item.atBytes;
    }
    if (this.#isPlanned && this.#open().length === 0) this.#fraction = 1;
  }

  /** 0 to 1; it never falls. null: nobody knows how much there is to do. */
  get fraction(): number | null {
    return this.#isPlanned ? this.#fraction : null;
  }

  /** What was done of a phase in this run, and what is to be done. */
  bytesOf(phase: Phase): { readonly doneBytes: number; readonly leftBytes: number } {
    let [doneBytes, leftBytes] = [0, 0];
    for (const item of this.#items.values()) {
      if (item.phase !== phase) continue;
      doneBytes += item.atBytes - item.baseBytes;
      leftBytes += leftOf(item);
    }
    return { doneBytes, leftBytes };
  }

  /** null: not known, or not yet. */
  timeLeftMs(nowMs: number): number | null {
    this.#passTo(nowMs);
    if (this.fraction === 1) return 0;
    if (nowMs - this.#told.atMs < TOLD_EVERY_MS) return this.#told.leftMs;
    const leftMs = this.#estimate();
    this.#told = { atMs: nowMs, leftMs };
    return leftMs;
  }

  #estimate(): number | null {
    const isMeasured = [...this.#inWork.values()].some(
      (phase) => this.#speeds[phase].measuredMs >= TOLD_AFTER_MS,
    );
    if (!this.#isPlanned || !isMeasured) return null;
    const paces = mapPhases((phase): Pace => {
      const { bytesPerSecond } = this.#speeds[phase];
      return { bytesPerSecond, filesAtOnce: this.#filesAtOnce[phase] };
    });
    const ms = timeLeftMs(this.#chains(), paces);
    return Number.isFinite(ms) ? ms : null;
  }

  /** By file, those in work first: the others wait for them. */
  #chains() {
    const files = new Map<string, Item[]>([...this.#inWork.keys()].map((file) => [file, []]));
    for (const item of this.#open()) {
      const items = files.get(item.file);
      if (items === undefined) files.set(item.file, [item]);
      else items.push(item);
    }
    return [...files.values()].map((items) =>
      items
        .sort((a, b) => PHASES.indexOf(a.phase) - PHASES.indexOf(b.phase))
        .map((item) => ({ phase: item.phase, bytes: leftOf(item) })),
    );
  }

  /**
   * Each step takes its share of what is left of the bar: where there is suddenly more to do, the bar goes
   * on more slowly, and never back.
   */
  #moveOn(cost: number): void {
    const left = this.#open().reduce(
      (sum, item) => sum + leftOf(item) * this.#costOf(item.phase),
      0,
    );
    const fraction = 1 - ((1 - this.#fraction) * left) / (left + cost);
    this.#fraction = Math.max(this.#fraction, Math.min(MOST_WHILE_OPEN, fraction));
  }

  /** Seconds a byte. */
  #costOf(phase: Phase): number {
    return 1 / Math.max(1, this.#speeds[phase].bytesPerSecond);
  }

  #open(): readonly Item[] {
    return [...this.#items.values()].filter((item) => leftOf(item) > 0);
  }

  #passTo(nowMs: number): void {
    const ms = nowMs - (this.#nowMs ?? nowMs);
    this.#nowMs = nowMs;
    for (const phase of new Set(this.#inWork.values())) this.#speeds[phase].pass(ms);
  }

  #itemOf({ file, phase }: { readonly file: string; readonly phase: Phase }): Item {
    const key = keyOf({ file, phase });
    const known = this.#items.get(key);
    if (known !== undefined) return known;
    const bytes = { baseBytes: 0, atBytes: 0, totalBytes: 0, hasBegun: false };
    const item: Item = { file, phase, ...bytes };
    this.#items.set(key, item);
    return item;
  }
}

function leftOf({ atBytes, totalBytes }: Item): number {
  return Math.max(0, totalBytes - atBytes);
}

function mapPhases<T>(make: (phase: Phase) => T): ByPhase<T> {
  return {
    hash: make('hash'),
    download: make('download'),
    extract: make('extract'),
    check: make('check'),
    export: make('export'),
  };
}

function keyOf({ phase, file }: { readonly phase: Phase; readonly file: string }): string {
  return `${phase}\n${file}`;
}
