import { setImmediate } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import pLimit from 'p-limit';
import { throwIfAborted, toAbortError } from '../abort.ts';
import { forEachAtOnce } from '../concurrency.ts';
import { unpackThreads } from '../threads/budget.ts';
import { ThreadUnavailable, WorkerClient, startWorker } from '../threads/worker.ts';
import type { Member } from './directory.ts';
import { MemberUnpacker } from './inflate.ts';
import { MemberFaults } from './member-faults.ts';
import { type UnpackTask, type UnpackTypes, unpackMembers } from './unpack-task.ts';

export interface UnpackPoolOptions {
  /** Maximum. Default: as many as there are processors and one more, no more than 5. */
  readonly threads?: number | undefined;
  /** A smaller archive, unpacked, is done sooner than a thread is started. Default 8 MiB. */
  readonly minBytes?: number | undefined;
  readonly startWorker?: (() => Worker) | undefined;
}

const MIN_BYTES = 8 * 1024 * 1024;

export interface UnpackWork extends UnpackTask {
  readonly signal: AbortSignal | undefined;
  /** Called with the number of bytes unpacked since the last call, by each thread on its own. */
  readonly onBytes: (bytes: number) => void;
}

interface Job extends UnpackWork {
  /** Stops the threads at the first failure or at a stop by the user: its reason is what came first. */
  readonly stop: AbortController;
  readonly faults: MemberFaults;
  /** A thread has worked on it. */
  hasBegun: boolean;
}

/**
 * Unpacks archives in threads, which are started when they are needed and kept until `close`. All
 * work on one archive, each on a part of its members: so archives are done in the order of the calls,
 * and a single one uses all processors.
 */
export class UnpackPool {
  readonly #minBytes: number;
  readonly #limit: ReturnType<typeof pLimit>;
  readonly #threads: readonly WorkerClient<UnpackTypes>[];
  readonly #idle: WorkerClient<UnpackTypes>[];
  #isClosed = false;

  constructor({
    threads = unpackThreads(),
    minBytes = MIN_BYTES,
    startWorker: start = () => startWorker('unpack-worker', import.meta.url),
  }: UnpackPoolOptions = {}) {
    this.#minBytes = minBytes;
    this.#limit = pLimit(threads);
    this.#threads = Array.from(
      { length: threads },
      () => new WorkerClient<UnpackTypes>('unpack thread', start),
    );
    this.#idle = [...this.#threads];
  }

  /**
   * Unpacks and checks members: in the threads, or here if the archive is small, no thread can be
   * started, or the pool is closed.
   * @returns what was noticed about members
   * @throws CcxriError `damaged-archive`, `unsafe-archive`; of the disk; `aborted`; what `onBytes`
   *   throws; an Error if a thread exits. No thread works on it any more then.
   */
  async unpack(work: UnpackWork): Promise<MemberFaults> {
    throwIfAborted(work.signal);
    const totalBytes = work.members.reduce((bytes, { size }) => bytes + size, 0);
    const isWorthIt = totalBytes >= this.#minBytes && !this.#isClosed;
    const inThreads = isWorthIt ? await this.#unpackInThreads(work) : undefined;
    return inThreads ?? unpackHere(work);
  }

  /** Ends all threads; calls under way fail. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#threads.map((thread) => thread.close()));
  }

  /** @returns undefined: there are no threads, and nothing was done */
  async #unpackInThreads(work: UnpackWork): Promise<MemberFaults | undefined> {
    const { signal, members } = work;
    const faults = new MemberFaults();
    const job: Job = { ...work, stop: new AbortController(), faults, hasBegun: false };
    const parts = partitionMembers(members, this.#threads.length);
    const abort = () => job.stop.abort(signal && toAbortError(signal));
    signal?.addEventListener('abort', abort, { once: true });
    try {
      await forEachAtOnce(parts, parts.length, (part) => this.#unpackPart(part, job));
      return faults;
    } catch {
      // What came first: the other threads fail as a consequence, and a stop by the user may follow.
      const reason: unknown = job.stop.signal.reason;
      if (reason instanceof ThreadUnavailable && !job.hasBegun) return undefined;
      throw reason;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  /** @throws ThreadUnavailable: there is no thread, and there will be none */
  async #unpackPart(members: readonly Member[], job: Job): Promise<void> {
    for (;;) {
      try {
        await this.#limit(() => this.#runInThread(members, job));
        return;
      } catch (error) {
        const isLast = this.#isClosed || this.#threads.every(({ isUnavailable }) => isUnavailable);
        // The system gives no more threads; the running ones do the work.
        if (error instanceof ThreadUnavailable && !isLast) continue;
        job.stop.abort(error);
        throw error;
      }
    }
  }

  async #runInThread(members: readonly Member[], job: Job): Promise<void> {
    job.stop.signal.throwIfAborted();
    const thread = this.#idle.pop();
    if (thread === undefined) throw new ThreadUnavailable('no unpack thread is left');
    const { archive, into, keepGood, stop } = job;
    const onProgress = (bytes: number) => {
      try {
        job.onBytes(bytes);
      } catch (error) {
        // The first failure, though other threads may stop before this one does.
        stop.abort(error);
        throw error;
      }
    };
    try {
      const task = { archive, members, into, keepGood };
      const call = thread.start(task, { onProgress, signal: stop.signal });
      job.faults.addAll(await call.result);
      job.hasBegun = true;
    } catch (error) {
      job.hasBegun ||= !(error instanceof ThreadUnavailable);
      throw error;
    } finally {
      if (thread.isUnavailable) this.#limit.concurrency = Math.max(1, this.#limit.concurrency - 1);
      else this.#idle.push(thread);
    }
  }
}

