import type { BigIntStats, Dirent } from 'node:fs';
import { opendir, readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { throwIfAborted } from '../abort.ts';
import { whenFilesAreFree } from '../concurrency.ts';
import { errnoOf } from '../errors.ts';
import { isBelow } from '../fs/within.ts';
import { foldName } from '../zip/names.ts';
import type { LeftWhy } from './types.ts';

/** A file that was come across. Nothing of it has been read. */
export interface SeenFile {
  readonly path: string;
  readonly name: string;
  /** A link is on the way to it, below what was named: it belongs to something else, and is not moved. */
  readonly isLinked: boolean;
  /** The user has named it. */
  readonly isNamed: boolean;
}

/** Which directory it is, by whatever path. Whole numbers: those of Windows are greater than a double holds. */
export type Identity = Pick<BigIntStats, 'dev' | 'ino'>;

export interface WalkOptions {
  /** Is not looked into. undefined: there is none yet. */
  readonly dataset: Identity | undefined;
  readonly signal: AbortSignal;
  /** Called for what can't be looked at. */
  readonly onLeft: (why: LeftWhy, path: string, message?: string) => void;
}

/** Names that are held at a time. */
const NAMES_AT_ONCE = 256;

interface At {
  readonly path: string;
  readonly isLinked: boolean;
  /** Identities of the directories above. */
  readonly above: readonly string[];
}

/**
 * Every file below directories, and files that are named themselves, in the order of the disk. Links are
 * followed: a directory that links lead to is looked into once, and never one that it lies in. A directory is
 * read piece by piece, so that one with a million files takes no memory.
 */
export class Walk {
  readonly #options: WalkOptions;
  /** Directories that links have led to. */
  readonly #linked = new Set<string>();

  constructor(options: WalkOptions) {
    this.#options = options;
  }

  async *files(paths: readonly string[]): AsyncGenerator<SeenFile, void, void> {
    for (const path of paths) {
      const stats = await this.#stat(path);
      if (stats === undefined) continue;
      if (stats.isFile()) yield { path, name: basename(path), isLinked: false, isNamed: true };
      else if (stats.isDirectory())
        yield* this.#directory(stats, { path, isLinked: false, above: [] });
    }
  }

  async *#directory(stats: Identity, at: At): AsyncGenerator<SeenFile, void, void> {
    const { dataset, signal, onLeft } = this.#options;
    throwIfAborted(signal);
    const { path, isLinked } = at;
    if (dataset !== undefined && isSame(stats, dataset)) {
      onLeft('dataset-directory', path);
      return;
    }
    const id = idOf(stats);
    if (at.above.includes(id)) {
      onLeft('loop', path);
      return;
    }
    const above = [...at.above, id];
    // Looked into once its own directory is closed: a deep tree must not need as many open files.
    const folders: (At & { readonly isLink: boolean })[] = [];
    for await (const entry of this.#entries(path)) {
      const below = join(path, entry.name);
      if (entry.isDirectory()) folders.push({ path: below, isLinked, above, isLink: false });
      else if (entry.isFile()) yield { path: below, name: entry.name, isLinked, isNamed: false };
      else if (entry.isSymbolicLink()) {
        const target = await this.#stat(below);
        if (target?.isFile() === true)
          yield { path: below, name: entry.name, isLinked: true, isNamed: false };
        else if (target?.isDirectory() === true)
          folders.push({ path: below, isLinked: true, above, isLink: true });
      }
    }
    for (const folder of folders) yield* this.#below(folder);
  }

  async *#below(folder: At & { readonly isLink: boolean }): AsyncGenerator<SeenFile, void, void> {
    const stats = await this.#stat(folder.path);
    if (stats?.isDirectory() !== true) return;
    const id = idOf(stats);
    if (folder.isLink && !folder.above.includes(id)) {
      if (this.#linked.has(id)) return;
      this.#linked.add(id);
    }
    yield* this.#directory(stats, folder);
  }

  async *#entries(path: string): AsyncGenerator<Dirent, void, void> {
    try {
      const directory = await whenFilesAreFree(() => opendir(path, { bufferSize: NAMES_AT_ONCE }));
      for await (const entry of directory) yield entry;
    } catch (error) {
      this.#unreadable(error, path);
    }
  }

  /** undefined: it can't be looked at, which was said. */
  async #stat(path: string): Promise<BigIntStats | undefined> {
    try {
      return await stat(path, { bigint: true });
    } catch (error) {
      // A link to itself.
      if (errnoOf(error) === 'ELOOP') this.#options.onLeft('loop', path);
      else this.#unreadable(error, path);
      return undefined;
    }
  }

  #unreadable(error: unknown, path: string): void {
    const errno = errnoOf(error);
    if (errno === undefined || !/^E[A-Z]+$/.test(errno)) throw error;
    this.#options.onLeft('unreadable', path, errno);
  }
}

function idOf({ dev, ino }: Identity): string {
  return `${dev}:${ino}`;
}

function isSame(a: Identity, b: Identity): boolean {
  return a.dev === b.dev && a.ino === b.ino;
}

/** Which directory a path leads to; undefined: none that can be looked at. */
export async function identityOf(path: string): Promise<Identity | undefined> {
  return stat(path, { bigint: true }).catch(() => undefined);
}

/**
 * Whether a path is a directory, or lies below it, links followed. Neither need exist. By what is there, too:
 * where case does not matter, one directory has many paths.
 */
export async function liesIn(path: string, directory: string): Promise<boolean> {
  const [inner, outer] = await Promise.all([realOf(path), realOf(directory)]);
  if (isIn(outer, inner) || (await isBelowByIdentity(outer, inner))) return true;
  // Some file systems (FUSE) give each spelling of a path an identity of its own.
  if (!isIn(foldName(outer), foldName(inner))) return false;
  return isIn(await asListed(outer), await asListed(inner));
}

function isIn(directory: string, path: string): boolean {
  return path === directory || isBelow(directory, path);
}

async function isBelowByIdentity(outer: string, inner: string): Promise<boolean> {
  const wanted = await identityOf(outer);
  for (let at = inner; wanted !== undefined; at = dirname(at)) {
    const here = await identityOf(at);
    if (here !== undefined && isSame(here, wanted)) return true;
    if (at === dirname(at)) return false;
  }
  return false;
}

/** A path in the case that its directories list; as it is where they list that. */
async function asListed(path: string): Promise<string> {
  const above = dirname(path);
  if (above === path) return path;
  const name = basename(path);
  const names = await readdir(above).catch((): readonly string[] => []);
  const other = names.find((each) => foldName(each) === foldName(name));
  return join(await asListed(above), names.includes(name) ? name : (other ?? name));
}

async function realOf(path: string): Promise<string> {
  return realpath(path).catch(() => resolve(path));
}
