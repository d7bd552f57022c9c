import { readSync } from 'node:fs';
import { LANES } from '../threads/budget.ts';
import type { CallControls, Reply } from '../threads/serve.ts';
import type { HashTypes } from './hash-pool.ts';
import { Lanes, type Md5State, SPAN_BYTES, newState, toHex } from './kernel.ts';

const PROGRESS_EVERY_MS = 100;

interface Stream extends StreamProgress {
  readonly fd: number;
  readonly reply: Reply<HashTypes>;
  readonly state: Md5State;
  hashedBytes: number;
  writtenBytes: number;
  isLast: boolean;
  notifyAtBytes: number;
  reportedAtMs: number;
}

/** A stream whose next span is in a slot. */
interface LoadedSpan {
  readonly stream: Stream;
  readonly slot: number;
  /** Bytes of the file. */
  readonly readBytes: number;
  /** Bytes in the slot, with the padding at the end of the file. */
  readonly bytes: number;
  readonly isEnd: boolean;
}

/**
 * The work of a hash thread: reads the next span of each file into the memory of the lanes, hashes
 * them together, and takes new messages before the next turn.
 *
 * It reads with `readSync`: the thread does nothing else, the bytes are in the page cache or read
 * ahead by the system, and a flush may hold up the thread pool behind asynchronous reads.
 */
export class HashLoop {
  readonly #lanes = new Lanes();
  /** In the order of their turns. */
  #streams: readonly Stream[] = [];
  #isScheduled = false;

  begin(fd: number, reply: Reply<HashTypes>): CallControls<HashTypes> {
    const stream: Stream = {
      fd,
      reply,
      state: newState(),
      hashedBytes: 0,
      writtenBytes: 0,
      isLast: false,
      notifyAtBytes: Infinity,
      reportedAtMs: performance.now(),
    };
    this.#streams = [...this.#streams, stream];
    return {
      update: ({ writtenBytes, isLast, notifyAtBytes }) => {
        stream.writtenBytes = writtenBytes;
        stream.isLast = isLast;
        stream.notifyAtBytes = notifyAtBytes;
        this.#report(stream);
        this.#schedule();
      },
      stop: () => {
        this.#remove(stream);
        reply.stopped();
        this.#schedule();
      },
    };
  }

  /** A turn comes after the messages that have arrived, so a stop waits for one turn at most. */
  #schedule(): void {
    if (this.#isScheduled || nextStreams(this.#streams).length === 0) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#turn(nextStreams(this.#streams));
      this.#schedule();
    });
  }

  #turn(next: readonly Stream[]): void {
    // If there are more streams than lanes, the others come first the next time.
    this.#streams = [...this.#streams.filter((stream) => !next.includes(stream)), ...next];
    const loaded = next.flatMap((stream, slot) => this.#load(stream, slot) ?? []);
    this.#lanes.hash(loaded.map(({ stream: { state }, slot, bytes }) => ({ state, slot, bytes })));
    for (const { stream, readBytes, isEnd } of loaded) {
      stream.hashedBytes += readBytes;
      if (!isEnd) this.#report(stream);
      else {
        this.#remove(stream);
        stream.reply.done(toHex(stream.state));
      }
    }
  }

  /** undefined: the file could not be read, and its call has ended. */
  #load(stream: Stream, slot: number): LoadedSpan | undefined {
    const { fd, hashedBytes, writtenBytes, isLast, reply } = stream;
    // Whole spans, and so whole blocks, until the end.
    const readBytes = Math.min(SPAN_BYTES, writtenBytes - hashedBytes);
    try {
      if (!readFully(this.#lanes.slot(slot).subarray(0, readBytes), fd, hashedBytes)) {
        this.#remove(stream);
        reply.done(null);
        return undefined;
      }
    } catch (error) {
      this.#remove(stream);
      reply.fail(error);
      return undefined;
    }
    const isEnd = isLast && hashedBytes + readBytes === writtenBytes;
    const bytes = isEnd ? this.#lanes.pad(slot, readBytes, writtenBytes) : readBytes;
    return { stream, slot, readBytes, bytes, isEnd };
  }

  #report(stream: Stream): void {
    const nowMs = performance.now();
    const isAwaited = stream.hashedBytes >= stream.notifyAtBytes;
    if (!isAwaited && nowMs - stream.reportedAtMs < PROGRESS_EVERY_MS) return;
    if (isAwaited) stream.notifyAtBytes = Infinity;
    stream.reportedAtMs = nowMs;
    stream.reply.progress(stream.hashedBytes);
  }

  #remove(stream: Stream): void {
    this.#streams = this.#streams.filter((each) => each !== stream);
  }
}

/** @returns false: the file ends before */
function readFully(into: Uint8Array, fd: number, position: number): boolean {
  for (let done = 0; done < into.length;) {
    const bytes = readSync(fd, into, done, into.length - done, position + done);
    if (bytes === 0) return false;
    done += bytes;
  }
  return true;
}

/** How far a stream is, which decides whether it is hashed now. */
export interface StreamProgress {
  readonly hashedBytes: number;
  readonly writtenBytes: number;
  readonly isLast: boolean;
  readonly notifyAtBytes: number;
}

/**
 * How much may wait in the page cache for the spans of other streams. A file over several connections
 * grows by 8 MiB at a time, whenever its first range is complete; several such steps even out.
 */
const MAX_WAIT_BYTES = 32 * SPAN_BYTES;

/**
 * The streams to hash next, a span each; none if it is better to wait. Eight lanes cost hardly more
 * than one, so a growing file waits until every other one has a span as well, or until it is far
 * behind its writer. A complete file never waits.
 */
export function nextStreams<S extends StreamProgress>(streams: readonly S[]): readonly S[] {
  const ready = streams.filter(hasSpan);
  const urgent = ready.filter(isUrgent);
  if (urgent.length === 0 && ready.length < Math.min(LANES, streams.length)) return [];
  const others = ready.filter((stream) => !urgent.includes(stream));
  return [...urgent, ...others].slice(0, LANES);
}

function hasSpan({ hashedBytes, writtenBytes, isLast }: StreamProgress): boolean {
  return isLast || writtenBytes - hashedBytes >= SPAN_BYTES;
}

function isUrgent(stream: StreamProgress): boolean {
  const { hashedBytes, writtenBytes, isLast, notifyAtBytes } = stream;
  return isLast || writtenBytes - hashedBytes >= MAX_WAIT_BYTES || notifyAtBytes !== Infinity;
}