/**
 * One part at a time, of all archives: a second one that finds too many files open stops this thread,
 * and with it the first, which could close some.
 */
const oneHere = pLimit(1);

/**
 * The same in this thread, which turns to other events after each member. By zlib alone: the kernel
 * would take 16 MB for what is rare or small.
 */
export async function unpackHere({ signal, onBytes, ...work }: UnpackWork): Promise<MemberFaults> {
  const unpacker = new MemberUnpacker(null);
  const faults = new MemberFaults();
  const unpackPart = async (members: readonly Member[]) => {
    throwIfAborted(signal);
    for await (const bytes of unpackMembers({ ...work, members }, { unpacker, faults })) {
      onBytes(bytes);
      await setImmediate();
      throwIfAborted(signal);
    }
  };
  // In parts, since the files of one are open until it ends.
  for (const members of partitionMembers(work.members, 1)) {
    await oneHere(() => unpackPart(members));
  }
  return faults;
}

/** The size of a part; smaller if that would leave some threads without work. */
const MAX_PART_BYTES = 32 * 1024 * 1024;
const MIN_PART_BYTES = 4 * 1024 * 1024;
/** Its files are open until all of them are written. */
const MAX_PART_MEMBERS = 64;

/**
 * Members in parts, neighbours together.
 * @param threads that will work on them
 */
export function partitionMembers(
  members: readonly Member[],
  threads: number,
): readonly (readonly Member[])[] {
  const totalBytes = members.reduce((bytes, member) => bytes + longerOf(member), 0);
  const wantedBytes = Math.ceil(totalBytes / (2 * threads));
  const partBytes = Math.min(MAX_PART_BYTES, Math.max(MIN_PART_BYTES, wantedBytes));
  const parts: Member[][] = [];
  let bytes = Infinity;
  for (const member of members) {
    let part = parts.at(-1);
    if (part === undefined || bytes >= partBytes || part.length >= MAX_PART_MEMBERS) {
      part = [];
      parts.push(part);
      bytes = 0;
    }
    part.push(member);
    bytes += longerOf(member);
  }
  return parts;
}

function longerOf({ size, compressedSize }: Member): number {
  return Math.max(size, compressedSize);
}
