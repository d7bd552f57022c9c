import { type Stats, constants, read } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { throwIfAborted } from '../abort.ts';
import { forEachAtOnce, whenFilesAreFree } from '../concurrency.ts';
import { CcxriError, errnoOf, toDiskError } from '../errors.ts';
import { changedMeanwhile, closeHandle, noFile } from '../fs/paths.ts';

/** Bytes that can be read at any position: a file's, or those of one at a server. */
export interface RandomReader {
  readonly sizeBytes: number;
  /**
   * Fills the whole of `into` with the bytes from `position` on.
   * @throws CcxriError `damaged-archive`: it ends before that; of the disk
   */
  read(into: Buffer, position: number): Promise<void>;
  /** @throws CcxriError `changed`: it has changed since it was opened */
  assertUnchanged(): Promise<void>;
  close(): Promise<void>;
}

/** @throws CcxriError `missing`; `occupied`: it is no file; of the disk */
export async function openFileReader(path: string): Promise<FileReader> {
  let handle: FileHandle;
  try {
    // Without O_NONBLOCK the open of a named pipe waits for a writer, and nothing could end it.
    handle = await whenFilesAreFree(() => open(path, constants.O_RDONLY | constants.O_NONBLOCK));
  } catch (error) {
    const errno = errnoOf(error) ?? '';
    if (errno === 'ENOENT') throw notHere(path, error);
    // A link to itself; a socket.
    if (errno === 'ELOOP' || errno === 'ENXIO') throw noFile(path);
    throw toDiskError(error, 'open', { path });
  }
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw noFile(path);
    return new FileReader(path, handle, stats);
  } catch (error) {
    await handle.close();
    throw toDiskError(error, 'open', { path });
  }
}

/** An open file, the same whatever its path points to by now. */
export class FileReader implements RandomReader {
  readonly path: string;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  readonly #handle: FileHandle;

  constructor(path: string, handle: FileHandle, { size, mtimeMs }: Stats) {
    this.path = path;
    this.sizeBytes = size;
    this.mtimeMs = mtimeMs;
    this.#handle = handle;
  }

  /** For threads, which read it on their own. */
  get fd(): number {
    return this.#handle.fd;
  }

  async read(into: Buffer, position: number): Promise<void> {
    try {
      for (let done = 0; done < into.length;) {
        const bytesRead = await readSome(this.fd, into, done, position + done);
        if (bytesRead === 0) throw endsBefore(this.path, position + into.length);
        done += bytesRead;
      }
    } catch (error) {
      throw toDiskError(error, 'read', { path: this.path });
    }
  }

  async assertUnchanged(): Promise<void> {
    const { size, mtimeMs } = await this.#handle.stat();
    if (size === this.sizeBytes && mtimeMs === this.mtimeMs) return;
    throw changedMeanwhile(this.path, this.sizeBytes, size);
  }

  async close(): Promise<void> {
    await closeHandle(this.#handle, this.path);
  }
}

/** Half the cost of `FileHandle.read`, which counts where thousands of headers are read. */
function readSome(fd: number, into: Buffer, offset: number, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    read(fd, into, offset, into.length - offset, position, (error, bytesRead) => {
      if (error === null) resolve(bytesRead);
      else reject(error);
    });
  });
}

function notHere(path: string, cause: unknown): CcxriError {
  return new CcxriError('missing', `there is no ${path}`, {
    path,
    next: [
      { kind: 'run', command: 'fetch', purpose: 'to get it' },
      { kind: 'advice', text: 'check whether another program moved it' },
    ],
    cause,
  });
}

export function endsBefore(path: string, position: number): CcxriError {
  return new CcxriError('damaged-archive', `${path} ends before byte ${position}`, {
    path,
    expected: `at least ${position} bytes`,
    next: [
      { kind: 'run', command: 'fetch', purpose: 'to get it again: another program has cut it' },
    ],
  });
}

export interface ByteRange {
  readonly start: number;
  readonly length: number;
}

/** Ranges closer together than this are read in one go: cheaper than one more call. */
const NEAR_BYTES = 16 * 1024;
const MAX_WINDOW_BYTES = 256 * 1024;
/** Small reads wait for the disk, not the processor: more than libuv's four threads take queue there. */
const READS_AT_ONCE = 8;

/**
 * Reads many small ranges: headers of large members one by one, those of small members (which are
 * close together) many at a time. Only the windows being visited are in memory.
 * @param ranges by ascending start; none longer than 256 KiB
 * @param visit gets each range with its bytes once, in any order; it must not keep the bytes
 */
export async function readRanges<R extends ByteRange>(
  reader: RandomReader,
  ranges: Iterable<R>,
  visit: (range: R, bytes: Buffer) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  await forEachAtOnce(toWindows(ranges), READS_AT_ONCE, async ({ start, end, ranges: inside }) => {
    throwIfAborted(signal);
    const window = Buffer.allocUnsafe(end - start);
    await reader.read(window, start);
    for (const range of inside) {
      const from = range.start - start;
      visit(range, window.subarray(from, from + range.length));
    }
  });
}

interface Window<R> {
  readonly start: number;
  readonly end: number;
  readonly ranges: readonly R[];
}

/** Neighbouring ranges as one window, as long as they are near and the window is small. */
export function* toWindows<R extends ByteRange>(ranges: Iterable<R>): Generator<Window<R>> {
  let inside: R[] = [];
  let [start, end] = [0, 0];
  for (const range of ranges) {
    const rangeEnd = range.start + range.length;
    const isNear = range.start - end <= NEAR_BYTES && rangeEnd - start <= MAX_WINDOW_BYTES;
    if (inside.length > 0 && !isNear) {
      yield { start, end, ranges: inside };
      inside = [];
    }
    if (inside.length === 0) [start, end] = [range.start, rangeEnd];
    inside.push(range);
    end = Math.max(end, rangeEnd);
  }
  if (inside.length > 0) yield { start, end, ranges: inside };
}
