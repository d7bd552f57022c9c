import { type FileHandle, open } from 'node:fs/promises';
import type { Clock } from '../clock.ts';
import { CcxriError, errnoOf, toDiskError } from '../errors.ts';
import type { RunEvent } from '../events.ts';
import { assertOutputFile } from '../fs/paths.ts';
import { readVersion } from '../fs/package-version.ts';
import { toPrintable } from '../text.ts';
import { LineProgress } from './progress-lines.ts';
import type { Progress } from './progress-state.ts';
import { renderError, renderErrors } from './render-error.ts';
import type { Ending } from './report.ts';
import { View } from './view.ts';

/** Longer than any line of ccxri's own. */
const MOST_CHARACTERS = 20_000;

/**
 * Everything that a run says with `-v`, a line with its time each, behind what the file has: without colours,
 * whatever the screen shows.
 */
export class RunLog {
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #clock: Clock;
  readonly #view: View;
  readonly #lines: LineProgress;
  #last: Promise<void> = Promise.resolve();
  #onLost: ((message: string) => void) | undefined;
  #isLost = false;

  /** @throws CcxriError `usage`: it is there and not a file, or its directory is not there; of the disk */
  static async open(path: string, clock: Clock): Promise<RunLog> {
    await assertOutputFile(path, 'log-file');
    try {
      return new RunLog(path, await open(path, 'a'), clock);
    } catch (error) {
      // A file system of the kernel, as /proc, says so where it takes no file.
      if (errnoOf(error) !== 'ENOENT') throw toDiskError(error, 'write the log', { path });
      throw new CcxriError(
        'not-writable',
        `could not write the log ${toPrintable(path, 4096)} (ENOENT)`,
        {
          path,
          next: [{ kind: 'option', option: 'log-file' }],
          cause: error,
        },
      );
    }
  }

  private constructor(path: string, handle: FileHandle, clock: Clock) {
    this.#path = path;
    this.#handle = handle;
    this.#clock = clock;
    this.#view = new View({ width: Infinity, color: false, verbose: true });
    const writer = { write: (text: string) => this.#write(text) };
    const view = this.#view;
    this.#lines = new LineProgress({ view, heartbeat: true, isQuiet: false, writer, clock });
  }

  /** A screen whose run is written down as well. Where that fails, it says so once, and the run goes on. */
  beside(screen: Progress, command: string): Progress {
    this.#onLost = (message) => screen.note(`warning: ${message}`);
    this.#write(`ccxri ${readVersion()} ${command}\n`);
    const both = [screen, this.#lines] as const;
    return {
      handle: (event: RunEvent) => both.forEach((each) => each.handle(event)),
      note: (line) => both.forEach((each) => each.note(line)),
      ask: (question) => screen.ask(question),
      stop: () => both.forEach((each) => each.stop()),
    };
  }

  /** What the screen does not show, for the result lists it. */
  handle(event: RunEvent): void {
    this.#lines.handle(event);
  }

  /** What has gone wrong, and the exit code; then nothing more is written. */
  async close(ending: Ending, exitCode?: number): Promise<void> {
    this.#write(
      ending.kind === 'thrown'
        ? renderError(ending.error, this.#view)
        : renderErrors(ending.outcome.errors, this.#view),
    );
    if (exitCode !== undefined) this.#write(`exit code ${exitCode}\n`);
    await this.#last;
    await this.#handle.close().catch((error: unknown) => this.#lose(error));
  }

  /** In one piece for each call, so that runs that write to one file do not mix their lines. */
  #write(text: string): void {
    const time = this.#clock.date().toISOString();
    const lines = text.split('\n').filter((line) => line !== '');
    if (this.#isLost || lines.length === 0) return;
    const stamped = lines.map((line) => `${time} ${toPrintable(line, MOST_CHARACTERS)}\n`).join('');
    this.#last = this.#last.then(async () => {
      if (this.#isLost) return;
      await this.#handle.appendFile(stamped).catch((error: unknown) => this.#lose(error));
    });
  }

  #lose(error: unknown): void {
    if (this.#isLost) return;
    this.#isLost = true;
    const why = errnoOf(error) ?? 'unknown error';
    this.#onLost?.(
      `${toPrintable(this.#path, 4096)} gets no more lines: it could not be written (${why})`,
    );
  }
}
