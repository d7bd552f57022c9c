import { setTimeout as sleep } from 'node:timers/promises';
import { isOfOpenFiles } from './errnos.ts';
import { errnoOf } from './errors.ts';

/** Files that a run downloads or extracts at once, where nothing else is asked for. */
export const DEFAULT_FILES_AT_ONCE = 4;
/** Directories of archives are small, and each is several answers away. */
export const DIRECTORIES_AT_ONCE = 8;
/** With how many connections a run begins that finds its number itself. */
export const FIRST_CONNECTIONS = 4;
/** How far it goes where no other limit is named. */
export const MOST_CONNECTIONS = 16;

/**
 * Works through the items, `atOnce` at a time. After the first failure none is begun any more, and
 * those under way are waited for, so that nothing goes on behind the caller's back.
 * @throws what the first failure threw
 */
export async function forEachAtOnce<T>(
  items: Iterable<T>,
  atOnce: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]();
  const failures: unknown[] = [];
  const takeAll = async () => {
    while (failures.length === 0) {
      const next = iterator.next();
      if (next.done === true) return;
      try {
        await work(next.value);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, takeAll));
  if (failures.length > 0) throw failures[0];
}

const WAIT_MS = 50;
const WAITS = 40;

/**
 * Opens something. Where too many files are open already, it waits until others are closed: a run with
 * fewer files at once is a run.
 * @throws what `open` throws; after 2 s without a free one that it is one too many
 */
export async function whenFilesAreFree<T>(open: () => Promise<T>): Promise<T> {
  for (let waits = 0; ; waits += 1) {
    try {
      return await open();
    } catch (error) {
      if (!isOfOpenFiles(errnoOf(error)) || waits >= WAITS) throw error;
    }
    await sleep(WAIT_MS);
  }
}
