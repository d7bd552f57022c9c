import { closeHandle } from '../fs/paths.ts';
import { constants } from 'node:fs';
import { type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Clock, systemClock } from '../clock.ts';
import { errnoOf, toDiskError } from '../errors.ts';
import { syncDirectory, syncFile } from '../fs/atomic.ts';
import { rename } from '../fs/rename.ts';
import { type FollowFile, type HashFollower, followHere } from '../hash/hash-file.ts';
import { PartJournal } from './part-journal.ts';
import {
  NO_ORIGIN,
  type PartOrigin,
  type PartState,
  durableSpansOf,
  isUsable,
  leastLengthOf,
  onDisk,
  openPart,
  partDeleted,
  removeOwnFile,
  removePart,
  statePathOf,
  toDurable,
  writePartState,
} from './part-state.ts';
import { type FoundFile, placeFile } from './publish.ts';
import type { Spans } from './spans.ts';
import { type WriteFully, writeFully } from './writer.ts';

type PartIdentity = Pick<PartState, 'name' | 'md5' | 'owner'>;

/** What a part works with. */
export interface PartDependencies {
  /** Hashes it behind its writers. Default: in this thread. */
  readonly follow?: FollowFile | undefined;
  readonly write?: WriteFully | undefined;
  /** Decides when bytes are flushed that are too few to be flushed for their number. */
  readonly clock?: Pick<Clock, 'nowMs'> | undefined;
}

/**
 * A file that is being downloaded, with its state beside it. Written from front to back or at several
 * positions. Hashed behind the writers from what is on disk, as far as the contiguous prefix reaches;
 * flushed again and again, each time followed by its state.
 */
export class PartFile {
  readonly path: string;
  readonly #identity: PartIdentity;
  #handle: FileHandle;
  #closed = false;
  readonly #follow: FollowFile;
  readonly #write: WriteFully;
  readonly #nowMs: () => number;
  #follower: HashFollower;
  #origin: PartOrigin;
  #journal: PartJournal;
  #md5: string | undefined;

  private constructor(
    path: string,
    handle: FileHandle,
    state: PartState,
    { follow = followHere, write = writeFully, clock = systemClock }: PartDependencies,
  ) {
    this.path = path;
    this.#handle = handle;
    const { name, md5, owner, url, validator, totalBytes } = state;
    this.#identity = { name, md5, owner };
    this.#origin = { url, validator, totalBytes };
    this.#follow = follow;
    this.#write = write;
    this.#nowMs = clock.nowMs;
    this.#journal = this.#startJournal(durableSpansOf(state));
    this.#follower = follow(handle);
    // A prefix that is already there is hashed while the rest arrives.
    this.#follower.advance(this.bytes);
  }

  /** A new, empty part. @throws CcxriError of the disk */
  static async create(path: string, identity: PartIdentity, using: PartDependencies = {}) {
    const state: PartState = { partVersion: 2, ...identity, ...NO_ORIGIN, ...toDurable([]) };
    await writePartState(path, state);
    const handle = await openPart(path, constants.O_CREAT | constants.O_EXCL);
    return new PartFile(path, handle, state, using);
  }

