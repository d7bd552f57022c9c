import { LANES } from '../threads/budget.ts';
import { SCALAR_KERNEL, SIMD_KERNEL } from './kernel.generated.ts';

/** The part of the engine's WebAssembly that is used here; Node's types leave it out. */
interface Engine {
  readonly Memory: new (limits: { readonly initial: number; readonly maximum: number }) => Memory;
  readonly Module: new (code: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: { readonly env: { readonly memory: Memory } },
  ) => { readonly exports: Readonly<Record<string, HashBlocks>> };
  readonly validate: (code: Uint8Array) => boolean;
}
interface Memory {
  readonly buffer: ArrayBuffer;
}
type HashBlocks = (blocks: number) => void;

declare const WebAssembly: Engine;

/** Node without it (`--jitless`) can only hash with node:crypto. */
export function hasWebAssembly(): boolean {
  return typeof WebAssembly !== 'undefined';
}

// The memory that the kernels (kernel.as.ts) share with this file.

/** Words of one vector. */
export const LANES_A_GROUP = 4;
/** A, B, C and D of each lane. */
const STATES_AT = 0;
const STATE_BYTES = 16;
/** The address of each lane's next block, 32 bits each. */
const POINTERS_AT = 128;
/** What is between is the kernels' own. A slot of each lane starts at a page, for quick copies. */
const SLOTS_AT = 4096;
/**
 * How much is read of a file at a time: large enough for disks and network shares, small enough that
 * eight of them stay in a processor's cache.
 */
export const SPAN_BYTES = 1024 * 1024;
/** A span, and room for the padding behind the last one of a file. */
const SLOT_BYTES = SPAN_BYTES + 4096;
/** Of 64 KiB. Pages that are never touched take no memory. */
const MEMORY_PAGES = Math.ceil((SLOTS_AT + LANES * SLOT_BYTES) / 65_536);
const BLOCK_BYTES = 64;

/** A, B, C and D of an MD5, the lowest byte first. */
export type Md5State = Uint8Array;

/** RFC 1321, section 3.3. */
export function newState(): Md5State {
  return Uint8Array.from(Buffer.from('0123456789abcdeffedcba9876543210', 'hex'));
}

/** In lower-case hex. */
export function toHex(state: Md5State): string {
  return Buffer.from(state).toString('hex');
}

/** Whole blocks of one MD5, in the kernels' memory. */
interface LaneBlocks {
  readonly state: Md5State;
  /** Address of the first block. */
  readonly at: number;
}

/** The MD5 kernels and their memory. An MD5 may go on in any lane of any of them. */
export class Kernels {
  readonly memory: Uint8Array;
  readonly #view: DataView;
  readonly #hash1: HashBlocks | undefined;
  readonly #hash4: HashBlocks | undefined;
  readonly #hash8: HashBlocks | undefined;

  /** @param simd false: as on a processor without SIMD */
  constructor({ simd = true }: { readonly simd?: boolean } = {}) {
    const memory = new WebAssembly.Memory({ initial: MEMORY_PAGES, maximum: MEMORY_PAGES });
    this.memory = new Uint8Array(memory.buffer);
    this.#view = new DataView(memory.buffer);
    const simdCode = Buffer.from(SIMD_KERNEL, 'base64');
    const hasSimd = simd && WebAssembly.validate(simdCode);
    const code = hasSimd ? simdCode : Buffer.from(SCALAR_KERNEL, 'base64');
    const module = new WebAssembly.Module(code);
    const { hash1, hash4, hash8 } = new WebAssembly.Instance(module, { env: { memory } }).exports;
    this.#hash1 = hash1;
    if (!hasSimd) return;
    this.#hash4 = hash4;
    this.#hash8 = hash8;
  }

  /**
   * Continues up to eight MD5s with the same number of blocks each.
   *
   * GB/s of a processor, all lanes together (AMD EPYC of 2022, Node 20): eight lanes 4.1, four 2.6,
   * one 0.81; node:crypto 0.76. So four lanes pay from two streams on, and eight from five. A single
   * stream stays here as well: node:crypto is no faster, and could not give it back.
   */
  run(lanes: readonly LaneBlocks[], blocks: number): void {
    if (lanes.length > LANES_A_GROUP && this.#hash8 !== undefined) {
      this.#runTogether(this.#hash8, LANES, lanes, blocks);
    } else if (lanes.length > 1 && this.#hash4 !== undefined) {
      for (let at = 0; at < lanes.length; at += LANES_A_GROUP) {
        const group = lanes.slice(at, at + LANES_A_GROUP);
        this.#runTogether(this.#hash4, LANES_A_GROUP, group, blocks);
      }
    } else {
      for (const lane of lanes) this.#runTogether(this.#hash1, 1, [lane], blocks);
    }
  }

  #runTogether(
    hash: HashBlocks | undefined,
    width: number,
    lanes: readonly LaneBlocks[],
    blocks: number,
  ): void {
    const [first] = lanes;
    if (hash === undefined || first === undefined) throw new Error('no MD5 kernel, or no lane');
    for (let lane = 0; lane < width; lane += 1) {
      // An unused lane repeats the blocks of the first one; its result is ignored.
      const { state, at } = lanes[lane] ?? first;
      this.memory.set(state, STATES_AT + lane * STATE_BYTES);
      this.#view.setUint32(POINTERS_AT + lane * 4, at, true);
    }
    hash(blocks);
    for (const [lane, { state }] of lanes.entries()) {
      const at = STATES_AT + lane * STATE_BYTES;
      state.set(this.memory.subarray(at, at + STATE_BYTES));
    }
  }
}

/** Bytes of a slot to be hashed: whole blocks. */
export interface SlotWork {
  /** Of the MD5 to continue. */
  readonly state: Md5State;
  /** From 0. */
  readonly slot: number;
  readonly bytes: number;
}

/**
 * Up to eight streams whose next bytes are hashed in lock-step. A stream is only its state, and slots
 * are assigned for one span at a time, so there may be more streams than lanes.
 */
export class Lanes {
  readonly #kernels: Kernels;

  constructor(kernels = new Kernels()) {
    this.#kernels = kernels;
  }

  /** Room for a span of a file, to read into directly. */
  slot(slot: number): Uint8Array {
    return this.#kernels.memory.subarray(startOf(slot), startOf(slot) + SPAN_BYTES);
  }

  /**
   * Ends a message as in RFC 1321, sections 3.1 and 3.2: a 1 bit, zeros, and its length.
   * @param bytes in the slot, a span at most
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

  /** Hashes all of it; a stream with fewer bytes drops out, and the others go on. */
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

/** A single MD5 without node:crypto, for a host that refuses MD5 there. */
export class LaneMd5 {
  readonly #lanes = new Lanes();
  readonly #state = newState();
  /** Of the message so far. */
  #totalBytes = 0;
  /** Of them in the slot, not hashed yet. */
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
