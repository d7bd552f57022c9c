/** Entropy-coded bytes: bits from the top down, a 0 byte after each 0xff (T.81, F.1.2.3). */
export class BitWriter {
  #bytes: Uint8Array;
  #length = 0;
  #bits = 0;
  #pending = 0;

  constructor(expectedBytes: number) {
    this.#bytes = new Uint8Array(Math.max(64, expectedBytes));
  }

  /** @param length at most 16 */
  put(code: number, length: number): void {
    this.#bits = (this.#bits << length) | (code & ((1 << length) - 1));
    this.#pending += length;
    while (this.#pending >= 8) {
      this.#pending -= 8;
      const byte = (this.#bits >> this.#pending) & 0xff;
      this.#push(byte);
      if (byte === 0xff) this.#push(0);
    }
    // Only the bits that wait are kept: 7 and 16 more fit into 32.
    this.#bits &= (1 << this.#pending) - 1;
  }

  /** Fills the last byte with ones, as the standard wants it before a marker. */
  align(): void {
    if (this.#pending > 0) this.put(0xff, 8 - this.#pending);
  }

  /** A marker (0xff and its code); only when aligned. */
  marker(code: number): void {
    this.#push(0xff);
    this.#push(code);
  }

  get length(): number {
    return this.#length;
  }

  finish(): Uint8Array {
    this.align();
    return this.#bytes.subarray(0, this.#length);
  }

  #push(byte: number): void {
    if (this.#length === this.#bytes.length) {
      const larger = new Uint8Array(this.#bytes.length * 2);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes[this.#length] = byte;
    this.#length += 1;
  }
}
