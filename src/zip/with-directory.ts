import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { throwIfAborted } from '../abort.ts';
import { judgeDirectory, type ArchiveOptions, type ZipDirectory } from './directory.ts';
import { findEndRecord } from './end-record.ts';
import type { RandomReader } from './reader.ts';
import { Turns } from './take-turns.ts';

/** The published archives have a few thousand members. */
const MANY_ENTRIES = 10_000;
const LARGE_DIRECTORY_BYTES = 1024 ** 2;

/** The process's memory is what is to be spared, whoever works in it: one for all runs. */
const turns = new Turns();

/**
 * Reads an archive's directory, judges it, and works with it. Of directories with very many entries
 * no two are in memory at once: each takes up to 100 MB while it is judged.
 * @throws CcxriError as judgeDirectory; what the work throws
 */
export async function withDirectory<T>(
  reader: RandomReader,
  options: ArchiveOptions,
  work: (directory: ZipDirectory) => Promise<T>,
): Promise<T> {
  throwIfAborted(options.signal);
  const end = await findEndRecord(reader, options.file);
  // A count that is too small does not pass, and where it has wrapped the directory is large.
  const isLarge =
    end.count > MANY_ENTRIES || end.directoryEnd - end.directoryStart > LARGE_DIRECTORY_BYTES;
  const endTurn = isLarge ? await turns.take(options.signal) : undefined;
  try {
    return await work(await judgeDirectory(reader, end, options));
  } finally {
    if (endTurn !== undefined) {
      collectGarbage();
      endTurn();
    }
  }
}

/**
 * Left to itself the heap grows by the garbage of two or three directories before it is collected.
 * This way to the collector is documented nowhere; without it all works, with more memory.
 */
function collectGarbage(): void {
  try {
    setFlagsFromString('--expose-gc');
    runInNewContext('gc()');
  } catch {
    // Another engine: it collects when it likes.
  }
}
