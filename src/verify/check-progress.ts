import type { Clock } from '../clock.ts';
import type { EventListener } from '../events.ts';
import { ProgressTeller } from '../download/context.ts';

/** Bytes read in a run, whatever for. */
export interface ReadMeter {
  bytesRead: number;
}

/** Tells of an archive's phase `check`: its members, then its extracted images, as one. */
export class CheckProgress {
  readonly #file: string;
  readonly #onEvent: EventListener;
  readonly #teller: ProgressTeller;
  #doneBytes = 0;
  #totalBytes: number | null = null;

  constructor(file: string, context: { readonly clock: Clock; readonly onEvent: EventListener }) {
    this.#file = file;
    this.#onEvent = context.onEvent;
    this.#teller = new ProgressTeller(context.clock, context.onEvent);
  }

  /** The first call counts. @param totalBytes unpacked, of all that will be checked */
  begin(totalBytes: number): void {
    if (this.#totalBytes !== null) return;
    this.#totalBytes = totalBytes;
    this.#onEvent({ event: 'phase-start', ...this.#now() });
  }

  add(bytes: number): void {
    this.#doneBytes += bytes;
    this.#teller.tell(this.#now());
  }

  end(members: number): void {
    if (this.#totalBytes === null) return;
    const { file, phase, doneBytes: bytes } = this.#now();
    this.#onEvent({ event: 'phase-done', file, phase, bytes, members });
  }

  #now() {
    return {
      file: this.#file,
      phase: 'check',
      doneBytes: this.#doneBytes,
      totalBytes: this.#totalBytes,
    } as const;
  }
}
