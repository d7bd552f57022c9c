import cliProgress from 'cli-progress';
import type { RunEvent } from '../events.ts';
import { widthOf } from './io.ts';
import type { Progress, ProgressOptions } from './progress.ts';
import { RunState } from './progress-state.ts';
import { fileBar, lineOf, totalBar } from './progress-text.ts';
import { wrapProse } from './wrap.ts';

/** To the end of the screen: a line above the bars must not leave their remains behind it. */
const CLEAR_BELOW = '\u001b[J';
/** Bars higher than the screen could not be drawn over. Two lines are left for the rest. */
const MIN_BARS = 2;

type Options = Pick<ProgressOptions, 'stream' | 'verbose' | 'style' | 'clock' | 'writer'>;

export function createBars(options: Options): Progress {
  return new BarProgress(options);
}

/** A bar for each file in work and one for all together, on a terminal. */
class BarProgress implements Progress {
  readonly #options: Options;
  readonly #state = new RunState();
  readonly #bars = new Map<string, cliProgress.SingleBar>();
  #screen: cliProgress.MultiBar | undefined;

  constructor(options: Options) {
    this.#options = options;
  }

  handle(event: RunEvent): void {
    this.#state.handle(event, this.#options.clock.nowMs());
    const line = lineOf(event, this.#state, this.#options);
    if (line !== undefined) this.note(line);
    if (event.event === 'phase-start' || event.event === 'progress') this.#show(event.file);
    if (event.event === 'phase-done' || event.event === 'file-done') this.#hide(event.file);
  }

  note(line: string): void {
    const text = wrapProse(line, this.#width(), '  ');
    if (this.#screen === undefined) {
      this.#options.writer.write(`${text}\n`);
      return;
    }
    this.#screen.log(`${CLEAR_BELOW}${text}\n`);
    // Drawn at once: what waits in the buffer is lost when the bars are stopped.
    this.#screen.update();
  }

  stop(): void {
    this.#screen?.stop();
    this.#screen = undefined;
    this.#bars.clear();
  }

  #show(file: string): void {
    const screen = (this.#screen ??= this.#open());
    const { rows } = this.#options.stream;
    const room = Math.max(MIN_BARS, (rows ?? 24) - 3);
    if (this.#bars.has(file) || this.#bars.size >= room) return;
    const format = () => {
      const at = this.#state.progressOf(file);
      return at === undefined ? file.slice(0, this.#width() - 1) : fileBar(at, this.#width());
    };
    this.#bars.set(file, screen.create(1, 0, {}, { format }));
  }

  #hide(file: string): void {
    const bar = this.#bars.get(file);
    if (bar === undefined) return;
    this.#bars.delete(file);
    this.#screen?.remove(bar);
  }

  #open(): cliProgress.MultiBar {
    const screen = new cliProgress.MultiBar({
      stream: this.#options.stream,
      clearOnComplete: true,
      // true leaves the terminal's own wrapping on, so that log lines are not cut.
      linewrap: true,
      // A bar's text changes with the state, not with the value that cli-progress compares.
      forceRedraw: true,
      fps: 5,
    });
    const format = () => totalBar(this.#state, this.#options.clock.nowMs(), this.#width());
    screen.create(1, 0, {}, { format });
    return screen;
  }

  #width(): number {
    return Math.max(2, widthOf(this.#options.stream));
  }
}
