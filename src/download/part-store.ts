import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, toDiskError } from '../errors.ts';
import { listOrEmpty, makeDirectoryWithin } from '../fs/paths.ts';
import { type ProcessIdentity, livenessOf, ownIdentity } from '../fs/process-identity.ts';
import { rename } from '../fs/rename.ts';
import { type PartDependencies, PartFile } from './part-file.ts';
import {
  type PartState,
  leastLengthOf,
  readPartState,
  readStrayState,
  removeOwnFile,
  removePart,
  statePathOf,
  usableBytesOf,
  writePartState,
} from './part-state.ts';
import { type Seed, seedPart } from './seed-part.ts';

/** What a part is of: the file, and the release by its MD5. */
export interface PartKey {
  readonly name: string;
  readonly md5: string;
}

/** What of a file need not be downloaded again, if its sources lead to the same address. */
export interface PartHere {
  readonly bytes: number;
  /** With its query: never printed. */
  readonly from: string | null;
}

/** A part on disk with its state. */
interface FoundPart {
  readonly path: string;
  readonly state: PartState;
  /** false: its owner may be alive (on another host), so only a copy of it is taken. */
  readonly isFree: boolean;
}

/** A part of another host's run may still be written to; not so after this long without a write. */
const ABANDONED_MS = 60 * 60_000;
/** A part without a state may be one that another run is just taking over. */
const FRESH_MS = 60_000;

/**
 * The partial downloads of a dataset directory. Each belongs to one process
 * (`ChestDx-1.zip.<token>.part`, made exclusively): two runs never write to one file, even if the
 * lock fails. A part that was left, or whose owner is dead, is taken over under a new name.
 */
export class PartStore {
  readonly #directory: string;
  readonly #onNotice: (message: string) => void;
  readonly #dependencies: PartDependencies;

  /**
   * @param directory `DatasetLayout.partial`; the one above it must exist
   * @param onNotice receives which parts are left alone because a newer ccxri made them
   */
  constructor(
    directory: string,
    onNotice: (message: string) => void = () => undefined,
    dependencies: PartDependencies = {},
  ) {
    this.#directory = directory;
    this.#onNotice = onNotice;
    this.#dependencies = dependencies;
  }

  /** Bytes of the file's largest part that need not be downloaded again, whoever its owner is. */
  async bytesHere(key: PartKey): Promise<number> {
    return (await this.largestHere(key)).bytes;
  }

  /** The same, and where they came from: `from` is null if nothing is missing. */
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

  /** A part to write to: one that was left, or a new one. Other leftovers are removed. */
  async open(key: PartKey): Promise<PartFile> {
    const owner = await ownIdentity();
    const token = newToken();
    const path = this.#partPath(key.name, token);
    try {
      await makeDirectoryWithin(this.#directory);
      const found = await this.#find(key);
      const state = found && (await takeOver(found, path, owner));
      const part = await (state === undefined
        ? PartFile.create(path, { ...key, owner }, this.#dependencies)
        : PartFile.resume(path, state, this.#dependencies));
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

  /**
   * Makes a part of bytes that are here already, and leaves it for `open`, which takes the part with the
   * most bytes.
   * @throws CcxriError of the disk: nothing is left then
   */
  async seed({ name, md5 }: PartKey, seed: Seed): Promise<void> {
    const path = this.#partPath(name, newToken());
    try {
      await makeDirectoryWithin(this.#directory);
      await seedPart(path, { name, md5, owner: await ownIdentity() }, seed);
    } catch (error) {
      await removePart(path).catch(() => undefined);
      throw toDiskError(error, 'write', { path });
    }
  }

  /** Removes the leftovers of a file that is in place. */
  async discard(name: string): Promise<void> {
    await this.#removeLeftovers(name);
  }

  /** The part with the most bytes that has no living owner; undefined: there is none. */
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
    const entries = await listOrEmpty(this.#directory);
    const tokens = entries
      .filter((entry) => entry.name.startsWith(`${name}.`))
      .map((entry) => OURS.exec(entry.name.slice(name.length + 1))?.[1] ?? '');
    return new Set(tokens.filter((token) => token !== ''));
  }

  #partPath(name: string, token: string): string {
    return join(this.#directory, `${name}.${token}.part`);
  }

  /** What dead runs left: without a state, of another release, or shorter than what was taken over. */
  async #removeLeftovers(name: string, ownToken?: string): Promise<void> {
    const tokens = await this.#tokensOf(name);
    const nowMs = ownToken === undefined ? undefined : await this.#clockOf(name, ownToken);
    for (const token of tokens) {
      const path = this.#partPath(name, token);
      if (token === ownToken || !(await isLeftover(path, nowMs))) continue;
      await removePart(path);
      await removeOwnFile(`${statePathOf(path)}.tmp`);
    }
  }

  /** The file system's time, from what was just written: its host's clock may differ from ours. */
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

function newToken(): string {
  return randomBytes(6).toString('hex');
}

async function livenessOfOwner({ owner }: PartState): Promise<'alive' | 'dead' | 'unknown'> {
  return owner === null ? 'dead' : await livenessOf(owner);
}

/**
 * When a part or its state was last changed or renamed. Infinity if neither exists: there is nothing
 * to remove, and its owner may be about to write.
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

/** A plain file with one name, at least as long as its state says. */
async function isWholeFile(path: string, state: PartState): Promise<boolean> {
  const stats = await lstat(path).catch(() => undefined);
  return stats?.isFile() === true && stats.nlink === 1 && stats.size >= leastLengthOf(state);
}

/**
 * Makes a part ours, under our own name. Our state is written before the part appears, so that no run
 * takes it for one without a state. Of two runs that try, one succeeds.
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
    await removeOwnFile(statePathOf(from));
    await removeOwnFile(`${statePathOf(from)}.tmp`);
  }
  if (await isWholeFile(to, state)) return state;
  // The other run started over while it was copied.
  await removePart(to);
  return undefined;
}
