import { constants, read } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { throwIfAborted } from '../abort.ts';
import { forEachAtOnce } from '../concurrency.ts';
import { CcxriError, errnoOf, toDiskError } from '../errors.ts';
import { changedMeanwhile, noFile } from '../fs/paths.ts';

/** Bytes that can be read from anywhere: a file, or later one that lies at a server. */
export interface RandomReader {
  readonly sizeBytes: number;
  /**
   * Fills the whole of `into` with the bytes from `position` on.
   * @throws CcxriError `damaged-archive`: it ends before that; of the disk
   */
  read(into: Buffer, position: number): Promise<void>;
  /** @throws CcxriError `occupied`: it is not what it was when it was opened */
  assertUnchanged(): Promise<void>;
  close(): Promise<void>;
}

/** Distinguishes a file from one that was changed, or put in its place, meanwhile. */
interface FileMark {
  readonly sizeBytes: number;
  readonly mtimeMs: number;
}

export interface FileReader extends RandomReader {
  /** For threads, which read it by themselves. */
  readonly openFile: { readonly path: string; readonly fd: number };
  /** Of the file that was opened: what is read is this one, whatever its name points to by now. */
  readonly mark: FileMark;
}

/** @throws CcxriError `missing`; `occupied`: it is no file; of the disk */
export async function openFileReader(path: string): Promise<FileReader> {
  let handle: FileHandle;
  try {
    // Without O_NONBLOCK the open of a named pipe waits for a writer, and nothing could end it.
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
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
    return new OpenFile(path, handle, { sizeBytes: stats.size, mtimeMs: stats.mtimeMs });
  } catch (error) {
    await handle.close();
    throw toDiskError(error, 'open', { path });
  }
}

class OpenFile implements FileReader {
  readonly mark: FileMark;
  readonly #path: string;
  readonly #handle: FileHandle;

  constructor(path: string, handle: FileHandle, mark: FileMark) {
    this.#path = path;
    this.#handle = handle;
    this.mark = mark;
  }

  get sizeBytes(): number {
    return this.mark.sizeBytes;
  }

  get openFile(): { readonly path: string; readonly fd: number } {
    return { path: this.#path, fd: this.#handle.fd };
  }

  async read(into: Buffer, position: number): Promise<void> {
    try {
      for (let done = 0; done < into.length;) {
        const bytesRead = await readSome(this.#handle.fd, into, done, position + done);
        if (bytesRead === 0) throw endsBefore(this.#path, position + into.length);
        done += bytesRead;
      }
    } catch (error) {
      throw toDiskError(error, 'read', { path: this.#path });
    }
  }

  async assertUnchanged(): Promise<void> {
    const { size, mtimeMs } = await this.#handle.stat();
    if (size === this.mark.sizeBytes && mtimeMs === this.mark.mtimeMs) return;
    throw changedMeanwhile(this.#path, { before: this.mark.sizeBytes, after: size });
  }

  async close(): Promise<void> {
    await this.#handle.close();
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
  ranges: readonly R[],
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
export function* toWindows<R extends ByteRange>(ranges: readonly R[]): Generator<Window<R>> {
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
