import { constants } from 'node:fs';
import { rename, type FileHandle } from 'node:fs/promises';
import { errnoOf, toDiskError } from '../errors.ts';
import { followHere, type FollowFile, type HashFollower } from './hash-follower.ts';
import { placeFile } from './place-file.ts';
import { isUsable, NO_ORIGIN, type PartOrigin, type PartState } from './part-schema.ts';
import {
  openPart,
  partDeleted,
  removeIfThere,
  removePart,
  statePathOf,
  writePartState,
} from './part-disk.ts';
import { syncDirectory, syncFile } from './write-atomic.ts';

/** What a kill can cost, a file in flight: the writer waits before more than this is not flushed. */
export const CHECKPOINT_BYTES = 8 * 1024 * 1024;
/** A flush begins so early that the writer hardly ever has to wait for its end. */
const FLUSH_BYTES = CHECKPOINT_BYTES / 2;

type PartIdentity = Pick<PartState, 'name' | 'md5' | 'owner'>;

/**
 * A file that is being downloaded, with its state beside it. Written front to back; hashed behind
 * the writer from what lies on disk; flushed, and its state written after that, again and again.
 */
export class PartFile {
  readonly path: string;
  readonly #identity: PartIdentity;
  #handle: FileHandle;
  #closed = false;
  readonly #follow: FollowFile;
  #follower: HashFollower;
  #origin: PartOrigin;
  #bytes: number;
  #durableBytes: number;
  /** Of the bytes that `finish` has hashed. */
  #md5: string | undefined;
  #checkpoint: Promise<void> | undefined;
  #checkpointFailure: Error | undefined;

  private constructor(path: string, handle: FileHandle, state: PartState, follow: FollowFile) {
    this.path = path;
    this.#handle = handle;
    const { name, md5, owner, url, validator, totalBytes, durableBytes } = state;
    this.#identity = { name, md5, owner };
    this.#origin = { url, validator, totalBytes };
    this.#bytes = this.#durableBytes = durableBytes;
    this.#follow = follow;
    this.#follower = follow(handle);
    // A prefix that was there already is hashed while the rest arrives.
    this.#follower.advance(this.#bytes);
  }

  /** A new, empty part. @throws CcxriError of the disk */
  static async create(path: string, identity: PartIdentity, follow = followHere) {
    const state: PartState = { partVersion: 1, ...identity, ...NO_ORIGIN, durableBytes: 0 };
    await writePartState(path, state);
    const handle = await openPart(path, constants.O_CREAT | constants.O_EXCL);
    return new PartFile(path, handle, state, follow);
  }

