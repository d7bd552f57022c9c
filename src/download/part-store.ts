import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, lstat, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, toDiskError } from '../errors.ts';
import { makeDirectoryWithin } from '../fs/paths.ts';
import { type ProcessIdentity, livenessOf, ownIdentity } from '../fs/process-identity.ts';
import { DEFAULT_TOOLS, PartFile, type PartTools } from './part-file.ts';
import {
  type PartState,
  leastLengthOf,
  readPartState,
  readStrayState,
  removeIfThere,
  removePart,
  statePathOf,
  usableBytesOf,
  writePartState,
} from './part-state.ts';

/** What a part is of: the file, and the release by its MD5. */
export interface PartKey {
  readonly name: string;
  readonly md5: string;
}

/** What of a file need not come again, if its sources lead to the same address. */
export interface PartHere {
  readonly bytes: number;
  /** With its query: never printed. */
  readonly from: string | null;
}

/** A part that lies there, as its state tells. */
interface FoundPart {
  readonly path: string;
  readonly state: PartState;
  /** Of an owner of whom nothing can be known (another host), nothing is taken but a copy. */
  readonly isFree: boolean;
}

/** A part of another host's run may be written to still; one left alone for so long is not. */
const ABANDONED_MS = 60 * 60_000;
/** A part without a state may be one that another run is just taking over. */
const FRESH_MS = 60_000;

/**
 * The partial downloads of a dataset directory. Each is a file of its own process
 * (`ChestDx-1.zip.<token>.part`, made exclusively): two runs never write into one file, even where
 * the lock fails. A part that was left, or whose owner is dead, is taken over under a new name.
 */
export class PartStore {
  readonly #directory: string;
  readonly #onNotice: (message: string) => void;
  readonly #tools: PartTools;

  /**
   * @param directory `DatasetLayout.partial`; the one above it must be there
   * @param onNotice hears of parts that are left alone because a newer ccxri has made them
   */
  constructor(
    directory: string,
    onNotice: (message: string) => void = () => undefined,
    tools = DEFAULT_TOOLS,
  ) {
    this.#directory = directory;
    this.#onNotice = onNotice;
    this.#tools = tools;
  }

  /** Bytes that need not come again of the file's largest part, whoever works at it. */
  async bytesHere(key: PartKey): Promise<number> {
    return (await this.largestHere(key)).bytes;
  }

