import { basename, dirname, join } from 'node:path';
import type { JobAttempt } from '../fs/lock-file.ts';
import { readLockHolder } from '../fs/lock.ts';
import { listOrEmpty } from '../fs/paths.ts';
import type { ManifestFile } from '../manifest/manifest.ts';
import { type Shard, splitIdOf } from '../manifest/shard.ts';
import { type DatasetLayout, layoutOf } from './layout.ts';

/** What a run takes that shares its selection with others. */
export interface ShardOptions {
  /**
   * Work on one part of the selection alone; runs on the others may work in the same directory at the same
   * time. Default: all of it, alone in the directory.
   */
  readonly shard?: Shard | undefined;
  /** This run as a job scheduler knows it: what an earlier attempt left locked is free. Default: unknown. */
  readonly job?: JobAttempt | undefined;
}

/** `lock.shard-3-of-8.1a2b3c4d`: of one shard of one split. */
const SHARD_LOCK = /^lock\.shard-\d+-of-(\d+\.[0-9a-f]{8})$/;

/**
 * Where the lock of a shard lies: beside the one of the whole directory, so that what the one link makes
 * seen on a network file system shows the other as well.
 * @param files that are split
 */
export function shardLockOf(
  layout: DatasetLayout,
  shard: Shard,
  files: readonly ManifestFile[],
): string {
  const { index, count } = shard;
  const name = `lock.shard-${index}-of-${count}.${splitIdOf(files, shard)}`;
  return join(dirname(layout.lock), name);
}

/**
 * The locks that nobody may hold beside this one. A run on the whole directory has every shard for a rival,
 * and a shard that run and the shards of another split, for theirs may have the same files.
 */
export async function listRivals(layout: DatasetLayout): Promise<readonly string[]> {
  const whole = layoutOf(layout.root).lock;
  const others = await listShardLocks(layout);
  if (layout.lock === whole) return others;
  const split = splitOf(layout.lock);
  return [whole, ...others.filter((path) => splitOf(path) !== split)];
}

/** Who works in the directory now, in words; null: nobody. Writes nothing. */
export async function readHolders(layout: DatasetLayout): Promise<string | null> {
  const paths = [layout.lock, ...(await listShardLocks(layout))];
  const found = await Promise.all(paths.map(readLockHolder));
  const [first, ...others] = found.filter((holder) => holder !== null);
  if (first === undefined) return null;
  return others.length === 0 ? first : `${first}; and ${others.length} more`;
}

async function listShardLocks({ lock }: DatasetLayout): Promise<readonly string[]> {
  const directory = dirname(lock);
  const names = (await listOrEmpty(directory)).map(({ name }) => name);
  return names.filter((name) => SHARD_LOCK.test(name)).map((name) => join(directory, name));
}

function splitOf(path: string): string | undefined {
  return SHARD_LOCK.exec(basename(path))?.[1];
}
