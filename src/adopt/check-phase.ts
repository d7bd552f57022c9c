import type { Session } from '../dataset/session.ts';
import { ProgressThrottle } from '../progress-throttle.ts';

/** Emits the phase `check` of an archive's images: how much of them has been read. */
export class CheckPhase {
  readonly #file: string;
  readonly #onEvent: Session['onEvent'];
  readonly #progress: ProgressThrottle;
  #doneBytes = 0;
  #hasBegun = false;

  constructor(file: string, { clock, onEvent }: Pick<Session, 'clock' | 'onEvent'>) {
    this.#file = file;
    this.#onEvent = onEvent;
    this.#progress = new ProgressThrottle(clock, onEvent);
  }

  add(bytes: number): void {
    const phase = { file: this.#file, phase: 'check', totalBytes: null } as const;
    if (!this.#hasBegun) this.#onEvent({ event: 'phase-start', ...phase, doneBytes: 0 });
    this.#hasBegun = true;
    this.#doneBytes += bytes;
    this.#progress.emit({ ...phase, doneBytes: this.#doneBytes });
  }

  end(members: number): void {
    if (!this.#hasBegun) return;
    const of = { file: this.#file, bytes: this.#doneBytes, members };
    this.#onEvent({ event: 'phase-done', phase: 'check', ...of });
  }
}
