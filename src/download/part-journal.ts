import { addSpan, bytesOf, prefixOf, type Span, type Spans } from './spans.ts';

/** What a kill can cost, a file in flight: writers wait before more than this is not flushed. */
export const CHECKPOINT_BYTES = 8 * 1024 * 1024;
/** A flush begins so early that the writers hardly ever have to wait for its end. */
const FLUSH_BYTES = CHECKPOINT_BYTES / 2;
/** On a slow line so many bytes are many minutes: what has come is flushed so often at least. */
export const CHECKPOINT_MS = 5000;

/**
 * Which bytes of a part are written, and which of these are safe: flushed, with a state on the disk
 * that says so. Flushes go on beside the writing: they are slow, and the next bytes need not wait.
 */
export class PartJournal {
  readonly #flush: (spans: Spans) => Promise<void>;
  readonly #nowMs: () => number;
  #written: Spans;
  #writtenBytes: number;
  #durableBytes: number;
  /** Under way: no flush can vouch for their bytes. */
  readonly #writes = new Set<Promise<void>>();
  #writingBytes = 0;
  /** When the last flush began. */
  #flushedAtMs: number;
  #checkpoint: Promise<void> | undefined;
  #isClosed = false;
  #failure: Error | undefined;

  /**
   * @param flush makes what is written last, and then says in the state that these spans do
   * @param nowMs a clock that does not jump
   */
  constructor(durable: Spans, flush: (spans: Spans) => Promise<void>, nowMs: () => number) {
    this.#flush = flush;
    this.#nowMs = nowMs;
    this.#flushedAtMs = nowMs();
    this.#written = durable;
    this.#writtenBytes = this.#durableBytes = bytesOf(durable);
  }

  get written(): Spans {
    return this.#written;
  }

  get writtenBytes(): number {
    return this.#writtenBytes;
  }

  /** Written from the first byte on without a gap. */
  get prefixBytes(): number {
    return prefixOf(this.#written);
  }

  /**
   * Runs a write when its loss is bearable.
   * @throws what a flush has met; what `write` throws
   */
  async record([from, to]: Span, write: () => Promise<void>): Promise<void> {
    const bytes = to - from;
    for (let atRisk = this.#atRiskBytes; atRisk > 0 && atRisk + bytes > CHECKPOINT_BYTES;) {
      await this.checkpoint();
      this.#assertFlushed();
      atRisk = this.#atRiskBytes;
    }
    this.#assertFlushed();
    // Who has waited for a flush meanwhile must not write to another file with the same number.
    if (this.#isClosed) throw new Error('the part is closed');
    this.#writingBytes += bytes;
    const writing = write();
    this.#writes.add(writing);
    try {
      await writing;
      this.#written = addSpan(this.#written, [from, to]);
      this.#writtenBytes = bytesOf(this.#written);
    } finally {
      this.#writingBytes -= bytes;
      this.#writes.delete(writing);
    }
    if (this.#isFlushDue) void this.checkpoint();
  }

  /** What goes wrong shows at the next write, or when the work settles. */
  async checkpoint(): Promise<void> {
    if (this.#failure !== undefined) return;
    this.#checkpoint ??= this.guard(this.#run())
      .catch(() => undefined)
      .finally(() => {
        this.#checkpoint = undefined;
      });
    await this.#checkpoint;
  }

  /**
   * A flush that failed is remembered. Asked again, the system may say that all is well, for it has
   * forgotten what it lost: nothing counts as safe after it that did not before.
   */
  async guard(flush: Promise<void>): Promise<void> {
    try {
      await flush;
    } catch (error) {
      this.#failure ??= error instanceof Error ? error : new Error(String(error));
      throw error;
    }
  }

  /** Waits for the writes and the flush under way. @throws what any flush has met */
  async settle(): Promise<void> {
    await this.#rest();
    this.#assertFlushed();
  }

  /** Lets no write begin any more, and waits for what is under way: the file may be closed then. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#rest();
  }

  async #rest(): Promise<void> {
    await Promise.allSettled(this.#writes);
    await this.#checkpoint;
  }

  async #run(): Promise<void> {
    const spans = this.#written;
    this.#flushedAtMs = this.#nowMs();
    await this.#flush(spans);
    // They count as safe when the state says so: a kill goes by that.
    this.#durableBytes = bytesOf(spans);
  }

  /** Looked at with each write: where none comes, nothing more is at risk. */
  get #isFlushDue(): boolean {
    if (this.#writtenBytes - this.#durableBytes >= FLUSH_BYTES) return true;
    return this.#nowMs() - this.#flushedAtMs >= CHECKPOINT_MS;
  }

  get #atRiskBytes(): number {
    return this.#writtenBytes - this.#durableBytes + this.#writingBytes;
  }

  #assertFlushed(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }
}
