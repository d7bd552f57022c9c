import { INFLATE_KERNEL } from './kernel.generated.ts';

/** A stream that has come to its end. What it points to is there until the next `room`. */
export interface Inflated<T> {
  readonly item: T;
  /** As many bytes as there should be, made of every packed byte; undefined: it is not so. */
  readonly content: Uint8Array | undefined;
}

interface Stream<T> {
  readonly item: T;
  readonly buffer: number;
  readonly packedBytes: number;
  readonly bytes: number;
}

/**
 * Unpacks up to four deflate streams (RFC 1951) in lock-step, which takes less than half of zlib's
 * time where most of them is literals, as in packed JPEGs. It says only which streams are right: what
 * is wrong with another, zlib is to say.
 */
export class Inflater<T> {
  readonly #memory: Uint8Array;
  readonly #state: DataView;
  readonly #functions: Kernel['functions'];
  /** By their place in the kernel's memory, without gaps. */
  #streams: readonly Stream<T>[] = [];
  #freeBuffers: readonly number[] = Array.from({ length: STREAMS }, (_, at) => at);

  constructor({ memory, functions }: Kernel) {
    this.#memory = memory;
    this.#state = new DataView(memory.buffer);
    this.#functions = functions;
  }

  /** Streams under way. */
  get load(): number {
    return this.#streams.length;
  }

  /** Whether another stream can be begun before some end. */
  get hasRoom(): boolean {
    return this.#freeBuffers.length > 0;
  }

  /** Whether a stream of this size can be unpacked here. */
  static fits(packedBytes: number, bytes: number): boolean {
    return Math.max(packedBytes, bytes) <= MAX_STREAM_BYTES;
  }

  /** Where the packed bytes of the next stream are to be put. */
  room(packedBytes: number): Uint8Array {
    const start = packedAt(this.#nextBuffer);
    return this.#memory.subarray(start, start + packedBytes);
  }

  /**
   * Begins with what lies in `room`.
   * @param item comes back with the result
   * @param bytes that it must unpack to
   */
  begin(item: T, packedBytes: number, bytes: number): void {
    const buffer = this.#nextBuffer;
    const at = stateAt(this.#streams.length);
    const [packed, out] = [packedAt(buffer), unpackedAt(buffer)];
    this.#write(at + STREAM.position, packed * 8 - 1);
    this.#write(at + STREAM.maxPosition, (packed + packedBytes + TOLERATED_BYTES) * 8);
    this.#write(at + STREAM.out, out);
    this.#write(at + STREAM.outStart, out);
    this.#write(at + STREAM.maxOut, out + bytes + TOLERATED_BYTES);
    this.#call('begin', at);
    this.#freeBuffers = this.#freeBuffers.filter((free) => free !== buffer);
    this.#streams = [...this.#streams, { item, buffer, packedBytes, bytes }];
  }

  /** Goes on until at least one stream has come to its end; there must be one under way. */
  run(): readonly Inflated<T>[] {
    const over = this.#takeOver();
    if (over.length > 0) return over;
    this.#call(`run${this.load}`);
    return this.#takeOver();
  }

  /** Forgets what is under way. */
  reset(): void {
    this.#freeBuffers = [...this.#freeBuffers, ...this.#streams.map(({ buffer }) => buffer)];
    this.#streams = [];
  }

  get #nextBuffer(): number {
    const [buffer] = this.#freeBuffers;
    if (buffer === undefined) throw new Error('no room for another stream');
    return buffer;
  }

  #takeOver(): readonly Inflated<T>[] {
    const over: Inflated<T>[] = [];
    for (const [place, stream] of [...this.#streams.entries()].reverse()) {
      const status = this.#read(stateAt(place) + STREAM.status);
      if (status === STATUS.running) continue;
      const isGood = status === STATUS.ended && this.#isExact(place, stream);
      const start = unpackedAt(stream.buffer);
      const content = isGood ? this.#memory.subarray(start, start + stream.bytes) : undefined;
      over.push({ item: stream.item, content });
      this.#remove(place, stream);
    }
    return over;
  }

  #isExact(place: number, { buffer, packedBytes, bytes }: Stream<T>): boolean {
    const at = stateAt(place);
    // The last bit that was used lies in the last byte.
    const end = (this.#read(at + STREAM.position) >>> 3) + 1;
    const isAllUsed = end === packedAt(buffer) + packedBytes;
    return isAllUsed && this.#read(at + STREAM.out) === unpackedAt(buffer) + bytes;
  }

  /** The last one takes its place. */
  #remove(place: number, { buffer }: Stream<T>): void {
    const last = this.#streams.length - 1;
    const from = stateAt(last);
    this.#memory.copyWithin(stateAt(place), from, from + STREAM_STATE_BYTES);
    const moved = this.#streams.slice(last);
    this.#streams =
      place === last
        ? this.#streams.slice(0, last)
        : [...this.#streams.slice(0, place), ...moved, ...this.#streams.slice(place + 1, last)];
    this.#freeBuffers = [...this.#freeBuffers, buffer];
  }

  #read(at: number): number {
    return this.#state.getInt32(at, true);
  }

