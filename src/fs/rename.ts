import { rename as renameOnce } from 'node:fs/promises';
import { sep } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf } from '../errors.ts';

/** What Windows says while a virus scanner, an indexer or a backup has the file open, for a moment. */
const HELD: ReadonlySet<string> = new Set(['EPERM', 'EACCES', 'EBUSY']);
const ON_WINDOWS = sep === '\\';
const MOST_RETRIES = 9;
const FIRST_WAIT_MS = 10;

/** How long to wait before a rename is tried again, 5 s in all; undefined: it has failed. */
export function renameRetryMs(
  errno: string | undefined,
  retries: number,
  onWindows: boolean,
): number | undefined {
  if (!onWindows || !HELD.has(errno ?? '') || retries >= MOST_RETRIES) return undefined;
  return FIRST_WAIT_MS * 2 ** retries;
}

/**
 * As Node's; on Windows it is tried again for a while where another program has the file open.
 * @throws the raw error of the disk
 */
export async function rename(from: string, to: string, onWindows = ON_WINDOWS): Promise<void> {
  for (let retries = 0; ; retries += 1) {
    try {
      await renameOnce(from, to);
      return;
    } catch (error) {
      const waitMs = renameRetryMs(errnoOf(error), retries, onWindows);
      if (waitMs === undefined) throw error;
      await sleep(waitMs);
    }
  }
}
