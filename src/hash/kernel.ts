import { SCALAR_KERNEL, SIMD_KERNELS } from './kernel.generated.ts';
import {
  GROUP_STATE_BYTES,
  LANES,
  LANES_A_GROUP,
  MEMORY_PAGES,
  POINTERS_AT,
  STATE_AT,
} from './kernel-layout.ts';

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
