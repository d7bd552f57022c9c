import type { RunEvent } from '../events.ts';
import { type Progress, type ProgressOptions, RunState } from './progress-state.ts';
import { heartbeatLine, lineOf } from './progress-text.ts';

export async function createProgress(options: ProgressOptions): Promise<Progress> {
  switch (options.mode) {
    case 'none':
      return {
        handle: () => undefined,
        note: (line) => {
          options.writer.write(`${line}\n`);
        },
        stop: () => undefined,
      };
    case 'bars':
      return (await import('./progress-bars.ts')).createBars(options);
    case 'lines':
      return new LineProgress(options);
  }
}

const HEARTBEAT_MS = 30_000;
/** How often is looked whether a heartbeat is due. */
const LOOK_EVERY_MS = 1000;

/**
 * Plain lines for logs and pipes: one when a file is done, and a heartbeat when nothing else was
 * said for 30 s while files are in work, so that no CI job is taken for hanging.
 */
export class LineProgress implements Progress {
  readonly #options: Omit<ProgressOptions, 'mode' | 'stream'>;
  readonly #state = new RunState();
  #lastLineMs: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: Omit<ProgressOptions, 'mode' | 'stream'>) {
    this.#options = options;
    this.#lastLineMs = options.clock.nowMs();
  }

  handle(event: RunEvent): void {
    this.#state.handle(event, this.#options.clock.nowMs());
    const line = lineOf(event, this.#state, this.#options);
    if (line !== undefined) this.note(line);
    if (!this.#options.heartbeat) return;
    this.tick();
    this.#timer ??= setInterval(() => this.tick(), LOOK_EVERY_MS).unref();
  }

  note(line: string): void {
    this.#options.writer.write(`${line}\n`);
    this.#lastLineMs = this.#options.clock.nowMs();
  }

  /** Says that the run is alive, if that is due. */
  tick(): void {
    const nowMs = this.#options.clock.nowMs();
    if (this.#state.inFlight.length === 0 || nowMs - this.#lastLineMs < HEARTBEAT_MS) return;
    this.note(heartbeatLine(this.#state, nowMs));
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
