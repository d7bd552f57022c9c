import { addSpan, bytesOf, prefixOf, type Span, type Spans } from './spans.ts';

/** What a kill can cost, per file: writers wait before more than this is unflushed. */
export const CHECKPOINT_BYTES = 8 * 1024 * 1024;
/** A flush begins this early, so that the writers hardly ever wait for its end. */
const FLUSH_BYTES = CHECKPOINT_BYTES / 2;
/** On a slow line that many bytes take minutes: what has arrived is flushed at least this often. */
export const CHECKPOINT_MS = 5000;

/**
 * Which bytes of a part are written, and which of these are durable: flushed, and listed by a state on
 * the disk. Flushes run beside the writes: they are slow, and the next bytes need not wait.
 */
export class PartJournal {
  readonly #flush: (spans: Spans) => Promise<void>;
  readonly #nowMs: () => number;
  #written: Spans;
  #writtenBytes: number;
  #durableBytes: number;
  /** Under way: not covered by any flush. */
  readonly #writes = new Set<Promise<void>>();
  #writingBytes = 0;
  /** When the last flush began. */
  #flushedAtMs: number;
  #checkpoint: Promise<void> | undefined;
  #isClosed = false;
  #failure: Error | undefined;

  /**
   * @param flush flushes what is written, then lists these spans in the state
   * @param nowMs a monotonic clock
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

  /** Length of the contiguous prefix. */
  get prefixBytes(): number {
    return prefixOf(this.#written);
  }

  /**
   * Runs a write as soon as a kill would not cost too much.
   * @throws what a flush failed with; what `write` throws
   */
  async record([from, to]: Span, write: () => Promise<void>): Promise<void> {
    const bytes = to - from;
    for (let atRisk = this.#atRiskBytes; atRisk > 0 && atRisk + bytes > CHECKPOINT_BYTES;) {
      await this.checkpoint();
      this.#assertFlushed();
      atRisk = this.#atRiskBytes;
    }
    this.#assertFlushed();
    // After waiting for a flush, the descriptor may belong to another file.
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

  /** A failure is thrown by the next write, or by `settle`. */
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
   * Remembers a failed flush. The next one may succeed, because the system has forgotten what it lost:
   * so nothing becomes durable after a failure.
   */
  async guard(flush: Promise<void>): Promise<void> {
    try {
      await flush;
    } catch (error) {
      this.#failure ??= error instanceof Error ? error : new Error(String(error));
      throw error;
    }
  }

  /** Waits for the writes and the flush under way. @throws what any flush failed with */
  async settle(): Promise<void> {
    await this.#idle();
    this.#assertFlushed();
  }

  /** Refuses further writes and waits for those under way: the file may be closed after this. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#idle();
  }

  async #idle(): Promise<void> {
    await Promise.allSettled(this.#writes);
    await this.#checkpoint;
  }

  async #run(): Promise<void> {
    const spans = this.#written;
    this.#flushedAtMs = this.#nowMs();
    await this.#flush(spans);
    // Durable only once the state lists them: the next run reads nothing else.
    this.#durableBytes = bytesOf(spans);
  }

  /** Checked with each write: without one, nothing more is at risk. */
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
