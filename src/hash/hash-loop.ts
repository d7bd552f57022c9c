import { readSync } from 'node:fs';
import { errnoOf } from '../errors.ts';
import type { FromHashThread, ToHashThread } from './hash-pool.ts';
import { LANES, Lanes, type Md5State, SPAN_BYTES, newState, toHex } from './kernel.ts';

const PROGRESS_EVERY_MS = 100;

interface Stream extends Standing {
  readonly id: number;
  readonly fd: number;
  readonly state: Md5State;
  hashedBytes: number;
  writtenBytes: number;
  isLast: boolean;
  tellAtBytes: number;
  toldAtMs: number;
}

/** A stream whose next span lies in a slot. */
interface Loaded {
  readonly stream: Stream;
  readonly slot: number;
  /** Of the file, and in the slot with what padding there is. */
  readonly readBytes: number;
  readonly bytes: number;
  readonly isEnd: boolean;
}

/**
 * What a hash thread does: it reads the files it is told of, a span of each, into the lanes'
 * memory; hashes these together; and looks between two such turns whether there is something new.
 *
 * It reads with `readSync`: the thread is there for nothing else, the bytes lie in the page cache or
 * are being read ahead by the system, and the pool behind asynchronous reads may be held up by a
 * flush.
 */
export class HashLoop {
  readonly #post: (message: FromHashThread) => void;
  readonly #lanes = new Lanes();
  /** In the order of their turns. */
  #streams: readonly Stream[] = [];
  #isScheduled = false;

  constructor(post: (message: FromHashThread) => void) {
    this.#post = post;
  }

  take(message: ToHashThread): void {
    if (message.kind === 'start') this.#streams = [...this.#streams, newStream(message)];
    const stream = this.#streams.find(({ id }) => id === message.id);
    // It may have come to its end while the message was on its way.
    if (stream === undefined) return;
    if (message.kind === 'stop') this.#end(stream, { kind: 'stopped', id: stream.id });
    if (message.kind === 'advance') {
      stream.writtenBytes = message.writtenBytes;
      stream.isLast = message.isLast;
      stream.tellAtBytes = message.tellAtBytes;
      this.#tell(stream);
    }
    this.#schedule();
  }

  /** The next turn comes after what has arrived meanwhile: a stop is heard within a turn. */
  #schedule(): void {
    if (this.#isScheduled || chooseStreams(this.#streams).length === 0) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#turn(chooseStreams(this.#streams));
      this.#schedule();
    });
  }

  #turn(chosen: readonly Stream[]): void {
    // Where there are more than lanes, the others come first the next time.
    this.#streams = [...this.#streams.filter((stream) => !chosen.includes(stream)), ...chosen];
    const loaded = chosen.flatMap((stream, slot) => this.#load(stream, slot) ?? []);
    this.#lanes.hash(loaded.map(({ stream: { state }, slot, bytes }) => ({ state, slot, bytes })));
    for (const { stream, readBytes, isEnd } of loaded) {
      stream.hashedBytes += readBytes;
      if (isEnd) this.#end(stream, { kind: 'done', id: stream.id, md5: toHex(stream.state) });
      else this.#tell(stream);
    }
  }

  #load(stream: Stream, slot: number): Loaded | undefined {
    const { fd, hashedBytes, writtenBytes, isLast, id } = stream;
    // Before the end whole spans only: these are whole blocks, too.
    const readBytes = Math.min(SPAN_BYTES, writtenBytes - hashedBytes);
    const failure = read(this.#lanes.slot(slot).subarray(0, readBytes), fd, hashedBytes);
    if (failure !== undefined) {
      this.#end(stream, { ...failure, id });
      return undefined;
    }
    const isEnd = isLast && hashedBytes + readBytes === writtenBytes;
    const bytes = isEnd ? this.#lanes.pad(slot, readBytes, writtenBytes) : readBytes;
    return { stream, slot, readBytes, bytes, isEnd };
  }

  #tell(stream: Stream): void {
    const nowMs = performance.now();
    const isAwaited = stream.hashedBytes >= stream.tellAtBytes;
    if (!isAwaited && nowMs - stream.toldAtMs < PROGRESS_EVERY_MS) return;
    if (isAwaited) stream.tellAtBytes = Infinity;
    stream.toldAtMs = nowMs;
    this.#post({ kind: 'progress', id: stream.id, hashedBytes: stream.hashedBytes });
  }

  #end(stream: Stream, message: FromHashThread): void {
    this.#streams = this.#streams.filter((each) => each !== stream);
    this.#post(message);
  }
}

function newStream({ id, fd }: { readonly id: number; readonly fd: number }): Stream {
  return {
    ...{ id, fd, state: newState() },
    ...{ hashedBytes: 0, writtenBytes: 0, isLast: false, tellAtBytes: Infinity },
    toldAtMs: performance.now(),
  };
}

/** Fills all of it. @returns what went wrong, if something did */
function read(into: Uint8Array, fd: number, position: number) {
  try {
    for (let done = 0; done < into.length;) {
      const bytes = readSync(fd, into, done, into.length - done, position + done);
      if (bytes === 0) return { kind: 'short' } as const;
      done += bytes;
    }
    return undefined;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { kind: 'failed', code: errnoOf(error), message } as const;
  }
}

/** How far a stream is: what decides whether it is hashed now. */
export interface Standing {
  readonly hashedBytes: number;
  readonly writtenBytes: number;
  readonly isLast: boolean;
  readonly tellAtBytes: number;
}

/**
 * So much may wait in the page cache for other streams to come along. Over several connections a file
 * grows by 8 MiB at once, where the range before the others has come to its end: it takes some of
 * these to even out.
 */
const PATIENCE_BYTES = 32 * SPAN_BYTES;

/**
 * The streams to hash next, a span each; none: it is better to wait. Eight lanes cost hardly more
 * than one, so a file that still grows waits until all that grow have a span to go with it, or until
 * it is far behind its writer; one that is whole never waits.
 */
export function chooseStreams<S extends Standing>(streams: readonly S[]): readonly S[] {
  const ready = streams.filter(hasSpan);
  const urgent = ready.filter(isUrgent);
  if (urgent.length === 0 && ready.length < Math.min(LANES, streams.length)) return [];
  const others = ready.filter((stream) => !urgent.includes(stream));
  return [...urgent, ...others].slice(0, LANES);
}

function hasSpan({ hashedBytes, writtenBytes, isLast }: Standing): boolean {
  return isLast || writtenBytes - hashedBytes >= SPAN_BYTES;
}

function isUrgent({ hashedBytes, writtenBytes, isLast, tellAtBytes }: Standing): boolean {
  return isLast || writtenBytes - hashedBytes >= PATIENCE_BYTES || tellAtBytes !== Infinity;
}
