import { BLOCK_BYTES, SLOT_BYTES, SLOTS_AT, SPAN_BYTES } from './kernel-layout.ts';
import { Kernels, newState, type Md5State } from './kernel.ts';

/** What lies in a slot and is to be hashed: whole blocks. */
export interface SlotWork {
  /** Goes on with this MD5. */
  readonly state: Md5State;
  /** Of the slot, from 0. */
  readonly slot: number;
  readonly bytes: number;
}

/**
 * Up to eight streams whose next bytes are hashed in lock-step. A stream is no more than its state:
 * slots are lent to any of them, a span at a time, so that there may be more streams than lanes.
 */
export class Lanes {
  readonly #kernels: Kernels;

  constructor(kernels = new Kernels()) {
    this.#kernels = kernels;
  }

  /** Room for a span of a file: to be read into directly, without a copy. */
  slot(slot: number): Uint8Array {
    return this.#kernels.memory.subarray(startOf(slot), startOf(slot) + SPAN_BYTES);
  }

  /**
   * Ends a message as RFC 1321 has it (sections 3.1 and 3.2): a 1 bit, zeros, and its length.
   * @param bytes that lie in the slot, a span at most
   * @param totalBytes of the whole message
   * @returns bytes in the slot with the padding: whole blocks
   */
  pad(slot: number, bytes: number, totalBytes: number): number {
    const { memory } = this.#kernels;
    const LENGTH_BYTES = 8;
    const padded = Math.ceil((bytes + 1 + LENGTH_BYTES) / BLOCK_BYTES) * BLOCK_BYTES;
    const start = startOf(slot);
    memory.fill(0, start + bytes, start + padded);
    memory[start + bytes] = 0x80;
    const length = new DataView(memory.buffer, start + padded - LENGTH_BYTES, LENGTH_BYTES);
    length.setBigUint64(0, BigInt(totalBytes) * 8n, true);
    return padded;
  }

  /** Hashes all that is given; who has less drops out, and the others go on. */
  hash(works: readonly SlotWork[]): void {
    let left = works.filter(({ bytes }) => bytes >= BLOCK_BYTES);
    for (let done = 0; left.length > 0;) {
      const end = Math.min(...left.map(({ bytes }) => bytes));
      const lanes = left.map(({ state, slot }) => ({ state, at: startOf(slot) + done }));
      this.#kernels.run(lanes, (end - done) / BLOCK_BYTES);
      done = end;
      left = left.filter(({ bytes }) => bytes > end);
    }
  }
}

function startOf(slot: number): number {
  return SLOTS_AT + slot * SLOT_BYTES;
}

/** In lower-case hex. */
export function toHex(state: Md5State): string {
  return Buffer.from(state).toString('hex');
}

/** One MD5 after the other bytes, without node:crypto: for a host that refuses MD5 there. */
export class LaneMd5 {
  readonly #lanes = new Lanes();
  readonly #state = newState();
  /** Of the message so far; of them lie in the slot, not hashed yet: */
  #totalBytes = 0;
  #slotBytes = 0;

  update(bytes: Uint8Array): void {
    const slot = this.#lanes.slot(0);
    for (let at = 0; at < bytes.length;) {
      const piece = bytes.subarray(at, at + slot.length - this.#slotBytes);
      slot.set(piece, this.#slotBytes);
      at += piece.length;
      this.#slotBytes += piece.length;
      if (this.#slotBytes === slot.length) this.#hash(slot.length);
    }
    this.#totalBytes += bytes.length;
  }

  digest(): string {
    this.#hash(this.#lanes.pad(0, this.#slotBytes, this.#totalBytes));
    return toHex(this.#state);
  }

  #hash(bytes: number): void {
    this.#lanes.hash([{ state: this.#state, slot: 0, bytes }]);
    this.#slotBytes = 0;
  }
}
