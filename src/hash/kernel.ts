import { SCALAR_KERNEL, SIMD_KERNELS } from './kernel.generated.ts';

/** What is used of the engine's WebAssembly; Node's types leave it out. */
interface Engine {
  readonly Memory: new (limits: { readonly initial: number; readonly maximum: number }) => Memory;
  readonly Module: new (code: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: { readonly env: { readonly memory: Memory } },
  ) => { readonly exports: Readonly<Record<string, Kernel>> };
  readonly validate: (code: Uint8Array) => boolean;
}
interface Memory {
  readonly buffer: ArrayBuffer;
}
type Kernel = (blocks: number) => void;

declare const WebAssembly: Engine;

/** Node without it (`--jitless`) can hash with node:crypto alone. */
export function hasWebAssembly(): boolean {
  return typeof WebAssembly !== 'undefined';
}

/** A, B, C and D of an MD5, as they lie in memory: the lowest byte first. */
export type Md5State = Uint8Array;

/** RFC 1321, section 3.3. */
export function newState(): Md5State {
  return Uint8Array.from(Buffer.from('0123456789abcdeffedcba9876543210', 'hex'));
}

/** Whole blocks of one MD5, in the kernels' memory. */
export interface LaneBlocks {
  readonly state: Md5State;
  /** Where the first block lies. */
  readonly at: number;
}

/**
 * The MD5 kernels, with their memory. A state is kept outside of them and may go on in any: a stream
 * that is left alone moves from eight lanes to one.
 */
export class Kernels {
  readonly memory: Uint8Array;
  readonly #view: DataView;
  readonly #hash1: Kernel | undefined;
  readonly #hash4: Kernel | undefined;
  readonly #hash8: Kernel | undefined;

  /** @param simd false: as on a processor without SIMD */
  constructor({ simd = true }: { readonly simd?: boolean } = {}) {
    const memory = new WebAssembly.Memory({ initial: MEMORY_PAGES, maximum: MEMORY_PAGES });
    this.memory = new Uint8Array(memory.buffer);
    this.#view = new DataView(memory.buffer);
    const load = (code: Uint8Array) =>
      new WebAssembly.Instance(new WebAssembly.Module(code), { env: { memory } }).exports;
    this.#hash1 = load(Buffer.from(SCALAR_KERNEL, 'base64'))['hash1'];
    const simdCode = Buffer.from(SIMD_KERNELS, 'base64');
    if (!simd || !WebAssembly.validate(simdCode)) return;
    const { hash4, hash8 } = load(simdCode);
    this.#hash4 = hash4;
    this.#hash8 = hash8;
  }

  /**
   * Goes on with up to eight MD5s over as many blocks of each.
   *
   * Which kernel was measured (AMD EPYC of 2022, Node 20; GB/s of a processor, all lanes together):
   * eight lanes 4.2, four 2.55, one 0.81; node:crypto 0.76. So four lanes pay from two streams on,
   * eight from five; and a stream that is alone is not handed to node:crypto, which is no faster
   * and could not give it back when others join.
   */
  run(lanes: readonly LaneBlocks[], blocks: number): void {
    if (lanes.length > LANES_A_GROUP && this.#hash8 !== undefined) {
      this.#runTogether(this.#hash8, lanes, { blocks, width: LANES });
    } else if (lanes.length > 1 && this.#hash4 !== undefined) {
      for (let at = 0; at < lanes.length; at += LANES_A_GROUP) {
        const some = lanes.slice(at, at + LANES_A_GROUP);
        this.#runTogether(this.#hash4, some, { blocks, width: LANES_A_GROUP });
      }
    } else {
      for (const lane of lanes) this.#runTogether(this.#hash1, [lane], { blocks, width: 1 });
    }
  }

  #runTogether(
    kernel: Kernel | undefined,
    lanes: readonly LaneBlocks[],
    { blocks, width }: { readonly blocks: number; readonly width: number },
  ): void {
    if (kernel === undefined) throw new Error('the MD5 kernels lack one');
    for (let place = 0; place < width; place += 1) {
      // A lane that is not needed goes over another's blocks, and nobody looks at what it finds.
      const lane = lanes[place] ?? lanes[0];
      if (lane === undefined) return;
      this.#view.setUint32(POINTERS_AT + place * 4, lane.at, true);
      this.#copyState(place, (at, word) =>
        this.memory.set(lane.state.subarray(word, word + 4), at),
      );
    }
    kernel(blocks);
    lanes.forEach(({ state }, place) =>
      this.#copyState(place, (at, word) => state.set(this.memory.subarray(at, at + 4), word)),
    );
  }

  /** A vector has the same word of four lanes: a lane's words lie 16 bytes apart. */
  #copyState(place: number, copy: (at: number, word: number) => void): void {
    const group = Math.floor(place / LANES_A_GROUP);
    const first = STATE_AT + group * GROUP_STATE_BYTES + (place % LANES_A_GROUP) * 4;
    for (let word = 0; word < 4; word += 1) copy(first + word * 16, word * 4);
  }
}

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

// Where things lie in the memory that the MD5 kernels share with their caller. The generator
// (scripts/md5-kernel/) builds these places into the kernels.

/** MD5s that go on in lock-step: two vectors of four 32-bit words, interleaved. */
export const LANES = 8;
/** Words of one vector. */
export const LANES_A_GROUP = 4;

/** Of each group the words A, B, C and D of its four lanes: four vectors of 16 bytes. */
export const STATE_AT = 0;
export const GROUP_STATE_BYTES = 64;
/** Of each lane the place of its next block, a 32-bit number. */
export const POINTERS_AT = 128;
/** Written to by the kernels and read by nobody. */
export const PINS_AT = 192;
/** RFC 1321's T[1] to T[64], 32 bits each. */
export const CONSTANTS_AT = 256;
/** Of each lane a slot that a file is read into; at whole memory pages, for quick copies. */
const SLOTS_AT = 4096;

/**
 * What is read of a file at a time, by whom it ever is hashed: large enough for disks and network
 * shares, small enough that eight of them stay in a processor's cache.
 */
export const SPAN_BYTES = 1024 * 1024;
/** A span, and room for the padding behind the last one of a file. */
const SLOT_BYTES = SPAN_BYTES + 4096;

/** Of 64 KiB. Those that are never touched take no memory. */
export const MEMORY_PAGES = Math.ceil((SLOTS_AT + LANES * SLOT_BYTES) / 65_536);

/** Bytes of an MD5 block. */
export const BLOCK_BYTES = 64;
