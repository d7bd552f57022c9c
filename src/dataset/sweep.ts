import { lstat, readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatasetLayout } from './layout.ts';
import { Ledger } from './ledger.ts';
import { isOfTheDead } from '../fs/lock-file.ts';
import { PartStore } from '../download/part-store.ts';

/** No write of a small file takes as long; of what is older the writer is gone. */
const FORGOTTEN_MS = 60 * 60_000;

/**
 * Of `writeFileAtomic`: the ledger's records, links.json, the kept manifest, and what describes the dataset
 * (earlier versions left their names out).
 */
const SMALL_FILE = /^\.(?:.+\.(?:json|sha256|cff)\.)?[0-9a-f]{12}\.tmp$/;
/** Of the same, for the index and splits. */
const TABLE = /^\.[\w-]+\.csv\.[0-9a-f]{12}\.tmp$/;
/** Of a lock that was being made or broken, a shard's too; the lock itself has no such ending. */
const LOCK = /^lock(?:\.shard-\d+-of-\d+\.[0-9a-f]{8})?\.(?:break|(?:break\.)?[0-9a-f]{12})$/;

/** Of a file that was being adopted. */
const ADOPTED = /^\.adopted\.[0-9a-f]{12}\.tmp$/;

/** Of the state of a part. */
const PART_STATE = /\.[0-9a-f]{12}\.json\.tmp$/;
/** `ChestDx-1.zip.<token>.part` and its state. */
const PART = /^(.+)\.[0-9a-f]{12}\.(?:part|json)$/;

/**
 * Removes the small files that runs which were killed have left in the middle of a write, and parts
 * of downloads that are here as a whole. Only for the holder of the lock, and cautiously: plain files
 * with the names that ccxri gives alone, whose maker is dead or which nobody has written to for an
 * hour. What can't be removed does no harm, and stays. Folders of extraction have a sweep of their own.
 */
export async function sweepLeftovers(layout: DatasetLayout): Promise<void> {
  const nowMs = await diskNowMs(layout);
  if (nowMs === undefined) return;
  const isForgotten = async (path: string) =>
    nowMs - ((await writtenAtMs(path)) ?? Infinity) > FORGOTTEN_MS;
  const isLeft = async (path: string) => (await isOfTheDead(path)) || (await isForgotten(path));
  await sweep(layout.ledger, SMALL_FILE, isForgotten);
  await sweep(layout.state, SMALL_FILE, isForgotten);
  await sweep(layout.state, TABLE, isForgotten);
  await sweep(layout.root, TABLE, isForgotten);
  await sweep(layout.partial, PART_STATE, isForgotten);
  // Of files that were being adopted.
  await sweep(layout.partial, ADOPTED, isForgotten);
  await sweep(layout.state, LOCK, isLeft);
  await sweepParts(layout);
}

/** A run that was killed when the file had its final name and its receipt, and others at the same file. */
async function sweepParts(layout: DatasetLayout): Promise<void> {
  const entries = await readdir(layout.partial).catch(() => []);
  const names = new Set(entries.flatMap((entry) => PART.exec(entry)?.[1] ?? []));
  const [ledger, parts] = [new Ledger(layout.ledger), new PartStore(layout.partial)];
  for (const name of names) {
    const finals = [join(layout.archives, name), join(layout.labels, name)];
    const times = await Promise.all(finals.map(writtenAtMs));
    if (times.every((time) => time === undefined)) continue;
    const receipt = await ledger.readReceipt(name).catch(() => undefined);
    if (receipt !== undefined) await parts.discard(name).catch(() => undefined);
  }
}

async function sweep(
  directory: string,
  pattern: RegExp,
  isLeftover: (path: string) => Promise<boolean>,
): Promise<void> {
  const names = await readdir(directory).catch(() => []);
  for (const name of names.filter((each) => pattern.test(each))) {
    const path = join(directory, name);
    if (await isLeftover(path)) await unlink(path).catch(() => undefined);
  }
}

/**
 * The file system's time, from the lock that this run has just written: its host's clock may differ
 * from ours. undefined: nobody holds the lock.
 */
export function diskNowMs(layout: DatasetLayout): Promise<number | undefined> {
  return writtenAtMs(layout.lock);
}

/** When it was written last; undefined: it is not there, or no plain file. */
async function writtenAtMs(path: string): Promise<number | undefined> {
  const stats = await lstat(path).catch(() => undefined);
  return stats?.isFile() === true ? stats.mtimeMs : undefined;
}
