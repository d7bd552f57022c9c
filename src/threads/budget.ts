import { availableParallelism } from 'node:os';

// Without the threads themselves: the help of every command names these numbers.

/**
 * The one budget of threads: a hash thread takes 18 MB and an unpack thread 15 MB (with members of
 * 1 MB), so all of them together stay below 130 MB on any number of processors.
 */
const MAX_HASH_THREADS = 3;
const MAX_UNPACK_THREADS = 5;

/** One for each processor; three hash 8 to 12 GB/s, more than a disk delivers. */
export function hashThreads(processors = availableParallelism()): number {
  return Math.min(processors, MAX_HASH_THREADS);
}

/** One for each processor, and one more because some of them wait for the disk. */
export function unpackThreads(processors = availableParallelism()): number {
  return Math.min(processors + 1, MAX_UNPACK_THREADS);
}

/** MD5s that a hash thread computes in lock-step: two vectors of four 32-bit words, interleaved. */
export const LANES = 8;
