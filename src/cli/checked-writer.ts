import { CcxriError, errnoOf } from '../errors.ts';
import type { OutStream } from './io.ts';

/**
 * Writes to a stream and hears how each write ended: a result that was lost on a full disk must
 * not exit 0. A reader that went away (`| head -1`) is no failure: the rest is dropped quietly.
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
      // A destroyed stream need not call back.
      if (this.#stream.destroyed) resolve();
    });
  }

  /** Resolves when all that was written has left; gives what went wrong, if anything did. */
  async flush(): Promise<CcxriError | undefined> {
    await this.#last;
    if (this.#failure === undefined) return undefined;
    const errno = errnoOf(this.#failure) ?? 'unknown error';
    return new CcxriError('disk-io', `could not write the result to stdout (${errno})`, {
      hint: 'look at where stdout leads (a full disk?), then run the same command again',
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
