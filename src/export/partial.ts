import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import { CcxriError, isCcxriError, toDiskError, withDetails } from '../errors.ts';
import { acquireLock } from '../fs/lock.ts';
import { isOfTheDead } from '../fs/lock-file.ts';
import { isAbsent, listOrEmpty, makeDirectory, removeEmpty } from '../fs/paths.ts';
import { toPrintable } from '../text.ts';

const GROWING = 'export';
const REPLACED = 'replaced';
const JOURNAL = 'journal.jsonl';
const TEMPORARY = 'temporary';
const LOCK = 'lock';

/** `<DIR>.partial`: the directory of an export to `<DIR>` that is not whole yet. */
export class PartialExport {
  readonly path: string;
  /** What the export grows in. */
  readonly growing: string;
  /** Where the export that is replaced is, until the new one has its name. */
  readonly replaced: string;
  readonly journal: string;
  /** For files that are not whole yet. */
  readonly temporary: string;

  /** @param target the directory of the export, absolute */
  constructor(target: string) {
    this.path = `${target}.partial`;
    this.growing = join(this.path, GROWING);
    this.replaced = join(this.path, REPLACED);
    this.journal = join(this.path, JOURNAL);
    this.temporary = join(this.path, TEMPORARY);
  }

  /**
   * Checks that the name is free, or what an earlier run has left: everything else is somebody's own.
   * @throws CcxriError `occupied`; of the disk
   */
  async assertOwn(): Promise<void> {
    const { path } = this;
    try {
      if (!(await lstat(path)).isDirectory()) throw this.#foreign('is no directory');
      const names = await readdir(path);
      const other = names.find((name) => !isOwn(name));
      if (other !== undefined) throw this.#foreign(`holds ${toPrintable(other, 200)}`);
      // A directory called `export` may be anybody's. This one is never without its journal.
      if (names.includes(GROWING) && !names.includes(JOURNAL)) {
        throw this.#foreign(`holds ${GROWING}, without the journal of one`);
      }
    } catch (error) {
      if (!isAbsent(error)) throw toDiskError(error, 'read', { path });
    }
  }

  /**
   * Makes this process the only one that exports there, and the directory where it is not there.
   * @returns the release
   * @throws CcxriError `locked`; of the disk
   */
  async acquire(
    clock: Clock,
    signal: AbortSignal | undefined,
    target: string,
  ): Promise<() => Promise<void>> {
    await makeDirectory(this.path);
    try {
      return await acquireLock({ path: join(this.path, LOCK), wait: false, clock, signal });
    } catch (error) {
      await this.removeIfEmpty();
      throw isCcxriError(error, 'locked') ? toLocked(error, target) : error;
    }
  }

  /** Removes all of it but the lock, and what belongs to other runs. @throws CcxriError of the disk */
  async clear(): Promise<void> {
    for (const { name } of await listOrEmpty(this.path)) {
      const path = join(this.path, name);
      // Of a run that was killed while it took the lock.
      if (isBesideLock(name) && (await isOfTheDead(path))) await removeTree(path);
    }
    // The journal last: without it, the rest would be somebody's own.
    for (const path of [this.growing, this.replaced, this.temporary, `${this.journal}.new`]) {
      await removeTree(path);
    }
    await removeTree(this.journal);
  }

  /** Removes the directory, where another run has not begun in it meanwhile. */
  async removeIfEmpty(): Promise<void> {
    await removeEmpty([this.path]);
  }

  #foreign(what: string): CcxriError {
    const { path } = this;
    const shown = toPrintable(path, 4096);
    const message = `${shown}, in which the export would grow, ${what}: no run of ccxri has left it`;
    const elsewhere = {
      kind: 'option',
      option: 'to',
      purpose: 'to export to another place',
    } as const;
    return new CcxriError('occupied', message, {
      ...{ path, expected: 'nothing there, or an export that was stopped', kept: 'it, unchanged' },
      next: [{ kind: 'advice', text: `move ${shown} away`, or: elsewhere }],
    });
  }
}

/** Of files beside the lock: they are there for the blink of an eye, or are left by a run that was killed. */
function isOwn(name: string): boolean {
  const own = [GROWING, REPLACED, JOURNAL, `${JOURNAL}.new`, TEMPORARY, LOCK];
  return own.includes(name) || isBesideLock(name);
}

const isBesideLock = (name: string) => name.startsWith(`${LOCK}.`);

/** @throws CcxriError of the disk */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true, maxRetries: 5 });
  } catch (error) {
    throw toDiskError(error, 'remove', { path });
  }
}

function toLocked(error: CcxriError, target: string): CcxriError {
  const who = error.message.replace(/^[^:]*: /, '');
  const message = `another ccxri process is exporting to ${toPrintable(target, 4096)}: ${who}`;
  const wait = { kind: 'advice', text: 'wait until it has ended' } as const;
  return withDetails(error, { message, next: [wait, { kind: 'again' }] });
}
