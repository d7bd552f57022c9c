import { createHash } from 'node:crypto';
import type { ManifestFile } from './manifest.ts';
import { aboutBytesOf } from './size.ts';

/** One part of a selection that several runs share, so that each file is worked on by one of them. */
export interface Shard {
  /** Which one: from 1 to `count`. */
  readonly index: number;
  /** Shards in all. */
  readonly count: number;
}

/**
 * The files of one shard, in the order of `files`. The same files and the same count give the same shards
 * on every machine, of about the same bytes each: the largest file first, always to the shard that has the
 * least so far. Files that share an MD5 stay together: whether both may have it, one run alone can tell.
 */
export function filesOfShard(
  files: readonly ManifestFile[],
  { index, count }: Shard,
): readonly ManifestFile[] {
  const loads = Array.from({ length: count }, () => 0);
  const own = new Set<ManifestFile>();
  for (const unit of unitsOf(files)) {
    const at = loads.indexOf(loads.reduce((least, load) => Math.min(least, load)));
    loads[at] = (loads[at] ?? 0) + unit.bytes;
    if (at === index - 1) for (const file of unit.files) own.add(file);
  }
  return files.filter((file) => own.has(file));
}

interface Unit {
  readonly files: readonly ManifestFile[];
  readonly bytes: number;
}

/** What stays together, the largest first; by name where sizes are equal. */
function unitsOf(files: readonly ManifestFile[]): readonly Unit[] {
  const byMd5 = new Map<string, readonly ManifestFile[]>();
  for (const file of files) byMd5.set(file.md5, [...(byMd5.get(file.md5) ?? []), file]);
  const units = [...byMd5.values()].map((together) => ({
    files: together,
    bytes: together.reduce((sum, file) => sum + aboutBytesOf(file), 0),
  }));
  return units.sort((a, b) => b.bytes - a.bytes || (nameOf(a) < nameOf(b) ? -1 : 1));
}

function nameOf({ files }: Unit): string {
  return files.map(({ name }) => name).reduce((least, name) => (name < least ? name : least));
}

/** Names a split of files: runs whose splits differ may work on the same file. 8 hexadecimal digits. */
export function splitIdOf(files: readonly ManifestFile[], { count }: Shard): string {
  const hash = createHash('sha256').update(`${count}`);
  for (const line of files.map(({ name, md5 }) => `\n${name} ${md5}`).sort()) hash.update(line);
  return hash.digest('hex').slice(0, 8);
}

/** `3/8` */
export function shardName({ index, count }: Shard): string {
  return `${index}/${count}`;
}
