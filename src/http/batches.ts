/** A reader is woken for so much, and a slab holds it: to wake it oftener costs more than it gives. */
export const SLAB_BYTES = 512 * 1024;

/**
 * Memory that bodies are collected in; shared, so that a thread can write it. V8 does not count such
 * memory, and collects it late: so all of it is used again, as much as was in use at once.
 */
export class Slabs {
  readonly #spare: Buffer[] = [];

  take(): Buffer {
    return this.#spare.pop() ?? Buffer.from(new SharedArrayBuffer(SLAB_BYTES));
  }

  /** Nobody looks at it any more. */
  giveBack(slab: Buffer): void {
    this.#spare.push(slab);
  }
}

/** The bytes of a body that have come and were not taken yet: copies, in few large pieces. */
export class Batches {
  readonly #memory: Slabs;
  /** Full, all but the last. */
  #slabs: readonly Buffer[] = [];
  #bytes = 0;
  #lent: readonly Buffer[] = [];

  constructor(memory: Slabs) {
    this.#memory = memory;
  }

  /** That wait. */
  get bytes(): number {
    return this.#bytes;
  }

  add(chunk: Uint8Array): void {
    for (let done = 0; done < chunk.length;) {
      const used = this.#bytes % SLAB_BYTES;
      if (used === 0) this.#slabs = [...this.#slabs, this.#memory.take()];
      const piece = chunk.subarray(done, done + SLAB_BYTES - used);
      this.#slabs.at(-1)?.set(piece, used);
      this.#bytes += piece.length;
      done += piece.length;
    }
  }

  /** All that waits. What was taken before is gone: its memory is used again. */
  take(): readonly Buffer[] {
    for (const slab of this.#lent) this.#memory.giveBack(slab);
    const bytes = this.#bytes;
    this.#lent = this.#slabs;
    this.#forget();
    return this.#lent.map((slab, n) => slab.subarray(0, bytes - n * SLAB_BYTES));
  }

  /** Forgets what waits. What was taken is gone as well. */
  drop(): void {
    for (const slab of [...this.#lent, ...this.#slabs]) this.#memory.giveBack(slab);
    this.#lent = [];
    this.#forget();
  }

  #forget(): void {
    this.#slabs = [];
    this.#bytes = 0;
  }
}
