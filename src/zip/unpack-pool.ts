import type { Worker } from 'node:worker_threads';
import pLimit from 'p-limit';
import { throwIfAborted } from '../abort.ts';
import { forEachAtOnce } from '../concurrency.ts';
import { ThreadUnavailable, WorkerClient, startWorker, unpackThreads } from '../threads/worker.ts';
import type { Member } from './directory.ts';
import type { OpenArchive } from './inflate.ts';

export interface UnpackPoolOptions {
  /** At most. Default: as many as there are processors and one more, no more than 5. */
  readonly threads?: number | undefined;
  /** An archive that unpacks to less is done sooner than a thread is started. Default 8 MiB. */
  readonly minBytes?: number | undefined;
  readonly startWorker?: (() => Worker) | undefined;
}

const MIN_BYTES = 8 * 1024 * 1024;

/** Some members of an archive, for a thread. */
export interface UnpackTask {
  /** Its descriptor must stay open until the task has ended. */
  readonly archive: OpenArchive;
  readonly members: readonly Member[];
  /** The folder for their names, with all folders made; null: they are only checked. */
  readonly into: string | null;
}

/** The messages of an unpack thread. */
export interface UnpackTypes {
  readonly request: UnpackTask;
  readonly update: never;
  /** The number of bytes unpacked since the last one, about ten times a second. */
  readonly progress: number;
  /** All members are right, and on the disk where they were to be written. */
  readonly result: null;
}

export interface UnpackWork extends UnpackTask {
  readonly signal: AbortSignal | undefined;
  /** Called by each thread about ten times a second with the number of bytes unpacked since then. */
  readonly onBytes: (bytes: number) => void;
}

interface Job extends UnpackWork {
  /** Stops the threads at the first failure. */
  readonly stop: AbortController;
  /** What happened first; all that follows, such as stopped threads, is a consequence. */
  failure: { readonly error: unknown } | undefined;
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
   * Unpacks and checks members that fit in memory.
   * @returns false: there are no threads, or it is not worth one; nothing was done, and the caller
   *   has to do it
   * @throws CcxriError `damaged-archive`, `unsafe-archive`; of the disk; `aborted`; what `onBytes`
   *   throws; an Error if a thread exits. No thread works on it any more then.
   */
  async unpack(work: UnpackWork): Promise<boolean> {
    const totalBytes = work.members.reduce((bytes, { size }) => bytes + size, 0);
    if (totalBytes < this.#minBytes || this.#isClosed) return false;
    const { signal } = work;
    throwIfAborted(signal);
    const job: Job = { ...work, stop: new AbortController(), failure: undefined, hasBegun: false };
    const abort = () => job.stop.abort();
    signal?.addEventListener('abort', abort, { once: true });
    try {
      const parts = partitionMembers(work.members, this.#threads.length);
      await forEachAtOnce(parts, parts.length, (members) => this.#unpackPart(members, job));
      return true;
    } catch (error) {
      throwIfAborted(signal);
      if (error instanceof ThreadUnavailable && !job.hasBegun) return false;
      throw job.failure?.error ?? error;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  /** Ends all threads; what is under way fails. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#threads.map((thread) => thread.close()));
  }

  /** @throws ThreadUnavailable: there is no thread, and there will be none */
  async #unpackPart(members: readonly Member[], job: Job): Promise<void> {
    for (;;) {
      try {
        await this.#limit(() => this.#runInThread(members, job));
        return;
      } catch (error) {
        const isLast = this.#isClosed || this.#threads.every(({ isUnavailable }) => isUnavailable);
        // The system gives no more threads; those that run can do it.
        if (error instanceof ThreadUnavailable && !isLast) continue;
        fail(job, error);
        throw error;
      }
    }
  }

  async #runInThread(members: readonly Member[], job: Job): Promise<void> {
    if (job.failure !== undefined) throw job.failure.error;
    throwIfAborted(job.signal);
    const thread = this.#idle.pop();
    if (thread === undefined) throw new ThreadUnavailable('no unpack thread is left');
    const { archive, into, stop } = job;
    try {
      const onProgress = (bytes: number) => report(job, bytes);
      const call = thread.start({ archive, members, into }, { onProgress, signal: stop.signal });
      await call.result;
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

function fail(job: Job, error: unknown): void {
  job.failure ??= { error };
  job.stop.abort();
}

/** A listener's error counts from when it is thrown: its thread may be the last one to stop. */
function report(job: Job, bytes: number): void {
  try {
    job.onBytes(bytes);
  } catch (error) {
    fail(job, error);
    throw error;
  }
}

/** A thread gets so much at a time; less where a few threads would do all of an archive. */
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
