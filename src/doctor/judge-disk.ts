import type { NextStep } from '../errors.ts';
import type { FetchPlan } from '../fetch/fetch-types.ts';
import { count, formatBytes, formatDuration } from '../text.ts';
import type { FileSystem, Leftovers, Trial } from './disk.ts';
import { type CheckResult, ok, warning } from './examination.ts';

/** Clocks further apart confuse what is judged by age. */
const CLOCK_MARGIN_MS = 60_000;

export function judgeDiskClock({ writtenAtMs, beforeMs, afterMs }: Trial): CheckResult {
  // Some file systems have times in steps of two seconds.
  const offMs =
    writtenAtMs < beforeMs ? beforeMs - writtenAtMs : Math.max(0, writtenAtMs - afterMs);
  if (offMs <= CLOCK_MARGIN_MS) return ok("the disk's clock and ours agree");
  const way = writtenAtMs < beforeMs ? 'behind' : 'ahead of';
  const seen = `the disk's clock is ${formatDuration(offMs)} ${way} ours`;
  return warning(seen, [{ kind: 'advice', text: 'set the clock that is wrong' }]);
}

export function judgeCase({ distinguishesCase }: Trial): CheckResult {
  return ok(
    distinguishesCase
      ? 'upper and lower case are told apart'
      : 'upper and lower case are the same: no name of the dataset depends on it',
  );
}

export function judgeFlush({ flushes }: Trial): CheckResult {
  if (flushes) return ok('written data can be flushed to the disk');
  const text = 'after a power failure, verify what is here';
  return warning('this file system can not flush', [{ kind: 'advice', text }]);
}

export function judgeLongPath({ longPath }: Trial, characters: number): CheckResult {
  if (longPath === undefined) return ok(`the longest path (about ${characters} characters) fits`);
  return {
    status: 'problem',
    seen: `a path of ${longPath.characters} characters can't be made (${longPath.errno})`,
    code: 'disk-io',
    next: [{ kind: 'option', option: 'dest', purpose: 'with a shorter path' }],
  };
}

/**
 * Free space against what the selection needs.
 * @param isSelected something was selected by name; else it is judged by all files
 */
export function judgeSpace(plan: FetchPlan, isSelected: boolean): CheckResult {
  const { bytesFreeOnDisk: free, bytesNeededOnDisk: needed } = plan;
  const what = isSelected ? 'this selection' : 'the whole dataset';
  const needs = `${what} needs about ${formatBytes(needed)} more`;
  if (free === null) return warning(`the system does not say how much is free; ${needs}`);
  const seen = `${formatBytes(free)} free; ${needs}`;
  if (free >= needed) return ok(seen);
  const next: readonly NextStep[] = [
    {
      kind: 'option',
      option: 'dest',
      or: isSelected
        ? { kind: 'option', option: 'delete-archives', purpose: 'of fetch (it needs half)' }
        : { kind: 'option', option: 'subset' },
    },
  ];
  // Less may be meant than everything.
  const smallest = Math.min(...plan.steps.map(({ bytes, keptBytes }) => bytes - keptBytes));
  if (!isSelected && free > smallest) return warning(seen, next);
  return { status: 'problem', seen, code: 'disk-space', next };
}

/** Counted in CC-CXRI: 162,500 images in 43e9 bytes. */
const BYTES_AN_IMAGE = 265_000;

/** Free inodes against the number of images; undefined: the file system has no fixed number. */
export function judgeInodes(
  { inodes, freeInodes }: FileSystem,
  { bytesToExtract, isCounted }: { readonly bytesToExtract: number; readonly isCounted: boolean },
  isSelected: boolean,
): CheckResult | undefined {
  if (inodes === 0) return undefined;
  const needed = Math.ceil(bytesToExtract / BYTES_AN_IMAGE);
  // Images of another dataset may be of any size: what they need is only guessed.
  const toCome = isCounted
    ? `about ${count(needed, 'image')} to come`
    : 'the manifest does not say how many images will come';
  const seen = `${count(freeInodes, 'inode')} free; ${toCome}`;
  if (freeInodes >= needed) return ok(seen);
  const next = [{ kind: 'option', option: 'dest' }] as const;
  if (!isSelected && freeInodes > 0) return warning(seen, next);
  return { status: 'problem', seen, code: 'disk-space', next };
}

/** By their magic numbers (statfs(2)): those that are worth a word. */
const TYPES: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'SMB'],
  [0xfe534d42, 'SMB'],
  [0x00c36400, 'Ceph'],
  [0x0bd00bd0, 'Lustre'],
  [0x01021997, '9P'],
  [0x65735546, 'FUSE'],
  [0x01021994, 'tmpfs'],
  [0x858458f6, 'ramfs'],
  [0x794c7630, 'overlayfs'],
  [0xef53, 'ext'],
  [0x58465342, 'XFS'],
  [0x9123683e, 'Btrfs'],
  [0x2fc12fc1, 'ZFS'],
  [0x4d44, 'FAT'],
  [0x2011bab0, 'exFAT'],
  [0x5346544e, 'NTFS'],
]);
const IN_MEMORY = new Set(['tmpfs', 'ramfs']);
const NETWORK = new Set(['NFS', 'SMB', 'Ceph', 'Lustre', '9P']);

/** @param elsewhere folders of the dataset that lie on another disk */
export function judgeFileSystem({ type }: FileSystem, elsewhere: readonly string[]): CheckResult {
  if (elsewhere.length > 0) {
    return {
      status: 'problem',
      seen: `${elsewhere.join(', ')} on another disk than the directory: no rename leads there`,
      code: 'not-writable',
      next: [{ kind: 'option', option: 'dest', purpose: 'that is on that disk as a whole' }],
    };
  }
  // Some systems give the number with its sign.
  const name = TYPES.get(type >>> 0);
  if (name === undefined) return ok('a file system of another kind than the common ones');
  if (IN_MEMORY.has(name)) {
    const text = 'use it for tries only: its files take memory, and are gone after a restart';
    return warning(`${name}: files are in memory`, [{ kind: 'advice', text }]);
  }
  return ok(NETWORK.has(name) ? `${name}, over the network` : name);
}

/** @param holder another run that is at work, in words */
export function judgeLock(holder: string | null, leftovers: Leftovers): CheckResult {
  if (holder !== null) {
    return warning(`another ccxri is at work here: ${holder}`, [
      { kind: 'option', option: 'wait' },
    ]);
  }
  const { parts, partBytes, quarantined } = leftovers;
  const found = [
    ...(parts > 0 ? [`${count(parts, 'partial download')} (${formatBytes(partBytes)})`] : []),
    ...(quarantined > 0 ? [`${count(quarantined, 'file')} in quarantine`] : []),
  ];
  return ok(
    found.length === 0 ? 'no other run is at work here' : `no other run; ${found.join(', ')} kept`,
  );
}
