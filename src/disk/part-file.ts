import { constants } from 'node:fs';
import { open, rename, unlink, writeFile, type FileHandle } from 'node:fs/promises';
import { toDiskError } from '../errors.ts';
import { HashFollower } from './hash-follower.ts';
import type { PartState } from './part-schema.ts';
import { syncDirectory, syncFile } from './write-atomic.ts';

/** Bytes between two states on disk: what a kill can cost, a file in flight. */
export const CHECKPOINT_BYTES = 8 * 1024 * 1024;

/** The writer waits when the hash is further behind than this: it must read from the page cache. */
const MAX_LAG_BYTES = 64 * 1024 * 1024;

/** Where the bytes of a part come from: what a later range must match. */
export interface PartOrigin {
  readonly url: string;
  readonly etag: string | null;
  readonly totalBytes: number | null;
}

const NO_ORIGIN: PartOrigin = { url: '', etag: null, totalBytes: null };

/**
 * A file that is being downloaded, with its state beside it. Written front to back; hashed behind
 * the writer from what lies on disk; flushed, and its state written after that, every 8 MiB.
 */
export class PartFile {
  readonly path: string;
  readonly #statePath: string;
  readonly #identity: Pick<PartState, 'name' | 'md5' | 'owner'>;
  #handle: FileHandle;
  #closed = false;
  #follower: HashFollower;
  #origin: PartOrigin;
  #bytes: number;
  #durableBytes: number;
  #checkpoint: Promise<void> | undefined;
  #checkpointFailure: Error | undefined;

  private constructor(path: string, handle: FileHandle, state: PartState) {
    this.path = path;
    this.#statePath = statePathOf(path);
    this.#identity = { name: state.name, md5: state.md5, owner: state.owner };
    this.#handle = handle;
    this.#origin = { url: state.url, etag: state.etag, totalBytes: state.totalBytes };
    this.#bytes = state.durableBytes;
    this.#durableBytes = state.durableBytes;
    this.#follower = new HashFollower(handle);
    // A prefix that was there already is hashed while the rest arrives.
    this.#follower.advance(this.#bytes);
  }

  /** A new, empty part. @throws CcxriError of the disk */
  static async create(
    path: string,
    identity: Pick<PartState, 'name' | 'md5' | 'owner'>,
  ): Promise<PartFile> {
    const state: PartState = { partVersion: 1, ...identity, ...NO_ORIGIN, durableBytes: 0 };
    return new PartFile(path, await openPart(path, constants.O_CREAT | constants.O_EXCL), state);
  }

  /** Goes on with a part; bytes behind what its state vouches for are cut off. */
  static async resume(path: string, state: PartState): Promise<PartFile> {
    const handle = await openPart(path, 0);
    try {
      await handle.truncate(state.durableBytes);
      return new PartFile(path, handle, state);
    } catch (error) {
      await handle.close();
      throw toDiskError(error, 'cut', { path });
    }
  }

  /** Written so far, from the first byte without a gap. */
  get bytes(): number {
    return this.#bytes;
  }

  get origin(): PartOrigin {
    return this.#origin;
  }

  /** Starts over: the bytes that follow are of another origin, and none of the old ones is kept. */
  async restart(origin: PartOrigin = NO_ORIGIN): Promise<void> {
    await this.#settle();
    await this.#follower.stop();
    try {
      await this.#handle.truncate(0);
    } catch (error) {
      throw toDiskError(error, 'cut', { path: this.path });
    }
    this.#origin = origin;
    this.#bytes = 0;
    this.#durableBytes = 0;
    this.#follower = new HashFollower(this.#handle);
    await this.#writeState();
  }