  /** Continues a part; bytes that its state does not list as flushed are cut off. */
  static async resume(path: string, state: PartState, using: PartDependencies = {}) {
    const handle = await openPart(path, 0);
    try {
      await onDisk('cut', path, handle.truncate(leastLengthOf(state)));
      return new PartFile(path, handle, state, using);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Length of the contiguous prefix. */
  get bytes(): number {
    return this.#journal.prefixBytes;
  }

  /** Written in all, gaps not counted. */
  get heldBytes(): number {
    return this.#journal.writtenBytes;
  }

  /** What is written. */
  get spans(): Spans {
    return this.#journal.written;
  }

  get origin(): PartOrigin {
    return this.#origin;
  }

  /** Of the bytes that `finish` has hashed; undefined: it has not, or they were dropped since. */
  get md5(): string | undefined {
    return this.#md5;
  }

  /** All of the file is here; false as long as its length is not known. */
  get isComplete(): boolean {
    return this.#origin.totalBytes !== null && this.bytes === this.#origin.totalBytes;
  }

  /** What is here need not be downloaded again. */
  get isUsable(): boolean {
    return isUsable(this.#origin, this.spans);
  }

  /** For a length that the first answer did not announce. */
  learnTotal(totalBytes: number): void {
    this.#origin = { ...this.#origin, totalBytes };
  }

  /** Starts over, with bytes of this origin: none of the old ones is kept. */
  async restart(origin: PartOrigin = NO_ORIGIN): Promise<void> {
    await this.#journal.settle();
    await this.#follower.stop();
    await onDisk('cut', this.path, this.#handle.truncate(0));
    this.#origin = origin;
    this.#journal = this.#startJournal([]);
    this.#md5 = undefined;
    this.#follower = this.#follow(this.#handle);
    await this.#writeState([]);
  }

  /**
   * Writes bytes at this position. Several writers may be at work, each at another one.
   * @throws CcxriError `disk-full` and others of the disk
   */
  async write(bytes: Uint8Array, at: number): Promise<void> {
    const had = this.bytes;
    await this.#journal.record([at, at + bytes.length], async () => {
      try {
        await this.#write(this.#handle, bytes, at);
      } catch (error) {
        throw toDiskError(error, 'write', { path: this.path, kept: 'what was flushed before' });
      }
    });
    if (this.bytes > had) this.#follower.advance(this.bytes);
    await onDisk('read', this.path, this.#follower.catchUp());
  }

  /** Flushes what is written: a kill costs nothing of it. A failure is thrown by the next write. */
  async checkpoint(): Promise<void> {
    await this.#journal.checkpoint();
  }

  /**
   * Flushes the file and hashes the bytes on disk: after this it may be renamed.
   * @throws CcxriError `part-deleted`; of the disk
   */
  async finish(): Promise<string> {
    if (this.bytes !== this.heldBytes) throw new Error(`${this.path} has a gap`);
    this.#md5 = await onDisk('check', this.path, this.#hashAndFlush());
    return this.#md5;
  }

  async #hashAndFlush(): Promise<string> {
    const [md5] = await Promise.all([this.#follower.finish(), this.#journal.settle()]);
    await this.#journal.guard(syncFile(this.#handle));
    if ((await this.#handle.stat()).nlink === 0) throw partDeleted(this.path);
    await this.#writeState(this.spans);
    return md5;
  }

  /**
   * Gives the finished, accepted file its final name: never over another file, but the same bytes may
   * be there already. The part is closed and gone after this.
   * @param damaged the file that it replaces
   * @throws CcxriError `occupied`; `part-deleted`; of the disk
   */
  async moveTo(finalPath: string, damaged?: FoundFile): Promise<void> {
    try {
      const { path, bytes, md5 = '' } = this;
      await placeFile({ path, bytes, md5 }, finalPath, damaged);
      await this.close();
      await syncDirectory(dirname(finalPath));
      await removeOwnFile(statePathOf(this.path));
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') throw partDeleted(this.path, error);
      throw toDiskError(error, 'move', { path: finalPath });
    }
  }

  /** Moves the whole, wrong file to another path; the part is empty after this. */
  async moveAway(path: string): Promise<void> {
    await this.close();
    await onDisk('move', path, rename(this.path, path));
    await this.recreate();
  }

  /** Starts over in a new file of the same name, after the old one is gone. */
  async recreate(): Promise<void> {
    await this.close();
    this.#handle = await openPart(this.path, constants.O_CREAT | constants.O_EXCL);
    this.#closed = false;
    await this.restart();
  }

  /** Ends the work. What can be resumed stays for a later run, by any process; the rest is removed. */
  async leave(): Promise<void> {
    if (this.#closed) return;
    try {
      if (this.isUsable) await onDisk('keep', this.path, this.#keep());
    } finally {
      await this.close();
      if (!this.isUsable) await removePart(this.path);
    }
  }

  async #keep(): Promise<void> {
    await this.#journal.settle();
    await this.#follower.stop();
    await this.#journal.guard(syncFile(this.#handle));
    await this.#writeState(this.spans, null);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#journal.close();
    await this.#follower.stop();
    await closeHandle(this.#handle, this.path);
  }

  #startJournal(durable: Spans): PartJournal {
    const flush = async (spans: Spans) => {
      const flushed = syncFile({ sync: () => this.#handle.datasync() });
      await onDisk('flush', this.path, flushed);
      await this.#writeState(spans);
    };
    return new PartJournal(durable, flush, this.#nowMs);
  }

  async #writeState(durable: Spans, owner = this.#identity.owner): Promise<void> {
    const state = { ...this.#identity, owner, ...this.#origin, ...toDurable(durable) };
    await writePartState(this.path, { partVersion: 2, ...state });
  }
}
