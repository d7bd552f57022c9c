/** What is written in one go: fewer and larger ones are cheaper, up to this size. */
const SLAB_BYTES = 512 * 1024;
/** Kept for later use: as many as some connections have at once. */
const MAX_SPARE = 32;

/** Memory that bodies are collected in, used again and again. */
export class Slabs {
  readonly #spare: Buffer[] = [];

  take(): Buffer {
    return this.#spare.pop() ?? Buffer.allocUnsafeSlow(SLAB_BYTES);
  }

  /** Nobody looks at it any more. */
  giveBack(slab: Buffer): void {
    if (this.#spare.length < MAX_SPARE) this.#spare.push(slab);
  }
}

/** The bytes of a body that have come and were not taken yet: copies, in few large pieces. */
export class Batches {
  readonly #slabs: Slabs;
  #filled: readonly Buffer[] = [];
  #slab: Buffer | undefined;
  /** Of `#slab`. */
  #usedBytes = 0;
  #lent: readonly Buffer[] = [];

  constructor(slabs: Slabs) {
    this.#slabs = slabs;
  }

  /** That wait. */
  get bytes(): number {
    return this.#filled.length * SLAB_BYTES + this.#usedBytes;
  }

  add(chunk: Uint8Array): void {
    for (let done = 0; done < chunk.length;) {
      const slab = (this.#slab ??= this.#slabs.take());
      const piece = chunk.subarray(done, done + SLAB_BYTES - this.#usedBytes);
      slab.set(piece, this.#usedBytes);
      this.#usedBytes += piece.length;
      done += piece.length;
      if (this.#usedBytes < SLAB_BYTES) return;
      this.#filled = [...this.#filled, slab];
      this.#letGo();
    }
  }

  /** All that waits. What was taken before is gone: its memory is used again. */
  take(): readonly Buffer[] {
    for (const slab of this.#lent) this.#slabs.giveBack(slab);
    const slab = this.#slab;
    const rest = slab === undefined ? [] : [slab.subarray(0, this.#usedBytes)];
    const taken = [...this.#filled, ...rest];
    this.#lent = [...this.#filled, ...(slab === undefined ? [] : [slab])];
    this.#filled = [];
    this.#letGo();
    return taken;
  }

  /** Forgets what waits. What was taken stays as it is. */
  drop(): void {
    for (const slab of this.#filled) this.#slabs.giveBack(slab);
    if (this.#slab !== undefined) this.#slabs.giveBack(this.#slab);
    this.#filled = [];
    this.#letGo();
  }

  #letGo(): void {
    this.#slab = undefined;
    this.#usedBytes = 0;
  }
}
