import { readdir, rmdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Clock } from '../clock.ts';
import { CcxriError, isCcxriError, toDiskError, withDetails } from '../errors.ts';
import { syncDirectory } from '../fs/atomic.ts';
import { makeDirectory, pathKind } from '../fs/paths.ts';
import { rename } from '../fs/rename.ts';
import { count, toPrintable } from '../text.ts';
import { foreignFiles, readSidecar } from './earlier-export.ts';
import { ExportJournal } from './journal.ts';
import { PartialExport, removeTree } from './partial.ts';

interface Growth {
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
  /** Of what it is made of. */
  readonly fingerprint: string;
  /** To read images takes long; to write labels does not. */
  readonly isWorthKeeping: boolean;
  /** An export that is there is replaced. */
  readonly force: boolean;
}

/**
 * Where an export goes. It grows in `<DIR>.partial/export`, and is renamed when all of it is there;
 * `<DIR>.partial` goes then.
 */
export class ExportPlace {
  /** Absolute. */
  readonly path: string;
  readonly partial: PartialExport;

  constructor(to: string) {
    this.path = resolve(to);
    this.partial = new PartialExport(this.path);
  }

  /**
   * Checks that the export may go there.
   * @param force an export that is there is replaced, as long as nobody has put files of their own into it
   * @throws CcxriError `occupied`; of the disk
   */
  async assertFree(force: boolean): Promise<void> {
    const { path } = this;
    const kind = await pathKind(path);
    if (kind === 'nothing') return;
    if (kind !== 'directory') throw this.#occupied('exists and is no directory', false);
    if (await isEmpty(path)) return;
    const sidecar = await readSidecar(path);
    if (sidecar === undefined) throw this.#occupied('exists and is no export of ccxri', false);
    if (!force) throw this.#occupied('is an export already', true);
    const foreign = await foreignFiles(path, sidecar, 5);
    if (foreign.length > 0) {
      const names = foreign.map((name) => toPrintable(name, 200)).join(', ');
      throw this.#occupied(`is an export, with files that are not of it: ${names}`, false);
    }
  }

  /**
   * Runs `work` as the only export to this place, and gives the export its name. Where it fails, shards that
   * are whole stay for the next run.
   * @throws CcxriError `occupied`; `locked`; of the disk; as `work`
   */
  async grow<T>(growth: Growth, work: (journal: ExportJournal) => Promise<T>): Promise<T> {
    const { clock, signal, fingerprint, isWorthKeeping, force } = growth;
    const { path, partial } = this;
    await partial.assertOwn();
    const release = await partial.acquire(clock, signal, path);
    // What an earlier run has written must outlive the failure of this one, whatever it is.
    let isKept = true;
    try {
      await this.#settleReplaced();
      isKept = (await pathKind(partial.growing)) !== 'nothing';
      await this.assertFree(force);
      const journal = await this.#openJournal(fingerprint, isKept);
      let isWhole = false;
      try {
        if (journal.shards.length === 0) await removeTree(partial.growing);
        await makeDirectory(partial.growing);
        const done = await work(journal);
        isWhole = true;
        await this.#publish(force);
        isKept = false;
        return done;
      } catch (error) {
        const { length } = journal.shards;
        isKept = isWhole || (isWorthKeeping && length > 0);
        throw isKept ? this.#withKept(withElsewhere(error), length) : withElsewhere(error);
      } finally {
        await journal.close();
      }
    } finally {
      if (!isKept) await partial.clear();
      await release();
      if (!isKept) await partial.removeIfEmpty();
    }
  }

  async #openJournal(fingerprint: string, isKept: boolean): Promise<ExportJournal> {
    const { path, journal, growing } = this.partial;
    try {
      return await ExportJournal.open(journal, fingerprint, growing);
    } catch (error) {
      const told = withElsewhere(error);
      if (!isKept || !isCcxriError(told)) throw told;
      throw withDetails(told, { kept: `what is in ${toPrintable(path, 4096)}` });
    }
  }

  /** What a run that was killed while it replaced an export has left: the old one, before or after the new one. */
  async #settleReplaced(): Promise<void> {
    const { path, partial } = this;
    if ((await pathKind(partial.replaced)) === 'nothing') return;
    if ((await pathKind(path)) !== 'nothing') return removeTree(partial.replaced);
    try {
      await rename(partial.replaced, path);
    } catch (error) {
      throw toDiskError(error, 'write', { path });
    }
  }

  #withKept(error: unknown, shards: number): unknown {
    if (!isCcxriError(error)) return error;
    const where = toPrintable(this.partial.path, 4096);
    const { kept } = error.facts;
    const also = kept === undefined ? '' : `${kept}; `;
    return withDetails(error, { kept: `${also}${count(shards, 'shard')} in ${where}` });
  }

  /**
   * Judged once more: the work may have taken hours. An export that is replaced stays until the new one has its
   * name, and gets its own back where that fails.
   */
  async #publish(force: boolean): Promise<void> {
    await this.assertFree(force);
    const { path, partial } = this;
    try {
      if ((await pathKind(path)) === 'nothing') await rename(partial.growing, path);
      else if (await isEmpty(path)) {
        // Fails where a file has come into it since.
        await rmdir(path);
        await rename(partial.growing, path);
      } else {
        await removeTree(partial.replaced);
        await rename(path, partial.replaced);
        try {
          await rename(partial.growing, path);
        } catch (error) {
          await rename(partial.replaced, path);
          throw error;
        }
      }
      await syncDirectory(dirname(path));
    } catch (error) {
      throw toDiskError(error, 'write', { path });
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
}

/** Where the disk is full or may not be written to, another place for the export helps, not for the dataset. */
function withElsewhere(error: unknown): unknown {
  if (!isCcxriError(error, 'disk-full', 'no-inodes', 'not-writable')) return error;
  const elsewhere = { kind: 'option', option: 'to', purpose: 'on another disk' } as const;
  const next =
    error.code === 'not-writable'
      ? [elsewhere]
      : [
          { kind: 'advice', text: 'free some space', or: elsewhere } as const,
          { kind: 'again' } as const,
        ];
  return withDetails(error, { next });
}

async function isEmpty(path: string): Promise<boolean> {
  const entries = await readdir(path).catch((error: unknown) => {
    throw toDiskError(error, 'read', { path });
  });
  return entries.length === 0;
}
