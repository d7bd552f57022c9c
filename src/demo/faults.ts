import type { CaughtFault, EventListener, PhaseProgress, PlanEvent, RunEvent } from '../events.ts';
import type { Answer, Fault } from './serve-files.ts';

/** So many files are whole before the fetch is interrupted: there is something to keep. */
const LEAST_DONE = 3;
/** Less than this arrives in one piece, and is no beginning that could be kept. */
const LEAST_BYTES = 3 * 1024;

/** How the fetch was interrupted. */
export type Interruption = 'kill' | 'stop';

/**
 * What goes wrong in the demo, once each: the connection of the first archive is cut, the second archive has a
 * flipped bit, and the fetch is interrupted while the rest of the first one is held back. That it was put
 * right is read from the events of the fetch, and from what it asks the server for.
 */
export class Faults {
  readonly #onEvent: EventListener;
  readonly #interrupt: () => void;
  readonly #caught: CaughtFault[] = [];
  #cut: Answer | undefined;
  #flipped: Answer | undefined;
  #mismatch: Pick<CaughtFault, 'expected' | 'found'> | undefined;
  #plan: PlanEvent | undefined;
  #filesDone = 0;
  #isHeld = false;
  #isOver = false;
  #interruption: Interruption | undefined;

  /** @param interrupt called once, in the middle of the fetch */
  constructor(onEvent: EventListener, interrupt: () => void) {
    this.#onEvent = onEvent;
    this.#interrupt = interrupt;
  }

  /** What was put right so far. */
  get caught(): readonly CaughtFault[] {
    return this.#caught;
  }

  /** For the server: what goes wrong with this answer. */
  readonly faultOf = (answer: Answer): Fault | undefined => {
    const { name, fromByte, bytes, totalBytes } = answer;
    if (name === this.#cut?.name && fromByte > 0 && !this.#has('cut')) {
      this.#report({ fault: 'cut', file: name, resumedAtByte: fromByte, totalBytes });
    }
    if (this.#isOver || !name.endsWith('.zip')) return undefined;
    if (name === this.#cut?.name) {
      return { kind: 'hold', atByte: Math.floor(bytes / 2), onReached: this.#onHeld };
    }
    if (bytes < LEAST_BYTES) return undefined;
    if (this.#cut === undefined) {
      this.#cut = answer;
      return { kind: 'cut', atByte: Math.floor(bytes / 3) };
    }
    if (this.#flipped !== undefined || fromByte > 0) return undefined;
    this.#flipped = answer;
    return { kind: 'flip', atByte: Math.floor(bytes / 2) };
  };

  /** For the fetch: its events, of both of its runs. */
  readonly handle = (event: RunEvent): void => {
    this.#onEvent(event);
    if (event.event === 'plan') {
      this.#plan = event;
      this.#filesDone = 0;
    }
    if (event.event === 'retry' && event.file === this.#flipped?.name) {
      const { code, expected, found } = event.error;
      if (code === 'md5-mismatch') this.#mismatch = { expected, found };
    }
    if (event.event === 'phase-start' && event.phase === 'download') this.#onBegun(event);
    if (event.event === 'file-done' && event.did === 'downloaded') this.#onDownloaded(event.file);
    this.#interruptIfDue();
  };

  /** The fetch was interrupted, and runs again from now on. */
  onInterrupted(how: Interruption): void {
    this.#isOver = true;
    this.#interruption = how;
  }

  /** The fetch has ended. */
  finish(): void {
    this.#reportInterruption({});
  }

  readonly #onHeld = (): void => {
    this.#isHeld = true;
    this.#interruptIfDue();
  };

  #onBegun({ file, doneBytes: resumedAtByte }: PhaseProgress): void {
    if (file !== this.#cut?.name) return;
    const { totalBytes } = this.#cut;
    this.#reportInterruption(resumedAtByte > 0 ? { file, resumedAtByte, totalBytes } : {});
  }

  #onDownloaded(file: string): void {
    this.#filesDone += 1;
    if (file !== this.#flipped?.name || this.#mismatch === undefined || this.#has('flip')) return;
    this.#report({ fault: 'flip', file, totalBytes: this.#flipped.totalBytes, ...this.#mismatch });
  }

  /** The held file can't end: sooner or later it is the only one. */
  #interruptIfDue(): void {
    if (!this.#isHeld || this.#isOver) return;
    const isAlone = this.#filesDone + 1 >= (this.#plan?.toDownload ?? Infinity);
    if (!isAlone && (this.#filesDone < LEAST_DONE || !this.#has('flip'))) return;
    this.#isOver = true;
    this.#interrupt();
  }

  #reportInterruption(of: Partial<CaughtFault>): void {
    if (this.#interruption === undefined || this.#plan === undefined) return;
    const filesKept = this.#plan.files - this.#plan.toDownload;
    this.#report({ fault: this.#interruption, ...of, filesKept });
    this.#interruption = undefined;
  }

  #report(of: CaughtFault): void {
    const subsets = this.#plan?.work.find(({ file }) => file === of.file)?.subsets;
    const fault = subsets === undefined ? of : { ...of, subsets };
    this.#caught.push(fault);
    this.#onEvent({ event: 'caught', ...fault });
  }

  #has(fault: CaughtFault['fault']): boolean {
    return this.#caught.some((each) => each.fault === fault);
  }
}
