import { Writable } from 'node:stream';
import type cliProgress from 'cli-progress';
import type { RunEvent } from '../events.ts';
import { HeldLines } from './held-lines.ts';
import { type OutStream, widthOf } from './io.ts';
import { lineOf } from './progress-lines.ts';
import { screenLines } from './progress-screen.ts';
import { type Progress, type ProgressOptions, RunState } from './progress-state.ts';
import { columnsOf, wrapProse } from './view.ts';

/** To the end of the screen: a line above the bars must not leave parts of them behind. */
const CLEAR_BELOW = '\u001b[J';
/** Without moving the cursor's column. */
const ERASE_LINE = '\u001b[2K';
const UP = '\u001b[A';
const DOWN = '\u001b[B';
const USUAL_ROWS = 24;

/** What is in work is told by these. */
const OF_WORK: ReadonlySet<RunEvent['event']> = new Set<RunEvent['event']>([
  'archive-listed',
  'looked',
  'phase-start',
  'progress',
  'phase-done',
  'file-done',
  'source-retry',
]);

/** A bar for everything, and a line for each file in work, on a terminal. */
export class BarProgress implements Progress {
  readonly #options: ProgressOptions;
  readonly #library: typeof cliProgress;
  readonly #state = new RunState();
  #lines: readonly string[] = [];
  /** The widths of the lines on the screen, from the top. */
  #drawn: readonly number[] = [];
  #screen: { readonly multi: cliProgress.MultiBar; readonly canvas: Canvas } | undefined;
  #bars: cliProgress.SingleBar[] = [];
  readonly #held = new HeldLines();

  /** @param library cli-progress, which is loaded for a terminal alone */
  constructor(options: ProgressOptions, library: typeof cliProgress) {
    this.#options = options;
    this.#library = library;
  }

  handle(event: RunEvent): void {
    const { clock, view } = this.#options;
    this.#state.handle(event, clock.nowMs());
    const line = lineOf(event, this.#state, view);
    if (line !== undefined && !this.#isCountedOnly(event)) this.note(line);
    const mayChangeLines = this.#screen === undefined || event.event !== 'progress';
    const isShown = mayChangeLines && !this.#held.isHolding;
    if (OF_WORK.has(event.event) && isShown && this.#state.hasWork) this.#show();
  }

  note(line: string): void {
    if (this.#held.take(line)) return;
    const text = wrapProse(line, this.#width(), '  ');
    if (this.#screen === undefined) {
      this.#options.writer.write(`${text}\n`);
      return;
    }
    this.#screen.multi.log(`${CLEAR_BELOW}${text}\n`);
    // Drawn at once: buffered lines are lost when the bars are stopped.
    this.#screen.multi.update();
  }

  /** Draws what is shown anew, as it is now. */
  draw(): void {
    this.#screen?.multi.update();
  }

  async ask<T>(question: () => Promise<T>): Promise<T> {
    this.stop();
    return this.#held.during(question, (line) => this.note(line));
  }

  stop(): void {
    this.#options.stream.off('resize', this.#onResize);
    this.#screen?.multi.stop();
    this.#screen = undefined;
    this.#bars = [];
    this.#drawn = [];
  }

  /** The bar has the count of files that are done; a line is for what has gone wrong. */
  #isCountedOnly(event: RunEvent): boolean {
    return event.event === 'file-done' && event.error === undefined && !this.#options.view.verbose;
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
    this.stop();
    this.#show();
    this.draw();
  };

  /** As many bars of cli-progress as there are lines: it knows how to draw lines over each other. */
  #show(): void {
    const { multi, canvas } = (this.#screen ??= this.#open());
    this.#compose();
    if (this.#bars.length === this.#lines.length) return;
    canvas.cork();
    while (this.#bars.length < this.#lines.length) {
      const at = this.#bars.length;
      this.#bars.push(multi.create(1, 0, {}, { format: () => this.#lines[at] ?? '' }));
    }
    while (this.#bars.length > this.#lines.length) {
      const bar = this.#bars.pop();
      if (bar !== undefined) multi.remove(bar);
    }
    // `remove` leaves the cursor a line too low.
    multi.update();
    canvas.uncork();
  }

  #compose(): void {
    const { stream, clock, view, unicode } = this.#options;
    const screen = {
      columns: this.#width(),
      rows: stream.rows ?? USUAL_ROWS,
      unicode,
      style: view.style,
    };
    this.#lines = screenLines(this.#state, clock.nowMs(), screen);
  }

  #open() {
    const canvas = new Canvas(this.#options.stream);
    const multi = new this.#library.MultiBar({
      stream: canvas,
      clearOnComplete: true,
      // true leaves the terminal's own wrapping on, so that log lines are not cut.
      linewrap: true,
      // A bar's text changes with the state, not with the value that cli-progress compares.
      forceRedraw: true,
      fps: 5,
    });
    multi.on('update-pre', () => canvas.cork());
    multi.on('redraw-pre', () => {
      this.#compose();
      this.#drawn = this.#bars.map((_, at) => columnsOf(this.#lines[at] ?? ''));
    });
    multi.on('update-post', () => canvas.uncork());
    this.#options.stream.on('resize', this.#onResize);
    return { multi, canvas };
  }

  #width(): number {
    return Math.max(2, widthOf(this.#options.stream));
  }
}

/**
 * What cli-progress draws on. It would cut each line at the terminal's width, and count the codes of
 * colours; and it writes a screen in many pieces, which would flicker.
 */
class Canvas extends Writable {
  readonly isTTY = true;
  readonly columns = Infinity;

  constructor(stream: OutStream) {
    const put = (text: string, done: () => void) => {
      stream.write(text);
      // At once: what is written to the stream itself must not overtake it.
      done();
    };
    super({
      decodeStrings: false,
      write: (chunk, _encoding, done) => put(String(chunk), done),
      writev: (chunks, done) => put(chunks.map(({ chunk }) => String(chunk)).join(''), done),
    });
  }
}
