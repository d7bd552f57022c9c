import { readdir, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Clock } from '../clock.ts';
import { CcxriError, isCcxriError, toDiskError, withDetails } from '../errors.ts';
import { syncDirectory } from '../fs/atomic.ts';
import { acquireLock } from '../fs/lock.ts';
import { makeDirectory, pathKind } from '../fs/paths.ts';
import { readSmallJson } from '../fs/small-json.ts';
import { count, toPrintable } from '../text.ts';
import { ExportJournal } from './journal.ts';

/** The file of an export that says how it was made. */
export const SIDECAR = 'export.json';

interface Growth {
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
  /** Of what it is made of. */
  readonly fingerprint: string;
  /** To read images takes long; to write labels does not. */
  readonly isWorthKeeping: boolean;
}

/**
 * Where an export goes. It grows in `<DIR>.partial/export`, and is renamed when all of it is there;
 * `<DIR>.partial` goes then.
 */
export class ExportPlace {
  /** Absolute. */
  readonly path: string;
  /** What it grows in. */
  readonly growing: string;
  /** For files that are not whole yet; beside it. */
  readonly temporary: string;
  readonly #partial: string;
  readonly #replaced: string;
  readonly #journal: string;

  constructor(to: string) {
    this.path = resolve(to);
    this.#partial = `${this.path}.partial`;
    this.growing = join(this.#partial, 'export');
    this.#replaced = join(this.#partial, 'replaced');
    this.#journal = join(this.#partial, 'journal.jsonl');
    this.temporary = join(this.#partial, 'temporary');
  }

  /**
   * Checks before the work that the export may go there.
   * @throws CcxriError `occupied`; of the disk
   */
  async assertFree(force: boolean): Promise<void> {
    const kind = await pathKind(this.path);
    if (kind === 'nothing') return;
    if (kind !== 'directory') throw this.#occupied('exists and is no directory', false);
    const entries = await readdir(this.path).catch((error: unknown) => {
      throw toDiskError(error, 'read', { path: this.path });
    });
    if (entries.length === 0) return;
    const isOurs = entries.includes(SIDECAR) && (await isSidecar(join(this.path, SIDECAR)));
    if (!isOurs) throw this.#occupied('exists and is no export of ccxri', false);
    if (!force) throw this.#occupied('is an export already', true);
  }

  /**
   * Runs `work` as the only export to this place, and gives the export its name. Where it fails, shards that
   * are whole stay for the next run.
   * @throws CcxriError `locked`; of the disk; as `work`
   */
  async grow<T>(
    { clock, signal, fingerprint, isWorthKeeping }: Growth,
    work: (journal: ExportJournal) => Promise<T>,
  ): Promise<T> {
    await makeDirectory(this.#partial);
    const path = join(this.#partial, 'lock');
    const release = await acquireLock({ path, wait: false, clock, signal }).catch(
      (error: unknown) => {
        throw isCcxriError(error, 'locked') ? this.#locked(error) : error;
      },
    );
    let isKept = false;
    try {
      const journal = await ExportJournal.open(this.#journal, fingerprint, this.growing);
      try {
        if (journal.shards.length === 0) await this.#remove(this.growing);
        await makeDirectory(this.growing);
        const done = await work(journal);
        await this.#publish();
        return done;
      } catch (error) {
        const { length } = journal.shards;
        isKept = isWorthKeeping && length > 0;
        throw isKept ? this.#withKept(error, length) : error;
      } finally {
        await journal.close();
      }
    } finally {
      await release();
      if (!isKept) await this.#remove(this.#partial);
    }
  }

  #withKept(error: unknown, shards: number): unknown {
    if (!isCcxriError(error)) return error;
    const where = toPrintable(this.#partial, 4096);
    return withDetails(error, { kept: `${count(shards, 'shard')} in ${where}` });
  }

  /** An export that is replaced stays until the new one has its name. */
  async #publish(): Promise<void> {
    const { path, growing } = this;
    try {
      if ((await pathKind(path)) === 'directory') {
        await this.#remove(this.#replaced);
        await rename(path, this.#replaced);
      }
      await rename(growing, path);
      await syncDirectory(dirname(path));
    } catch (error) {
      throw toDiskError(error, 'write', { path });
    }
  }

  async #remove(path: string): Promise<void> {
    try {
      await rm(path, { recursive: true, force: true });
    } catch (error) {
      throw toDiskError(error, 'remove', { path });
    }
  }

  #occupied(what: string, byForce: boolean): CcxriError {
    const { path } = this;
    const elsewhere = { kind: 'option', option: 'to', purpose: 'that is not there yet' } as const;
    const replace = { kind: 'option', option: 'force', purpose: 'to replace it' } as const;
    return new CcxriError('occupied', `${toPrintable(path, 4096)} ${what}`, {
      path,
      expected: 'no directory, or an empty one',
      kept: 'it, unchanged',
      next: [byForce ? { ...elsewhere, or: replace } : elsewhere],
    });
  }

  #locked(error: CcxriError): CcxriError {
    const who = error.message.replace(/^[^:]*: /, '');
    const path = toPrintable(this.path, 4096);
    const message = `another ccxri process is exporting to ${path}: ${who}`;
    const wait = { kind: 'advice', text: 'wait until it has ended' } as const;
    return withDetails(error, { message, next: [wait, { kind: 'again' }] });
  }
}

async function isSidecar(path: string): Promise<boolean> {
  const value = await readSmallJson(path, { maxBytes: 1e9, doing: 'read' });
  return typeof value === 'object' && value !== null && 'exportVersion' in value;
}
