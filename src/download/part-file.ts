import { constants } from 'node:fs';
import { type FileHandle, rename } from 'node:fs/promises';
import { type Clock, systemClock } from '../clock.ts';
import { errnoOf, toDiskError } from '../errors.ts';
import { syncDirectory, syncFile } from '../fs/atomic.ts';
import { type FollowFile, type HashFollower, followHere } from '../hash/hash-file.ts';
import { PartJournal } from './part-journal.ts';
import {
  NO_ORIGIN,
  type PartOrigin,
  type PartState,
  durableSpansOf,
  flushData,
  isUsable,
  leastLengthOf,
  openPart,
  partDeleted,
  removeIfThere,
  removePart,
  statePathOf,
  toDurable,
  writePartState,
} from './part-state.ts';
import { placeFile } from './publish.ts';
import type { Spans } from './spans.ts';
import { type WriteChunks, writeChunks } from './writer.ts';

type PartIdentity = Pick<PartState, 'name' | 'md5' | 'owner'>;

/**
 * A file that is being downloaded, with its state beside it. Written front to back, or at several
 * places; hashed behind the writers from what lies on disk, as far as it goes without a gap;
 * flushed, and its state written after that, again and again.
 */
export class PartFile {
  readonly path: string;
  readonly #identity: PartIdentity;
  #handle: FileHandle;
  #closed = false;
  readonly #tools: PartTools;
  #follower: HashFollower;
  #origin: PartOrigin;
  #journal: PartJournal;
  #md5: string | undefined;

  private constructor(path: string, handle: FileHandle, state: PartState, tools: PartTools) {
    this.path = path;
    this.#handle = handle;
    const { name, md5, owner, url, validator, totalBytes } = state;
    this.#identity = { name, md5, owner };
    this.#origin = { url, validator, totalBytes };
    this.#tools = tools;
    this.#journal = this.#startJournal(durableSpansOf(state));
    this.#follower = tools.follow(handle);
    // A prefix that was there already is hashed while the rest arrives.
    this.#follower.advance(this.bytes);
  }

  /** A new, empty part. @throws CcxriError of the disk */
  static async create(path: string, identity: PartIdentity, tools = DEFAULT_TOOLS) {
    const state: PartState = { partVersion: 2, ...identity, ...NO_ORIGIN, ...toDurable([]) };
    await writePartState(path, state);
    const handle = await openPart(path, constants.O_CREAT | constants.O_EXCL);
    return new PartFile(path, handle, state, tools);
  }

  /** Goes on with a part; bytes behind what its state vouches for are cut off. */
  static async resume(path: string, state: PartState, tools = DEFAULT_TOOLS): Promise<PartFile> {
    const handle = await openPart(path, 0);
    try {
      await handle.truncate(leastLengthOf(state));
      return new PartFile(path, handle, state, tools);
    } catch (error) {
      await handle.close();
      throw toDiskError(error, 'cut', { path });
    }
  }

  /** Written so far, from the first byte without a gap. */
  get bytes(): number {
    return this.#journal.prefixBytes;
  }

  /** Written in all, also behind gaps. */
  get heldBytes(): number {
    return this.#journal.writtenBytes;
  }

  /** Written, and where. */
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

  /** All of the file is here, as far as its length is known. */
  get isComplete(): boolean {
    return this.#origin.totalBytes !== null && this.bytes === this.#origin.totalBytes;
  }

  /** What is here need not come again. */
  get isUsable(): boolean {
    return isUsable(this.#origin, this.spans);
  }

  /** The first answer did not say how long the file is; a later one has. */
  learnTotal(totalBytes: number): void {
    this.#origin = { ...this.#origin, totalBytes };
  }

  /** Starts over: the bytes that follow are of another origin, and none of the old ones is kept. */
  async restart(origin: PartOrigin = NO_ORIGIN): Promise<void> {
    await this.#journal.settle();
    await this.#follower.stop();
    try {
      await this.#handle.truncate(0);
    } catch (error) {
      throw toDiskError(error, 'cut', { path: this.path });
    }
    this.#origin = origin;
    this.#journal = this.#startJournal([]);
    this.#md5 = undefined;
    this.#follower = this.#tools.follow(this.#handle);
    await this.#writeState([]);
  }

  /** Behind what is here from the first byte on. @throws as `write` */
  async append(chunk: Buffer): Promise<void> {
    await this.write([chunk], this.bytes);
  }

  /**
   * Chunks one behind the other. Several writers may be at work, each at another place.
   * @throws CcxriError `disk-full` and others of the disk
   */
  async write(chunks: readonly Buffer[], at: number): Promise<void> {
    const had = this.bytes;
    const end = chunks.reduce((place, { length }) => place + length, at);
    await this.#journal.record([at, end], async () => {
      try {
        await this.#tools.write(this.#handle, chunks, at);
      } catch (error) {
        throw toDiskError(error, 'write', { path: this.path, kept: 'what was flushed before' });
      }
    });
    try {
      if (this.bytes > had) this.#follower.advance(this.bytes);
      await this.#follower.catchUp();
    } catch (error) {
      throw toDiskError(error, 'read', { path: this.path });
    }
  }

  /**
   * The MD5 of the bytes on disk, and with it their flush: after this the file may be renamed.
   * @throws CcxriError `missing`: somebody has deleted the part meanwhile; of the disk
   */
  async finish(): Promise<string> {
    if (this.bytes !== this.heldBytes) throw new Error(`${this.path} has a gap`);
    try {
      const [md5] = await Promise.all([this.#follower.finish(), this.#journal.settle()]);
      await this.#journal.guard(syncFile(this.#handle));
      if ((await this.#handle.stat()).nlink === 0) throw partDeleted(this.path);
      await this.#writeState(this.spans);
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
      await placeFile(this.path, finalPath, { bytes: this.bytes, md5: this.#md5 });
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
      await this.#journal.settle();
      await this.#follower.stop();
      await this.#journal.guard(syncFile(this.#handle));
      await this.#writeState(this.spans, null);
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
    await this.#journal.close();
    await this.#follower.stop();
    await this.#handle.close();
  }

  #startJournal(durable: Spans): PartJournal {
    const flush = async (spans: Spans) => {
      await flushData(this.#handle, this.path);
      await this.#writeState(spans);
    };
    return new PartJournal(durable, flush, this.#tools.clock.nowMs);
  }

  async #writeState(durable: Spans, owner = this.#identity.owner): Promise<void> {
    const state = { ...this.#identity, owner, ...this.#origin, ...toDurable(durable) };
    await writePartState(this.path, { partVersion: 2, ...state });
  }
}

/** What a part is made with. */
export interface PartTools {
  /** Hashes it behind its writers. Default: in this thread. */
  readonly follow: FollowFile;
  readonly write: WriteChunks;
  /** Says when what has come is to be flushed, be it little. Default: the system's. */
  readonly clock: Pick<Clock, 'nowMs'>;
}

export const DEFAULT_TOOLS: PartTools = {
  follow: followHere,
  write: writeChunks,
  clock: systemClock,
};
