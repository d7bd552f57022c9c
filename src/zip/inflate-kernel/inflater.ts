import type { Kernel } from './kernel.ts';
import {
  FIRST_STREAM_AT,
  MAX_STREAM_BYTES,
  packedAt,
  STATUS,
  STREAM,
  STREAM_STATE_BYTES,
  STREAMS,
  TOLERATED_BYTES,
  unpackedAt,
} from './kernel-layout.ts';

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
