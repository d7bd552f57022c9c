import cliProgress from 'cli-progress';
import type { PhaseProgress, RunEvent } from '../events.ts';
import { count, formatBytes, formatDuration } from '../text.ts';
import { widthOf } from './io.ts';
import { type Progress, type ProgressOptions, RunState } from './progress-state.ts';
import { PHASE_WORDS, amount, lineOf } from './progress-lines.ts';
import { wrapProse } from './view.ts';

/** To the end of the screen: a line above the bars must not leave parts of them behind. */
const CLEAR_BELOW = '\u001b[J';
/** Without moving the cursor's column. */
const ERASE_LINE = '\u001b[2K';
const UP = '\u001b[A';
const DOWN = '\u001b[B';
/** More bars than the screen has lines could not be overwritten. This many fit on any screen. */
const MIN_BARS = 2;

/** A bar for each file in work and one for all together, on a terminal. */
export class BarProgress implements Progress {
  readonly #options: ProgressOptions;
  readonly #state = new RunState();
  readonly #bars = new Map<string, cliProgress.SingleBar>();
  /** The lengths of the lines on the screen, from the top. */
  #drawn: number[] = [];
  #screen: cliProgress.MultiBar | undefined;

  constructor(options: ProgressOptions) {
    this.#options = options;
  }

  handle(event: RunEvent): void {
    this.#state.handle(event, this.#options.clock.nowMs());
    const line = lineOf(event, this.#state, this.#options.view);
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
    // Drawn at once: buffered lines are lost when the bars are stopped.
    this.#screen.update();
  }

  stop(): void {
    this.#options.stream.off('resize', this.#onResize);
    this.#screen?.stop();
    this.#screen = undefined;
    this.#bars.clear();
    this.#drawn = [];
  }

  /**
   * In a narrower window each line has become several, unknown to cli-progress. They are erased one by
   * one: clearing the rest of the screen at once would leave them in the scrollback of tmux.
   */
  readonly #onResize = (): void => {
    const { stream } = this.#options;
    const width = this.#width();
    const rows = this.#drawn.reduce((sum, columns) => sum + Math.ceil(columns / width), 0);
    stream.write(`${ERASE_LINE}${`${UP}${ERASE_LINE}`.repeat(Math.max(0, rows - 1))}`);
    // cli-progress moves up by the number of lines that it has drawn.
    stream.write(DOWN.repeat(Math.max(0, this.#drawn.length - 1)));
    const files = [...this.#bars.keys()];
    this.stop();
    const screen = (this.#screen = this.#open());
    for (const file of files) this.#show(file);
    screen.update();
  };

  #show(file: string): void {
    const screen = (this.#screen ??= this.#open());
    const { rows } = this.#options.stream;
    const room = Math.max(MIN_BARS, (rows ?? 24) - 3);
    if (this.#bars.has(file) || this.#bars.size >= room) return;
    const format = () => {
      const at = this.#state.progressOf(file);
      const width = this.#width();
      return this.#noteDrawn(at === undefined ? file.slice(0, width - 1) : fileBar(at, width));
    };
    this.#bars.set(file, screen.create(1, 0, {}, { format }));
  }

  #hide(file: string): void {
    const bar = this.#bars.get(file);
    if (bar === undefined) return;
    this.#bars.delete(file);
    this.#screen?.remove(bar);
    // `remove` leaves the cursor a line too low.
    this.#screen?.update();
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
    const format = () =>
      this.#noteDrawn(totalBar(this.#state, this.#options.clock.nowMs(), this.#width()));
    screen.create(1, 0, {}, { format });
    screen.on('redraw-pre', () => {
      this.#drawn = [];
    });
    this.#options.stream.on('resize', this.#onResize);
    return screen;
  }

  #noteDrawn(line: string): string {
    this.#drawn.push(line.length);
    return line;
  }

  #width(): number {
    return Math.max(2, widthOf(this.#options.stream));
  }
}

/** The line of all files together; at most `width` - 1 columns, so that no terminal wraps it. */
export function totalBar(state: RunState, nowMs: number, width: number): string {
  const at = state.position(nowMs);
  const all = state.filesInAll;
  const done = state.filesDone;
  const files = all === null ? `${count(done, 'file')} done` : `${done} of ${count(all, 'file')}`;
  const short = all === null ? `${done}` : `${done}/${all}`;
  const rate = `${formatBytes(at.bytesPerSecond)}/s`;
  const left =
    at.leftBytes === null || at.bytesPerSecond <= 0
      ? ''
      : `  about ${formatDuration((at.leftBytes * 1000) / at.bytesPerSecond)} left`;
  const percent = at.totalBytes === null ? '' : `  ${percentOf(at.doneBytes, at.totalBytes)}`;
  return firstThatFits(width, [
    `${files}  ${amount(at)}${percent}  ${rate}${left}`,
    `${files}  ${amount(at)}  ${rate}`,
    `${short}${percent}  ${rate}`,
    `${short}${percent}`,
  ]);
}

/** With the longest amounts the whole line is within the 79 columns of a common terminal. */
const BAR_LENGTH = 20;

/** The line of one file in work; at most `width` - 1 columns. */
export function fileBar(at: PhaseProgress, width: number): string {
  const { file, phase, doneBytes, totalBytes } = at;
  const name = file.padEnd(18);
  const word = PHASE_WORDS[phase].padEnd(8);
  const done = formatBytes(doneBytes);
  if (totalBytes === null) {
    return firstThatFits(width, [`${name}  ${word}  ${done}`, `${file}  ${done}`, file]);
  }
  const percent = percentOf(doneBytes, totalBytes);
  const bar = barOf(doneBytes, totalBytes, BAR_LENGTH);
  const room = Math.max(1, width - 2 - percent.length);
  return firstThatFits(width, [
    `${name}  ${word}  [${bar}]  ${percent}  ${done} of ${formatBytes(totalBytes)}`,
    `${name}  ${word}  ${percent}  ${done}`,
    `${file}  ${percent}`,
    `${file.slice(0, room)} ${percent}`,
  ]);
}

function firstThatFits(width: number, lines: readonly string[]): string {
  const most = Math.max(1, width - 1);
  return lines.find((line) => line.length <= most) ?? (lines.at(-1) ?? '').slice(0, most);
}

function fractionOf(done: number, total: number): number {
  return total <= 0 ? 1 : Math.min(1, Math.max(0, done / total));
}

/** Rounded down: only a complete file shows 100 %. */
function percentOf(done: number, total: number): string {
  return `${Math.floor(fractionOf(done, total) * 100)}%`.padStart(4);
}

function barOf(done: number, total: number, length: number): string {
  const full = Math.floor(fractionOf(done, total) * length);
  return '='.repeat(full) + ' '.repeat(length - full);
}