  /** The same, and where they came from: `from` is null where nothing more has to come. */
  async largestHere({ name, md5 }: PartKey): Promise<PartHere> {
    let best: PartHere = { bytes: 0, from: null };
    for (const token of await this.#tokensOf(name)) {
      const state = await readPartState(this.#partPath(name, token));
      if (state === undefined || state === 'newer' || state.md5 !== md5) continue;
      const bytes = usableBytesOf(state);
      const from = bytes === state.totalBytes ? null : state.url;
      if (bytes > best.bytes) best = { bytes, from };
    }
    return best;
  }

  /** A part to write to: one that was left behind, or a new one. Other leftovers are removed. */
  async open(key: PartKey): Promise<PartFile> {
    const owner = await ownIdentity();
    const token = randomBytes(6).toString('hex');
    const path = this.#partPath(key.name, token);
    try {
      await makeDirectoryWithin(this.#directory);
      const found = await this.#find(key);
      const state = found && (await takeOver(found, path, owner));
      const part = await (state === undefined
        ? PartFile.create(path, { ...key, owner }, this.#tools)
        : PartFile.resume(path, state, this.#tools));
      try {
        await this.#removeLeftovers(key.name, token);
      } catch (error) {
        await part.close();
        throw error;
      }
      return part;
    } catch (error) {
      throw toDiskError(error, 'write', { path: this.#directory });
    }
  }

  /** Removes what nobody needs: the file itself is here. */
  async discard(name: string): Promise<void> {
    await this.#removeLeftovers(name);
  }

  /** The part with the most bytes that nobody alive works at; undefined: there is none. */
  async #find(key: PartKey): Promise<FoundPart | undefined> {
    let best: FoundPart | undefined;
    for (const token of await this.#tokensOf(key.name)) {
      const path = this.#partPath(key.name, token);
      const state = await readPartState(path);
      if (state === 'newer') this.#onNotice(`${path} was made by a newer ccxri: it is left alone`);
      if (state === undefined || state === 'newer') continue;
      if (state.name !== key.name || state.md5 !== key.md5) continue;
      if (usableBytesOf(state) <= (best === undefined ? 0 : usableBytesOf(best.state))) continue;
      const liveness = await livenessOfOwner(state);
      if (liveness === 'alive' || !(await isWholeFile(path, state))) continue;
      best = { path, state, isFree: liveness === 'dead' };
    }
    return best;
  }

  async #tokensOf(name: string): Promise<ReadonlySet<string>> {
    try {
      const entries = await readdir(this.#directory);
      const rests = entries.filter((entry) => entry.startsWith(`${name}.`));
      const tokens = rests.map((entry) => OURS.exec(entry.slice(name.length + 1))?.[1] ?? '');
      return new Set(tokens.filter((token) => token !== ''));
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return new Set();
      throw toDiskError(error, 'read', { path: this.#directory });
    }
  }

  #partPath(name: string, token: string): string {
    return join(this.#directory, `${name}.${token}.part`);
  }

  /** What dead runs have left, without a state, of another release, or of less than was taken over. */
  async #removeLeftovers(name: string, ownToken?: string): Promise<void> {
    const tokens = await this.#tokensOf(name);
    const nowMs = ownToken === undefined ? undefined : await this.#clockOf(name, ownToken);
    for (const token of tokens) {
      const path = this.#partPath(name, token);
      if (token === ownToken || !(await isLeftover(path, nowMs))) continue;
      await removePart(path);
      await removeIfThere(`${statePathOf(path)}.tmp`);
    }
  }

  /** The time as the file system has it, by what was just written: its host's clock may differ. */
  async #clockOf(name: string, ownToken: string): Promise<number> {
    return (await lstat(statePathOf(this.#partPath(name, ownToken)))).mtimeMs;
  }
}

const OURS = /^([0-9a-f]{12})\.(?:part|json|json\.tmp)$/;

/** @param nowMs undefined: not known, and nothing is old */
async function isLeftover(path: string, nowMs: number | undefined): Promise<boolean> {
  const state = (await readPartState(path)) ?? (await readStrayState(path));
  if (state === 'newer') return false;
  const liveness = state === undefined ? 'unknown' : await livenessOfOwner(state);
  if (liveness !== 'unknown') return liveness === 'dead';
  if (nowMs === undefined) return false;
  const limitMs = state === undefined ? FRESH_MS : ABANDONED_MS;
  return nowMs - (await touchedAtMs(path)) > limitMs;
}

async function livenessOfOwner({ owner }: PartState): Promise<'alive' | 'dead' | 'unknown'> {
  return owner === null ? 'dead' : await livenessOf(owner);
}

/**
 * When a part or its state was last changed or renamed. Of none of both: this moment, for there is
 * nothing to remove, and its maker may be just about to write.
 */
async function touchedAtMs(path: string): Promise<number> {
  const state = statePathOf(path);
  const times = [path, state, `${state}.tmp`].map(async (each) => {
    const stats = await lstat(each).catch(() => undefined);
    return stats === undefined ? [] : [stats.mtimeMs, stats.ctimeMs];
  });
  const known = (await Promise.all(times)).flat();
  return known.length === 0 ? Infinity : Math.max(...known);
}

/** A plain file with one name, as long as its state says at least. */
async function isWholeFile(path: string, state: PartState): Promise<boolean> {
  const stats = await lstat(path).catch(() => undefined);
  return stats?.isFile() === true && stats.nlink === 1 && stats.size >= leastLengthOf(state);
}

/**
 * Makes a part ours, under our own name. Our state is there before the part is, so that nobody takes
 * it for one without a state. Of two runs that try, one succeeds.
 * @returns its state; undefined: another run was faster
 */
async function takeOver(
  { path: from, state: theirs, isFree }: FoundPart,
  to: string,
  owner: ProcessIdentity,
): Promise<PartState | undefined> {
  const state = { ...theirs, owner };
  await writePartState(to, state);
  try {
    if (isFree) await rename(from, to);
    else await copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  if (isFree) {
    await removeIfThere(statePathOf(from));
    await removeIfThere(`${statePathOf(from)}.tmp`);
  }
  if (await isWholeFile(to, state)) return state;
  // The other run has started over while it was copied.
  await removePart(to);
  return undefined;
}
