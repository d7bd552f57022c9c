import { randomBytes } from 'node:crypto';
import { link, lstat, open, readFile, unlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as z from 'zod';
import { whenFilesAreFree } from '../concurrency.ts';
import { errnoOf, toDiskError } from '../errors.ts';
import { cannotLink } from './links.ts';
import { lostOnDisk, makeDirectory, noFile } from './paths.ts';
import { livenessOf } from './process-identity.ts';
import { rename } from './rename.ts';

/** How long an unreadable lock counts as one that is just being written. */
export const UNREADABLE_GRACE_MS = 10_000;
/** Longer than any honest record. */
const MAX_RECORD_BYTES = 16 * 1024;

/** Who holds a lock; or it is unreadable, or its holder is dead, or there is none. */
export type LockState = LockRecord | 'unreadable' | 'stale' | 'gone';

/**
 * The record appears whole under its name: written beside it, then linked, which fails if there is one.
 * @returns false: another lock is there
 */
export async function createLockFile(path: string, record: LockRecord): Promise<boolean> {
  await makeDirectory(dirname(path));
  const own = besideOf(path);
  const text = `${JSON.stringify(record)}\n`;
  try {
    await whenFilesAreFree(() => writeFile(own, text, { flag: 'wx' }));
    if ((await whenFilesAreFree(() => readFile(own, 'utf8'))) !== text) throw lostOnDisk(own);
    if (await linkOrCreate(own, path, text)) return true;
    // A server whose first response was lost reports EEXIST for the link that it has made.
    return await isLockOf(path, record);
  } catch (error) {
    throw toDiskError(error, 'write in the dataset directory', { path: dirname(dirname(path)) });
  } finally {
    await unlink(own).catch(() => undefined);
  }
}

/** @returns false: the name is taken */
async function linkOrCreate(own: string, path: string, text: string): Promise<boolean> {
  try {
    await link(own, path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    if (!cannotLink(error)) throw error;
  }
  // An exclusive create is the next best.
  let handle;
  try {
    handle = await open(path, 'wx');
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
  try {
    await handle.writeFile(text);
    return true;
  } catch (error) {
    await unlink(path).catch(() => undefined);
    throw error;
  } finally {
    await handle.close();
  }
}

/** Removes a lock if it is still the one of this record. */
export async function removeLockFile(path: string, own: LockRecord): Promise<void> {
  try {
    if (await isLockOf(path, own)) await unlink(path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw toDiskError(error, 'remove the lock', { path });
  }
}

async function isLockOf(path: string, expected: LockRecord): Promise<boolean> {
  const record = await readLockFile(path);
  return typeof record === 'object' && record.token === expected.token;
}

/**
 * Checks a lock, by the file system's own clock where it can't be read: a probe is written beside it.
 * @param own of the run that asks: what its job scheduler started again has ended
 */
export async function classifyLock(path: string, own?: LockRecord): Promise<LockState> {
  try {
    const record = await readLockFile(path);
    if (record === 'unreadable') return (await isOld(path)) ? 'stale' : 'unreadable';
    if (record === 'gone') return record;
    const isDead = isEarlierAttempt(record.job, own?.job);
    if (!isDead && (await livenessOf(record.holder)) !== 'dead') return record;
    // It may have released the lock and ended since it was read. What is there after its death stays
    // until somebody removes it.
    return (await isLockOf(path, record)) ? 'stale' : 'gone';
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return 'gone';
    throw toDiskError(error, 'read the lock', { path });
  }
}

/** A scheduler starts a task again when its run before has ended, on whatever host that was. */
function isEarlierAttempt(theirs: JobAttempt | undefined, ours: JobAttempt | undefined): boolean {
  if (theirs === undefined || ours === undefined) return false;
  return theirs.id === ours.id && theirs.attempt < ours.attempt;
}

/** The record, whether its holder is alive or not. Never through a link. */
export async function readLockFile(path: string): Promise<LockRecord | 'unreadable' | 'gone'> {
  try {
    const stats = await lstat(path);
    if (!stats.isFile()) throw noFile(path, 'a lock that ccxri has made, or nothing');
    if (stats.size > MAX_RECORD_BYTES) return 'unreadable';
    return parseLock(await whenFilesAreFree(() => readFile(path, 'utf8'))) ?? 'unreadable';
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return 'gone';
    throw toDiskError(error, 'read the lock', { path });
  }
}

async function isOld(path: string): Promise<boolean> {
  const { mtimeMs } = await lstat(path);
  const probe = besideOf(path);
  const handle = await open(probe, 'wx');
  try {
    // Either way: a clock that was set back must not make it young for ever.
    return Math.abs((await handle.stat()).mtimeMs - mtimeMs) > UNREADABLE_GRACE_MS;
  } finally {
    await handle.close();
    await unlink(probe).catch(() => undefined);
  }
}

/**
 * Removes a lock that was checked stale. Two runs may have checked so, and the slower one must not
 * remove the lock that the faster one has made since: only who holds the breaker may remove, and
 * looks once more before it does.
 * @returns `removed`; `again`: things have changed, check again; else who is breaking it now
 */
export async function breakLock(
  path: string,
  own: LockRecord,
): Promise<'removed' | 'again' | LockRecord | 'unreadable'> {
  const breaker = `${path}.break`;
  if (!(await createLockFile(breaker, own))) {
    const other = await classifyLock(breaker, own);
    if (other === 'stale') await moveAway(breaker, own);
    return other === 'stale' || other === 'gone' ? 'again' : other;
  }
  try {
    if ((await classifyLock(path, own)) !== 'stale') return 'again';
    await unlink(path);
    return 'removed';
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return 'again';
    throw toDiskError(error, 'take over the lock', { path });
  } finally {
    await removeLockFile(breaker, own);
  }
}

/** For a breaker whose owner died, too. What was moved is checked again, and put back if alive. */
async function moveAway(path: string, own: LockRecord): Promise<void> {
  const moved = besideOf(path);
  try {
    await rename(path, moved);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return;
    throw toDiskError(error, 'take over the lock', { path });
  }
  const state = await classifyLock(moved, own);
  if (state !== 'stale' && state !== 'gone') await link(moved, path).catch(() => undefined);
  await unlink(moved).catch(() => undefined);
}

/** Whether a lock, or what is written beside one while it is taken, is of a run that has died. */
export async function isOfTheDead(path: string): Promise<boolean> {
  const record = await readLockFile(path).catch(() => 'unreadable' as const);
  return typeof record === 'object' && (await livenessOf(record.holder)) === 'dead';
}

function besideOf(path: string): string {
  return `${path}.${randomBytes(6).toString('hex')}`;
}

export const identitySchema = z.strictObject({
  pid: z.int().positive(),
  host: z.string().max(255),
  startToken: z.string().max(100).nullable(),
});

const jobAttempt = z.strictObject({
  id: z.string().max(300),
  attempt: z.int().nonnegative(),
});

/** A run as a job scheduler knows it. */
export interface JobAttempt {
  /** Of the job or its task, as no other one of any time is called. */
  readonly id: string;
  /** 0: the first; greater for each time that the scheduler has started it again, when it had ended. */
  readonly attempt: number;
}

const lockSchema = z.strictObject({
  lockVersion: z.literal(1),
  holder: identitySchema,
  /** What of the directory it is held for: `shard 3/8`. Absent: all of it. */
  part: z.string().max(100).optional(),
  /** Absent: no scheduler has started it, or none that says how often. */
  job: jobAttempt.optional(),
  /** Differs from that of every other lock, of the same process, too. */
  token: z.string().max(100),
  since: z.iso.datetime(),
});

export type LockRecord = Readonly<z.infer<typeof lockSchema>>;

/** undefined: empty, half-written or of another form. */
export function parseLock(text: string): LockRecord | undefined {
  try {
    return lockSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
