import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, rename, stat, unlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { throwIfAborted } from '../abort.ts';
import type { Clock } from '../clock.ts';
import { CcxriError, errnoOf, toDiskError } from '../errors.ts';
import { toPrintable } from '../text.ts';
import { parseLock, type LockRecord } from './lock-schema.ts';
import { livenessOf, ownIdentity } from './process-identity.ts';

export interface LockOptions {
  /** `DatasetLayout.lock` */
  readonly path: string;
  /** Queue behind the holder instead of throwing `locked`. */
  readonly wait: boolean;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  /** Hears once who is waited for, or that a dead holder's lock was taken over. */
  readonly onNotice?: (message: string) => void;
}

/** How long a lock that cannot be read is taken for one that is just being written. */
const UNREADABLE_GRACE_MS = 10_000;
const POLL_MS = 500;

/**
 * Makes this process the only one that works in a dataset directory. The lock spares two runs the
 * double work; that the result is right never depends on it (each writes files of its own, and
 * renames them when they have passed). Age alone never breaks a lock: only proof that its holder
 * is dead does.
 * @returns the release
 * @throws CcxriError `locked`, naming the holder; `not-writable` and other errors of the disk
 */
export async function acquireLock(options: LockOptions): Promise<() => Promise<void>> {
  const { path, clock } = options;
  const record: LockRecord = {
    lockVersion: 1,
    holder: await ownIdentity(),
    since: clock.date().toISOString(),
  };
  let told = false;
  for (;;) {
    throwIfAborted(options.signal);
    if (await tryCreate(path, record)) return () => release(path, record);
    const holder = await readHolder(path);
    if (holder === 'gone') continue;
    if (holder === 'stale') {
      if (await takeAway(path)) options.onNotice?.('took over the lock of a run that has died');
      continue;
    }
    if (!options.wait) throw lockedError(path, holder);
    if (!told) options.onNotice?.(`waiting for ${describeHolder(holder)}`);
    told = true;
    await clock.sleep(POLL_MS, options.signal).catch(() => undefined);
  }
}

/** Who works in the directory now, in words; null: nobody. */
export async function readLockHolder(path: string): Promise<string | null> {
  const holder = await readHolder(path);
  return holder === 'gone' || holder === 'stale' ? null : describeHolder(holder);
}

function describeHolder(holder: LockRecord | 'unreadable'): string {
  if (holder === 'unreadable') return 'a run that is just starting';
  const { pid, host } = holder.holder;
  return `pid ${pid} on ${toPrintable(host, 80)} since ${holder.since}`;
}

function lockedError(path: string, holder: LockRecord | 'unreadable'): CcxriError {
  return new CcxriError(
    'locked',
    `another ccxri is at work in this dataset directory: ${describeHolder(holder)}`,
    {
      path,
      hint: `wait for it with --wait; if that run is surely gone (another machine), remove ${toPrintable(path)}`,
    },
  );
}

/** The record appears whole under its name: written aside, then linked, which fails if one is there. */
async function tryCreate(path: string, record: LockRecord): Promise<boolean> {
  const own = `${path}.${randomBytes(6).toString('hex')}`;
  const text = `${JSON.stringify(record)}\n`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(own, text, { flag: 'wx' });
    try {
      await link(own, path);
      return true;
    } catch (error) {
      if (errnoOf(error) === 'EEXIST') return false;
      // No hard links here (FAT, some shares): an exclusive create is the next best.
      if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(errnoOf(error) ?? '')) {
        throw error;
      }
      return await createExclusive(path, text);
    } finally {
      await unlink(own);
    }
  } catch (error) {
    throw toDiskError(error, 'write in the dataset directory', { path: dirname(dirname(path)) });
  }
}

async function createExclusive(path: string, text: string): Promise<boolean> {
  try {
    await writeFile(path, text, { flag: 'wx' });
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
}

async function readHolder(path: string): Promise<LockRecord | 'unreadable' | 'stale' | 'gone'> {
  try {
    const record = parseLock(await readFile(path, 'utf8'));
    if (record === undefined) return (await isOld(path)) ? 'stale' : 'unreadable';
    return (await livenessOf(record.holder)) === 'dead' ? 'stale' : record;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return 'gone';
    throw toDiskError(error, 'read the lock', { path });
  }
}

/** By the file system's own clock: a probe beside it says what time it is there. */
async function isOld(path: string): Promise<boolean> {
  const { mtimeMs } = await stat(path);
  const probe = `${path}.${randomBytes(6).toString('hex')}`;
  const handle = await open(probe, 'wx');
  try {
    return (await handle.stat()).mtimeMs - mtimeMs > UNREADABLE_GRACE_MS;
  } finally {
    await handle.close();
    await unlink(probe);
  }
}

/**
 * Moves a stale lock away. Two runs may both have judged it stale, and the slower one may meet the
 * lock that the faster one has made since: what was moved is judged again, and put back if alive.
 */
async function takeAway(path: string): Promise<boolean> {
  const aside = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw toDiskError(error, 'take over the lock', { path });
  }
  const moved = await readHolder(aside);
  const isStale = moved === 'stale' || moved === 'gone';
  if (!isStale) await link(aside, path).catch(() => undefined);
  await unlink(aside).catch(() => undefined);
  return isStale;
}

/** Removes the lock if it is still ours. */
async function release(path: string, own: LockRecord): Promise<void> {
  try {
    const record = parseLock(await readFile(path, 'utf8'));
    if (record?.holder.pid === own.holder.pid && record.since === own.since) await unlink(path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw toDiskError(error, 'remove the lock', { path });
  }
}
