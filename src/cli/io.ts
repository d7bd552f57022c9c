import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { throwIfAborted, toAbortError } from '../abort.ts';
import type { Clock } from '../clock.ts';
import { CcxriError, errnoOf } from '../errors.ts';

/** An output stream of a process; a plain stream if there is no terminal. */
export type OutStream = Writable & {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
};

/** The world as the command line sees it, by argument: src/cli/main.ts alone has the real one. */
export interface CliIo {
  readonly stdout: OutStream;
  readonly stderr: OutStream;
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The current directory. */
  readonly cwd: string;
  /** Aborts with a StopRequest as its reason when a signal stops the process. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** As 20.19.1. */
  readonly nodeVersion: string;
  /** How to start this program once more, in a process of its own. Default: that is not possible. */
  readonly program?: readonly [string, ...string[]] | undefined;
}

/** Without a terminal lines are not wrapped, for `grep` and files. */
const DEFAULT_WIDTH = Infinity;

export function widthOf(stream: OutStream): number {
  const { columns } = stream;
  return columns === undefined || columns < 1 ? DEFAULT_WIDTH : columns;
}

/**
 * `auto`: colours on a terminal, but not in a CI log, unless NO_COLOR (https://no-color.org) or
 * FORCE_COLOR is set.
 */
export function wantsColor(
  choice: 'auto' | 'never' | 'always',
  stream: OutStream,
  env: CliIo['env'],
): boolean {
  if (choice !== 'auto') return choice === 'always';
  if ((env['NO_COLOR'] ?? '') !== '') return false;
  const force = env['FORCE_COLOR'];
  if (force !== undefined) return force !== '0' && force !== 'false';
  return isLiveTerminal(stream, env);
}

/** A terminal on which lines can be overwritten: no CI log, no dumb terminal. */
export function isLiveTerminal(stream: OutStream, env: CliIo['env']): boolean {
  return stream.isTTY === true && !isCi(env) && env['TERM'] !== 'dumb';
}

/**
 * Whether block characters can be shown, by the locale as POSIX reads it. The Linux console has none of
 * the narrow ones; the terminal of Windows has all, and no locale.
 */
export function hasBlocks(env: CliIo['env']): boolean {
  if (env['TERM'] === 'linux') return false;
  const locale = [env['LC_ALL'], env['LC_CTYPE'], env['LANG']].find((text) => text);
  return locale === undefined ? env['WT_SESSION'] !== undefined : /utf-?8/i.test(locale);
}

export function isCi(env: CliIo['env']): boolean {
  return !['', '0', 'false'].includes(env['CI'] ?? '');
}

/**
 * Writes to a stream and records the first failure: a result that was lost on a full disk must not
 * exit 0. A closed pipe (`| head -1`) is no failure: the rest is dropped silently.
 */
export class CheckedWriter {
  readonly #stream: OutStream;
  #last: Promise<void> = Promise.resolve();
  #closed = false;
  #failure: unknown;

  constructor(stream: OutStream) {
    this.#stream = stream;
    // Without a listener a failed write would bring the process down.
    stream.on('error', (error) => {
      this.#fail(error);
    });
  }

  write(text: string): void {
    if (this.#closed || text === '') return;
    this.#last = new Promise((resolve) => {
      this.#stream.write(text, (error) => {
        if (error !== null && error !== undefined) this.#fail(error);
        resolve();
      });
      // A destroyed stream may never call back.
      if (this.#stream.destroyed) resolve();
    });
  }

  /** Resolves when everything is written; gives the first failure, if there was one. */
  async flush(): Promise<CcxriError | undefined> {
    await this.#last;
    if (this.#failure === undefined) return undefined;
    const errno = errnoOf(this.#failure) ?? 'unknown error';
    return new CcxriError('disk-io', `could not write the result to stdout (${errno})`, {
      next: [
        { kind: 'advice', text: 'check where stdout leads (a full disk?)' },
        { kind: 'again' },
      ],
      cause: this.#failure,
    });
  }

  #fail(error: unknown): void {
    this.#closed = true;
    const errno = errnoOf(error) ?? '';
    if (!READER_GONE.has(errno)) this.#failure ??= error;
  }
}

const READER_GONE = new Set(['EPIPE', 'ECONNRESET', 'ERR_STREAM_DESTROYED']);

/**
 * Asks on stderr and reads a line from stdin; anything but `y` and `yes` is no, as is the end of input.
 * @throws CcxriError `aborted`
 */
export async function askYesNo(
  io: Pick<CliIo, 'stdin' | 'stderr' | 'signal'>,
  question: string,
): Promise<boolean> {
  throwIfAborted(io.signal);
  // Not in raw mode (`terminal: false`): Ctrl-C has to reach the process as a signal.
  const lines = createInterface({ input: io.stdin, terminal: false });
  io.stderr.write(`${question} [y/N] `);
  try {
    return await new Promise<boolean>((resolve, reject) => {
      lines.once('line', (line) => resolve(/^\s*y(?:es)?\s*$/i.test(line)));
      lines.once('close', () => resolve(false));
      io.signal.addEventListener('abort', () => reject(toAbortError(io.signal)), { once: true });
    });
  } finally {
    lines.close();
  }
}