  /** Goes on with a part; bytes behind what its state vouches for are cut off. */
  static async resume(path: string, state: PartState, follow = followHere): Promise<PartFile> {
    const handle = await openPart(path, 0);
    try {
      await handle.truncate(state.durableBytes);
      return new PartFile(path, handle, state, follow);
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

  /** All of the file is here, as far as its length is known. */
  get isComplete(): boolean {
    return this.#origin.totalBytes !== null && this.#bytes === this.#origin.totalBytes;
  }

  /** What is here need not come again, in this run or the next. */
  get isUsable(): boolean {
    return isUsable(this.#origin, this.#bytes);
  }

  /** The first answer did not say how long the file is; a later one has. */
  learnTotal(totalBytes: number): void {
    this.#origin = { ...this.#origin, totalBytes };
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
    this.#bytes = this.#durableBytes = 0;
    this.#md5 = undefined;
    this.#follower = this.#follow(this.#handle);
    await this.#writeState(0);
  }

  /** Appends. @throws CcxriError `disk-full` and others of the disk */
  async append(chunk: Buffer): Promise<void> {
    const atRiskBytes = this.#bytes + chunk.length - this.#durableBytes;
    if (atRiskBytes > CHECKPOINT_BYTES) await this.#startCheckpoint();
    if (this.#checkpointFailure !== undefined) throw this.#checkpointFailure;
    try {
      // A full disk shows first as a short write without an error, and only then as one.
      for (let done = 0; done < chunk.length;) {
        const left = chunk.length - done;
        const { bytesWritten } = await this.#handle.write(chunk, done, left, this.#bytes + done);
        done += bytesWritten;
      }
      this.#bytes += chunk.length;
      this.#follower.advance(this.#bytes);
      await this.#follower.catchUp();
    } catch (error) {
      throw toDiskError(error, 'write', { path: this.path, kept: 'what was flushed before' });
    }
    if (this.#bytes - this.#durableBytes >= FLUSH_BYTES) void this.#startCheckpoint();
  }

  /**
   * The MD5 of the bytes on disk, and with it their flush: after this the file may be renamed.
   * @throws CcxriError `missing`: somebody has deleted the part meanwhile; of the disk
   */
  async finish(): Promise<string> {
    try {
      const [md5] = await Promise.all([this.#follower.finish(), this.#settle()]);
      await syncFile(this.#handle);
      if ((await this.#handle.stat()).nlink === 0) throw partDeleted(this.path);
      await this.#writeState(this.#bytes);
      this.#md5 = md5;
      return md5;
    } catch (error) {
      throw toDiskError(error, 'check', { path: this.path });
    }
  }

  /**
   * Gives the finished, accepted file its final name; never over another file, but the same bytes
   * may lie there already. The part is closed and gone then.
   * @throws CcxriError `occupied`; `missing`: somebody has deleted the part; of the disk
   */
  async moveTo(finalPath: string, finalDirectory: string): Promise<void> {
    try {
      await placeFile(this.path, finalPath, { bytes: this.#bytes, md5: this.#md5 });
      await this.close();
      await syncDirectory(finalDirectory);
      await removeIfThere(statePathOf(this.path));
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') throw partDeleted(this.path, error);
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
    await this.recreate();
  }

  /** Starts over in a new file under the same name, where the old one is not there any more. */
  async recreate(): Promise<void> {
    await this.close();
    this.#handle = await openPart(this.path, constants.O_CREAT | constants.O_EXCL);
    this.#closed = false;
    await this.restart();
  }

  /** Ends the work: what can be gone on with lasts for a later run, of anybody; else it goes. */
  async leave(): Promise<void> {
    if (this.#closed) return;
    try {
      if (!this.isUsable) return;
      await this.#settle();
      await this.#follower.stop();
      await syncFile(this.#handle);
      await this.#writeState(this.#bytes, null);
    } catch (error) {
      throw toDiskError(error, 'keep', { path: this.path });
    } finally {
      await this.close();
      if (!this.isUsable) await removePart(this.path);
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#checkpoint;
    await this.#follower.stop();
    await this.#handle.close();
  }

  /** Beside the writing, which goes on: a flush is slow, and the next bytes need not wait for it. */
  #startCheckpoint(): Promise<void> {
    this.#checkpoint ??= this.#flush()
      .catch((error: unknown) => {
        const told = toDiskError(error, 'flush', { path: this.path });
        this.#checkpointFailure = told instanceof Error ? told : new Error(String(told));
      })
      .finally(() => {
        this.#checkpoint = undefined;
      });
    return this.#checkpoint;
  }

  async #flush(): Promise<void> {
    const bytes = this.#bytes;
    await syncFile({ sync: () => this.#handle.datasync() });
    // They count as safe when the state says so: a kill goes by that.
    await this.#writeState(bytes);
    this.#durableBytes = bytes;
  }

  async #settle(): Promise<void> {
    await this.#checkpoint;
    if (this.#checkpointFailure !== undefined) throw this.#checkpointFailure;
  }

  async #writeState(durableBytes: number, owner = this.#identity.owner): Promise<void> {
    await writePartState(this.path, {
      partVersion: 1,
      ...this.#identity,
      owner,
      ...this.#origin,
      durableBytes,
    });
  }
}
