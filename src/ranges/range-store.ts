import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as z from 'zod';
import { whenFilesAreFree } from '../concurrency.ts';
import { errnoOf, toDiskError } from '../errors.ts';
import { syncFile, writeFileAtomic } from '../fs/atomic.ts';
import { closeHandle, makeDirectoryWithin, noFile, removeIfThere } from '../fs/paths.ts';
import { readSmallJson } from '../fs/small-json.ts';
import type { ByteRange } from '../zip/reader.ts';

/** What shows that bytes are of the same file: of another one they are of no use. */
export interface StoredFile {
  /** Manifest name and published MD5. */
  readonly name: string;
  readonly md5: string;
  readonly totalBytes: number;
  readonly validator: string | null;
}

/** Bytes of a file, and where they lie in the store. */
export interface StoredRange extends ByteRange {
  readonly at: number;
}

/** What a kill may cost. */
const FLUSH_BYTES = 2 * 1024 * 1024;

const count = z.int().nonnegative();

const schema = z.strictObject({
  rangesVersion: z.literal(1),
  name: z.string(),
  md5: z.string(),
  totalBytes: count,
  validator: z.string().nullable(),
  /** First byte in the file, length, first byte in the store. Of flushed bytes alone. */
  ranges: z.array(z.tuple([count, count, count])),
});

/** Far above what the most scattered selection of an archive takes. */
const STATE = { maxBytes: 4 * 1024 * 1024, doing: 'read what is kept of an archive' };

/**
 * Bytes of one file that were fetched without the others, packed one behind the other: some file systems
 * would fill the gaps of a sparse file with zeros. What is here is not fetched again, neither by the next
 * selection nor by a download of the whole file.
 */
export class RangeStore {
  /** Of the bytes; `.json` behind it is the list of what they are. */
  readonly path: string;
  readonly #file: StoredFile;
  readonly #handle: FileHandle;
  #ranges: readonly StoredRange[];
  /** Ranges whose bytes are coming. */
  readonly #growing = new Set<StoredRange & { length: number }>();
  #unflushedBytes = 0;
  #isFlushing = false;
  /** Where the next range is put. */
  #end: number;

  private constructor(
    path: string,
    file: StoredFile,
    handle: FileHandle,
    ranges: readonly StoredRange[],
  ) {
    this.path = path;
    this.#file = file;
    this.#handle = handle;
    this.#ranges = ranges;
    this.#end = Math.max(0, ...ranges.map(({ at, length }) => at + length));
  }

  /** Opens what is there; bytes of another file, or of another version of it, are dropped. @throws CcxriError of the disk */
  static async open(path: string, file: StoredFile): Promise<RangeStore> {
    const kept = await readStore(path, file);
    const ranges = rangesOf(kept, file);
    try {
      await makeDirectoryWithin(dirname(path));
      const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;
      const handle = await whenFilesAreFree(() => open(path, flags, 0o644));
      try {
        const stats = await handle.stat();
        if (!stats.isFile()) throw noFile(path);
        const { size } = stats;
        const here = ranges.filter(({ at, length }) => at + length <= size);
        const store = new RangeStore(path, file, handle, here);
        // After a kill the next run must not find other bytes in the places that an old list names.
        if (here.length !== kept?.ranges.length) await removeIfThere(statePathOf(path));
        // What was written and not listed is not known to be whole.
        await handle.truncate(store.#end);
        return store;
      } catch (error) {
        await handle.close();
        throw error;
      }
    } catch (error) {
      throw toDiskError(error, 'write', { path });
    }
  }

  /** What is here. */
  get ranges(): readonly StoredRange[] {
    return this.#ranges;
  }

  /** Where the bytes of a range lie in the store; undefined: not all of them are here. */
  placeOf({ start, length }: ByteRange): number | undefined {
    const found = this.#ranges.find(
      (each) => each.start <= start && start + length <= each.start + each.length,
    );
    return found === undefined ? undefined : found.at + start - found.start;
  }