  /** Appends. @throws CcxriError `disk-full` and others of the disk */
  async append(chunk: Buffer): Promise<void> {
    if (this.#checkpointFailure !== undefined) throw this.#checkpointFailure;
    try {
      // A full disk shows first as a short write without an error, and only then as one.
      for (let done = 0; done < chunk.length;) {
        const { bytesWritten } = await this.#handle.write(
          chunk,
          done,
          chunk.length - done,
          this.#bytes + done,
        );
        done += bytesWritten;
      }
      this.#bytes += chunk.length;
      this.#follower.advance(this.#bytes);
      await this.#follower.catchUp(MAX_LAG_BYTES);
    } catch (error) {
      throw toDiskError(error, 'write', { path: this.path, kept: 'what was flushed before' });
    }
    if (this.#bytes - this.#durableBytes >= CHECKPOINT_BYTES) this.#startCheckpoint();
  }

  /** The MD5 of the bytes on disk, and with it their flush: after this the file may be renamed. */
  async finish(): Promise<string> {
    try {
      const [md5] = await Promise.all([this.#follower.finish(), this.#settle()]);
      await syncFile(this.#handle);
      this.#durableBytes = this.#bytes;
      await this.#writeState();
      return md5;
    } catch (error) {
      throw toDiskError(error, 'check', { path: this.path });
    }
  }

  /** Gives the whole, checked file its final name. The part is closed. */
  async moveTo(finalPath: string, finalDirectory: string): Promise<void> {
    await this.close();
    try {
      await rename(this.path, finalPath);
      await syncDirectory(finalDirectory);
      await unlink(this.#statePath);
    } catch (error) {
      throw toDiskError(error, 'move', { path: finalPath });
    }
  }

  /** Moves the whole, wrong file out of the way under another name; the part is empty then. */
  async setAside(path: string): Promise<void> {
    await this.close();
    try {
      await rename(this.path, path);
    } catch (error) {
      throw toDiskError(error, 'move', { path });
    }
    this.#handle = await openPart(this.path, constants.O_CREAT | constants.O_EXCL);
    this.#closed = false;
    await this.restart();
  }

  /** Ends the work: what has arrived lasts for a later run; an empty part is removed. */
  async leave(): Promise<void> {
    if (this.#closed) return;
    try {
      await this.#settle();
      await this.#follower.stop();
      await syncFile(this.#handle);
      this.#durableBytes = this.#bytes;
      await this.#writeState();
    } catch (error) {
      throw toDiskError(error, 'keep', { path: this.path });
    } finally {
      await this.close();
    }
    if (this.#bytes > 0) return;
    await unlink(this.path).catch(() => undefined);
    await unlink(this.#statePath).catch(() => undefined);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#checkpoint?.catch(() => undefined);
    await this.#follower.stop();
    await this.#handle.close();
  }

  /** Beside the writing, which goes on: a flush is slow, and the next bytes need not wait for it. */
  #startCheckpoint(): void {
    if (this.#checkpoint !== undefined) return;
    const bytes = this.#bytes;
    this.#checkpoint = (async () => {
      await this.#handle.datasync();
      this.#durableBytes = bytes;
      await this.#writeState();
    })()
      .catch((error: unknown) => {
        const told = toDiskError(error, 'flush', { path: this.path });
        this.#checkpointFailure = told instanceof Error ? told : new Error(String(told));
      })
      .finally(() => {
        this.#checkpoint = undefined;
      });
  }

  async #settle(): Promise<void> {
    await this.#checkpoint;
    if (this.#checkpointFailure !== undefined) throw this.#checkpointFailure;
  }

  /**
   * Renamed over the old state, but not flushed: a state that a power cut mangles costs the part,
   * never a wrong file, and a flush for each would cost more than it saves.
   */
  async #writeState(): Promise<void> {
    const state: PartState = {
      partVersion: 1,
      ...this.#identity,
      ...this.#origin,
      durableBytes: this.#durableBytes,
    };
    const temporary = `${this.#statePath}.tmp`;
    try {
      await writeFile(temporary, JSON.stringify(state));
      await rename(temporary, this.#statePath);
    } catch (error) {
      throw toDiskError(error, 'write', { path: this.#statePath });
    }
  }
}

export function statePathOf(partPath: string): string {
  return partPath.replace(/\.part$/, '.json');
}

async function openPart(path: string, flags: number): Promise<FileHandle> {
  try {
    // Never through a link: the part must be the file that it seems to be.
    return await open(path, constants.O_RDWR | constants.O_NOFOLLOW | flags, 0o644);
  } catch (error) {
    throw toDiskError(error, 'open', { path });
  }
}