  #write(at: number, value: number): void {
    this.#state.setInt32(at, value, true);
  }

  #call(name: string, argument?: number): void {
    const found = this.#functions[name];
    if (found === undefined) throw new Error(`the kernel has no ${name}`);
    found(argument);
  }
}

function stateAt(place: number): number {
  return FIRST_STREAM_AT + place * STREAM_STATE_BYTES;
}

/** What is used of the engine's WebAssembly; Node's types leave it out. */
interface Engine {
  readonly Memory: new (limits: { readonly initial: number; readonly maximum: number }) => Memory;
  readonly Module: new (code: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: { readonly env: { readonly memory: Memory } },
  ) => { readonly exports: Readonly<Record<string, KernelFunction>> };
}
interface Memory {
  readonly buffer: ArrayBuffer;
}
/** @param stream of `begin`: where its state lies */
type KernelFunction = (stream?: number) => void;

declare const WebAssembly: Engine | undefined;

/** The functions of one kernel and the memory that they work in. */
export interface Kernel {
  readonly memory: Uint8Array;
  readonly functions: Readonly<Record<string, KernelFunction>>;
}

/** undefined: a Node without WebAssembly (`--jitless`). */
export function loadKernel(): Kernel | undefined {
  // Where it is missing even its name is.
  if (typeof WebAssembly === 'undefined') return undefined;
  const memory = new WebAssembly.Memory({ initial: MEMORY_PAGES, maximum: MEMORY_PAGES });
  const module = new WebAssembly.Module(Buffer.from(INFLATE_KERNEL, 'base64'));
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  return { memory: new Uint8Array(memory.buffer), functions: exports };
}

/** Streams that are unpacked in lock-step, at most. */
export const STREAMS = 4;

/** The largest stream, packed or unpacked. Four of these, twice, are what a thread may hold. */
export const MAX_STREAM_BYTES = 2 * 1024 * 1024;

/** Bits that the fast table of literals takes at a time; longer codes are rare where literals are many. */
export const LITERAL_BITS = 10;
export const DISTANCE_BITS = 8;
export const LENGTH_CODE_BITS = 7;

/** Where the kernels have what, in bytes. First what all streams share: */
export const SHARED = {
  /** RFC 1951, 3.2.5: for each symbol the base, and the number of extra bits in the upper half. */
  lengthBases: 0,
  distanceBases: 128,
  /** 3.2.7: in which order the lengths of the code length codes come. */
  lengthOrder: 256,
  /** While codes are made: where the next symbol of each length goes. */
  starts: 288,
  lengthCodes: 320,
  lengthTable: 512,
  /** Of the literals' codes, and behind them those of the distances. */
  lengths: 768,
} as const;

/** What each stream has, from its own start. 32 bits each, then the tables of the block it is in. */
export const STREAM = {
  /** Of the last bit that was used, counted from memory's first. */
  position: 0,
  maxPosition: 4,
  out: 8,
  outStart: 12,
  maxOut: 16,
  status: 20,
  isLastBlock: 24,
  /** 16 bits for each piece of LITERAL_BITS: see program.ts. */
  literals: 32,
  /** Of symbols that are no literals. */
  others: 32 + 2048,
  distances: 32 + 4096,
  /** For longer codes: how many there are of each length, and the symbols in the codes' order. */
  literalCodes: 32 + 4096 + 512,
  distanceCodes: 32 + 4096 + 512 + 608,
} as const;

/** In front of the symbols in `…Codes`. */
export const COUNTS_BYTES = 32;

export const FIRST_STREAM_AT = 4096;
export const STREAM_STATE_BYTES = 6144;

/** Read or written beyond the end by a step that began in front of it. */
const IN_SLACK_BYTES = 64;
const OUT_SLACK_BYTES = 512;
/** So far beyond its end may a stream be before it is seen to be wrong. */
const TOLERATED_BYTES = 32;

const IN_BYTES = MAX_STREAM_BYTES + IN_SLACK_BYTES;
const OUT_BYTES = MAX_STREAM_BYTES + OUT_SLACK_BYTES;
const BUFFERS_AT = FIRST_STREAM_AT + STREAMS * STREAM_STATE_BYTES + IN_SLACK_BYTES;

/** Where a stream's packed bytes are put. @param buffer one of STREAMS */
const packedAt = (buffer: number): number => BUFFERS_AT + buffer * (IN_BYTES + OUT_BYTES);
/** Where they are unpacked to. */
const unpackedAt = (buffer: number): number => packedAt(buffer) + IN_BYTES;

const PAGE_BYTES = 65_536;
export const MEMORY_PAGES = Math.ceil((packedAt(STREAMS) + IN_SLACK_BYTES) / PAGE_BYTES);

export const STATUS = { running: 0, ended: 1, bad: 2 } as const;
