import { randomBytes } from 'node:crypto';
import { lstat, mkdir, readdir, readFile, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, toDiskError } from '../errors.ts';
import { PartFile, statePathOf } from './part-file.ts';
import { parsePartState, type PartState } from './part-schema.ts';
import { livenessOf, ownIdentity } from './process-identity.ts';

/** What a part is of: the file, and the release by its MD5. */
export interface PartKey {
  readonly name: string;
  readonly md5: string;
}

/** A part that lies there, as its state tells. */
export interface FoundPart {
  readonly path: string;
  readonly state: PartState;
}

/**
 * The partial downloads of a dataset directory. Each is a file of its own process
 * (`ChestDx-1.zip.<token>.part`, made exclusively): two runs never write into one file, even where
 * the lock fails. A part whose owner is dead is taken over under a new name.
 */
export class PartStore {
  readonly #directory: string;

  /** @param directory `DatasetLayout.partial` */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** The part with the most bytes that nobody alive works at; undefined: there is none. */
  async find(key: PartKey): Promise<FoundPart | undefined> {
    let best: FoundPart | undefined;
    for (const path of await this.#partsOf(key.name)) {
      const state = await readState(path);
      if (state?.name !== key.name || state.md5 !== key.md5) continue;
      if ((await livenessOf(state.owner)) === 'alive' && !(await isOwn(state))) continue;
      if (!(await isWholeFile(path, state.durableBytes))) continue;
      if (best === undefined || state.durableBytes > best.state.durableBytes)
        best = { path, state };
    }
    return best;
  }

  /** Bytes of the file's largest part, whoever works at it. */
  async bytesHere(name: string): Promise<number> {
    let bytes = 0;
    for (const path of await this.#partsOf(name)) {
      bytes = Math.max(bytes, (await readState(path))?.durableBytes ?? 0);
    }
    return bytes;
  }

  /** A part to write to: one that was left behind, or a new one. Other leftovers are removed. */
  async open(key: PartKey): Promise<PartFile> {
    const owner = await ownIdentity();
    const path = join(this.#directory, `${key.name}.${randomBytes(6).toString('hex')}.part`);
    try {
      await mkdir(this.#directory, { recursive: true });
      const found = await this.find(key);
      const claimed = found !== undefined && (await claim(found.path, path));
      await this.#removeLeftovers(key.name, path);
      if (!claimed) return await PartFile.create(path, { ...key, owner });
      return await PartFile.resume(path, { ...found.state, owner });
    } catch (error) {
      throw toDiskError(error, 'write', { path: this.#directory });
    }
  }

  async #partsOf(name: string): Promise<readonly string[]> {
    let entries: readonly string[];
    try {
      entries = await readdir(this.#directory);
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return [];
      throw toDiskError(error, 'read', { path: this.#directory });
    }
    const prefix = `${name}.`;
    return entries
      .filter((entry) => entry.startsWith(prefix) && TOKEN.test(entry.slice(prefix.length)))
      .map((entry) => join(this.#directory, entry));
  }

  /** Parts of dead runs that are of no use: without a state, of another release, or shorter. */
  async #removeLeftovers(name: string, ownPath: string): Promise<void> {
    for (const path of await this.#partsOf(name)) {
      if (path === ownPath) continue;
      const state = await readState(path);
      if (state !== undefined && (await livenessOf(state.owner)) !== 'dead') continue;
      if (state === undefined && (await isFresh(path))) continue;
      await unlink(path).catch(() => undefined);
      await unlink(statePathOf(path)).catch(() => undefined);
    }
  }
}

const TOKEN = /^[0-9a-f]{12}\.part$/;
/** A part without a state may be one that another run has made this moment. */
const FRESH_MS = 60_000;

async function isOwn(state: PartState): Promise<boolean> {
  const own = await ownIdentity();
  return own.pid === state.owner.pid && own.startToken === state.owner.startToken;
}

async function isFresh(path: string): Promise<boolean> {
  const stats = await lstat(path).catch(() => undefined);
  return stats !== undefined && Date.now() - stats.mtimeMs < FRESH_MS;
}

/** A plain file with one name, as long as its state says at least. */
async function isWholeFile(path: string, bytes: number): Promise<boolean> {
  const stats = await lstat(path).catch(() => undefined);
  return stats?.isFile() === true && stats.nlink === 1 && stats.size >= bytes;
}

/** Renames a part to our own name: of two runs that try, one succeeds. */
async function claim(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
  await rename(statePathOf(from), statePathOf(to)).catch(() => undefined);
  return true;
}

/** Longer than any honest state. */
const MAX_STATE_BYTES = 64 * 1024;

async function readState(partPath: string): Promise<PartState | undefined> {
  const path = statePathOf(partPath);
  try {
    const stats = await lstat(path);
    if (!stats.isFile() || stats.size > MAX_STATE_BYTES) return undefined;
    return parsePartState(await readFile(path, 'utf8'));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw toDiskError(error, 'read', { path });
  }
}