  /**
   * Takes the bytes of a range as they come. What has come when it breaks off is kept.
   * @param receive calls its argument with the pieces, in order
   * @throws what `receive` throws; CcxriError of the disk
   */
  async add(
    { start, length }: ByteRange,
    receive: (onPiece: (piece: Buffer) => Promise<void>) => Promise<void>,
  ): Promise<void> {
    const growing = { start, length: 0, at: this.#end };
    this.#end += length;
    this.#growing.add(growing);
    try {
      await receive(async (piece) => {
        await this.#write(piece, growing.at + growing.length);
        growing.length += piece.length;
        this.#unflushedBytes += piece.length;
        if (this.#unflushedBytes >= FLUSH_BYTES && !this.#isFlushing) await this.flush();
      });
    } finally {
      this.#growing.delete(growing);
      if (growing.length > 0) this.#ranges = [...this.#ranges, growing];
    }
  }

  /** Removes what turned out to be damaged: it has to be fetched again. */
  drop({ start, length }: ByteRange): void {
    this.#ranges = this.#ranges.flatMap((each) => without(each, start, start + length));
  }

  /** Reads bytes that are here. @throws CcxriError of the disk */
  async read(into: Buffer, at: number): Promise<void> {
    try {
      for (let done = 0; done < into.length;) {
        const { bytesRead } = await this.#handle.read(into, done, into.length - done, at + done);
        if (bytesRead === 0) throw new Error(`${this.path}: shorter than its list`);
        done += bytesRead;
      }
    } catch (error) {
      throw toDiskError(error, 'read', { path: this.path });
    }
  }

  /** After this, what is here is there after a power cut as well. @throws CcxriError of the disk */
  async flush(): Promise<void> {
    const ranges = [...this.#ranges, ...this.#growing].filter(({ length }) => length > 0);
    const list = ranges.map(({ start, length, at }) => [start, length, at]);
    this.#unflushedBytes = 0;
    this.#isFlushing = true;
    try {
      await syncFile({ sync: () => this.#handle.datasync() });
      const state = { rangesVersion: 1, ...this.#file, ranges: list };
      await writeFileAtomic(statePathOf(this.path), JSON.stringify(state));
    } catch (error) {
      throw toDiskError(error, 'flush', { path: this.path });
    } finally {
      this.#isFlushing = false;
    }
  }

  async close(): Promise<void> {
    await closeHandle(this.#handle, this.path);
  }

  async #write(piece: Buffer, position: number): Promise<void> {
    try {
      for (let done = 0; done < piece.length;) {
        const { bytesWritten } = await this.#handle.write(
          piece,
          done,
          piece.length - done,
          position + done,
        );
        done += bytesWritten;
      }
    } catch (error) {
      throw toDiskError(error, 'write', { path: this.path });
    }
  }
}

function statePathOf(path: string): string {
  return `${path}.json`;
}

/** A store as it lies on the disk. */
interface KeptRanges extends StoredFile {
  readonly ranges: readonly StoredRange[];
}

/** What a store keeps of a file; undefined: there is none, or it is of another file. @throws CcxriError of the disk */
export async function readStore(
  path: string,
  { name, md5 }: Pick<StoredFile, 'name' | 'md5'>,
): Promise<KeptRanges | undefined> {
  const state = schema.safeParse(await readSmallJson(statePathOf(path), STATE)).data;
  if (state === undefined || state.name !== name || state.md5 !== md5) return undefined;
  const { totalBytes, validator } = state;
  const ranges = state.ranges
    .map(([start, length, at]) => ({ start, length, at }))
    .filter(({ start, length }) => start + length <= totalBytes);
  return { name, md5, totalBytes, validator, ranges };
}

/** What a store lists of a file; empty: it has none, or of another version. @throws CcxriError of the disk */
export async function readRanges(
  path: string,
  file: Pick<StoredFile, 'name' | 'md5'> & Partial<StoredFile>,
): Promise<readonly StoredRange[]> {
  return rangesOf(await readStore(path, file), file);
}

function rangesOf(kept: KeptRanges | undefined, file: Partial<StoredFile>): readonly StoredRange[] {
  if (kept === undefined) return [];
  const { totalBytes = kept.totalBytes, validator = kept.validator } = file;
  return kept.totalBytes === totalBytes && kept.validator === validator ? kept.ranges : [];
}

/** @throws CcxriError of the disk */
export async function removeRanges(path: string): Promise<void> {
  try {
    await removeIfThere(statePathOf(path));
    await removeIfThere(path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw toDiskError(error, 'remove', { path });
  }
}

/** What is left of a range without the bytes from `start` to before `end`. */
function without(range: StoredRange, start: number, end: number): readonly StoredRange[] {
  const rangeEnd = range.start + range.length;
  if (end <= range.start || start >= rangeEnd) return [range];
  const before = { ...range, length: start - range.start };
  const after = { start: end, length: rangeEnd - end, at: range.at + end - range.start };
  return [before, after].filter(({ length }) => length > 0);
}
