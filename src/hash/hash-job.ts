import { ShortFileError } from './hash-errors.ts';
import type { FromHashThread, ToHashThread } from './hash-messages.ts';
import { SPAN_BYTES } from './kernel-layout.ts';

type End =
  | { readonly kind: 'done'; readonly md5: string }
  | { readonly kind: 'failed'; readonly error: Error };

/**
 * The MD5 of a file that a thread hashes, of its bytes as they lie on disk: whole, or behind a
 * writer. The file must stay open until `finish` or `stop` has ended.
 */
export class HashJob {
  readonly #id: number;
  readonly #post: (message: ToHashThread) => void;
  readonly #onBytes: ((hashedBytes: number) => void) | undefined;
  #writtenBytes = 0;
  /** As the thread knows it. */
  #postedBytes = 0;
  #hashedBytes = 0;
  #tellAtBytes = Infinity;
  #end: End | undefined;
  /** What the listener has thrown: the thread has yet to hear of it. */
  #thrown: Error | undefined;
  #waiting: (() => void)[] = [];

  constructor(
    id: number,
    post: (message: ToHashThread) => void,
    onBytes?: (hashedBytes: number) => void,
  ) {
    this.#id = id;
    this.#post = post;
    this.#onBytes = onBytes;
  }

  /** How far the hash is behind the writer, at most. */
  get lagBytes(): number {
    return this.#writtenBytes - this.#hashedBytes;
  }

  /** The thread reads the file no more. */
  get isOver(): boolean {
    return this.#end !== undefined;
  }

  /** The file is written without a gap up to here. */
  advance(writtenBytes: number): void {
    this.#writtenBytes = writtenBytes;
    // The thread takes whole spans, and every message costs.
    if (writtenBytes - this.#postedBytes >= SPAN_BYTES) this.#tellThread(false);
  }

  /** Waits until the hash is at most so far behind; the rest of a span comes with the next ones. */
  async catchUp(maxLagBytes: number): Promise<void> {
    const spans = this.#writtenBytes - (this.#writtenBytes % SPAN_BYTES);
    const wantedBytes = Math.min(this.#writtenBytes - maxLagBytes, spans);
    if (!this.#isAt(wantedBytes)) {
      this.#tellAtBytes = wantedBytes;
      this.#tellThread(false);
      while (!this.#isAt(wantedBytes)) await this.#news();
      this.#tellAtBytes = Infinity;
    }
    if (this.#end?.kind === 'failed') throw this.#end.error;
  }

  /** @returns the MD5 of all that was written, in lower-case hex */
  async finish(): Promise<string> {
    if (!this.isOver) this.#tellThread(true);
    while (this.#end === undefined) await this.#news();
    if (this.#end.kind === 'failed') throw this.#end.error;
    return this.#end.md5;
  }

  /** Waits until the thread reads the file no more; `finish` has no result then. */
  async stop(): Promise<void> {
    if (!this.isOver) this.#post({ kind: 'stop', id: this.#id });
    while (!this.isOver) await this.#news();
  }

  /** The thread's word. */
  hear(message: Exclude<FromHashThread, { readonly kind: 'ready' }>): void {
    switch (message.kind) {
      case 'progress':
        this.#advanceTo(message.hashedBytes);
        break;
      case 'done':
        this.#advanceTo(this.#writtenBytes);
        this.#end = this.#failedOr({ kind: 'done', md5: message.md5 });
        break;
      case 'short':
        this.#end = { kind: 'failed', error: new ShortFileError() };
        break;
      case 'failed': {
        const { code } = message;
        this.#end = { kind: 'failed', error: Object.assign(new Error(message.message), { code }) };
        break;
      }
      case 'stopped':
        this.#end = this.#failedOr({ kind: 'failed', error: new Error('the hash was stopped') });
    }
    this.#wake();
  }

  /** The thread is gone. */
  fail(error: Error): void {
    this.#end ??= { kind: 'failed', error };
    this.#wake();
  }

  #isAt(hashedBytes: number): boolean {
    return this.isOver || this.#hashedBytes >= hashedBytes;
  }

  #advanceTo(hashedBytes: number): void {
    if (hashedBytes === this.#hashedBytes) return;
    this.#hashedBytes = hashedBytes;
    try {
      this.#onBytes?.(hashedBytes);
    } catch (error) {
      // It must reach who has asked for the hash, not whoever hears the thread's messages.
      this.#thrown ??= error instanceof Error ? error : new Error(String(error));
      this.#post({ kind: 'stop', id: this.#id });
    }
  }

  #failedOr(end: End): End {
    return this.#thrown === undefined ? end : { kind: 'failed', error: this.#thrown };
  }

  #tellThread(isLast: boolean): void {
    this.#postedBytes = this.#writtenBytes;
    this.#post({
      kind: 'advance',
      id: this.#id,
      writtenBytes: this.#writtenBytes,
      isLast,
      tellAtBytes: this.#tellAtBytes,
    });
  }

  #news(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
