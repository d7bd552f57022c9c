import { INFLATE_KERNEL } from './kernel.generated.ts';

/** A stream that has ended. Its content is in place until the next `room`. */
export interface Inflated<T> {
  readonly item: T;
  /** Exactly the bytes expected, made of every packed byte; undefined: the stream is bad. */
  readonly content: Uint8Array | undefined;
}

interface Stream<T> {
  readonly item: T;
  readonly packedBytes: number;
  readonly bytes: number;
}

/** The largest stream, packed or unpacked; a thread holds four of these, twice. */
export const MAX_STREAM_BYTES = 2 * 1024 * 1024;

/** Streams that are unpacked in lock-step. */
const STREAMS = 4;
const SLOTS = Array.from({ length: STREAMS }, (_, slot) => slot);
const STATUS = { running: 0, ended: 1 } as const;

/**
 * Unpacks up to four deflate streams (RFC 1951) in lock-step, in less than half of zlib's time where
 * most symbols are literals, as in packed JPEGs. It reports only which streams are good: zlib has to
 * say what is wrong with the others.
 */
export class Inflater<T> {
  readonly #kernel: Kernel;
  readonly #memory: Uint8Array;
  readonly #streams = new Map<number, Stream<T>>();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.#memory = new Uint8Array(kernel.memory.buffer);
  }

  /** The number of streams under way. */
  get load(): number {
    return this.#streams.size;
  }

  /** Whether another stream can begin before one ends. */
  get hasRoom(): boolean {
    return this.load < STREAMS;
  }

  /** Where the packed bytes of the next stream are to be put. */
  room(packedBytes: number): Uint8Array {
    return this.#bytes(this.#kernel.functions.packedAt(this.#nextSlot), packedBytes);
  }

  /**
   * Begins with the bytes in `room`.
   * @param item returned with the result
   * @param bytes that it must unpack to
   */
  begin(item: T, packedBytes: number, bytes: number): void {
    const slot = this.#nextSlot;
    this.#streams.set(slot, { item, packedBytes, bytes });
    this.#kernel.functions.begin(slot, packedBytes, bytes);
  }

  /** Continues until at least one stream has ended; one must be under way. */
  run(): readonly Inflated<T>[] {
    if (this.load === 0) throw new Error('no stream is under way');
    for (;;) {
      const ended = this.#takeEnded();
      if (ended.length > 0) return ended;
      this.#kernel.functions.run();
    }
  }

  /** Drops the streams under way. */
  reset(): void {
    for (const slot of this.#streams.keys()) this.#kernel.functions.release(slot);
    this.#streams.clear();
  }

  get #nextSlot(): number {
    const slot = SLOTS.find((each) => !this.#streams.has(each));
    if (slot === undefined) throw new Error('no room for another stream');
    return slot;
  }

  #takeEnded(): readonly Inflated<T>[] {
    const { statusOf, contentAt, release } = this.#kernel.functions;
    const ended: Inflated<T>[] = [];
    for (const [slot, { item, packedBytes, bytes }] of this.#streams) {
      const status = statusOf(slot, packedBytes, bytes);
      if (status === STATUS.running) continue;
      const isGood = status === STATUS.ended;
      ended.push({ item, content: isGood ? this.#bytes(contentAt(slot), bytes) : undefined });
      this.#streams.delete(slot);
      release(slot);
    }
    return ended;
  }

  #bytes(start: number, length: number): Uint8Array {
    return this.#memory.subarray(start, start + length);
  }
}

/** Numbers in, a number out. */
type KernelFunction = (...numbers: readonly number[]) => number;

/** What is used of the engine's WebAssembly; Node's types leave it out. */
interface Engine {
  readonly Memory: new (limits: { readonly initial: number }) => Memory;
  readonly Module: new (code: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: { readonly env: { readonly memory: Memory } },
  ) => { readonly exports: Readonly<Record<string, KernelFunction>> };
}
interface Memory {
  readonly buffer: ArrayBuffer;
}

declare const WebAssembly: Engine | undefined;

/** An instance of kernel.as.ts, with the memory that it works in. */
export interface Kernel {
  readonly memory: Memory;
  readonly functions: Readonly<Record<KernelFunctionName, KernelFunction>>;
}

type KernelFunctionName = 'packedAt' | 'contentAt' | 'begin' | 'statusOf' | 'release' | 'run';

/** undefined: a Node without WebAssembly (`--jitless`). */
export function loadKernel(): Kernel | undefined {
  // There not even the name is defined.
  if (typeof WebAssembly === 'undefined') return undefined;
  // The kernel takes as much as it needs.
  const memory = new WebAssembly.Memory({ initial: 1 });
  const module = new WebAssembly.Module(Buffer.from(INFLATE_KERNEL, 'base64'));
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const find = (name: KernelFunctionName): KernelFunction => {
    const found = exports[name];
    if (found === undefined) throw new Error(`the kernel has no ${name}`);
    return found;
  };
  const [packedAt, contentAt, begin] = [find('packedAt'), find('contentAt'), find('begin')];
  const [statusOf, release, run] = [find('statusOf'), find('release'), find('run')];
  return { memory, functions: { packedAt, contentAt, begin, statusOf, release, run } };
}
