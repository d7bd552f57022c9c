import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { throwIfAborted } from '../abort.ts';
import type { Clock } from '../clock.ts';
import { CcxriError } from '../errors.ts';
import { toPrintable } from '../text.ts';
import {
  type JobAttempt,
  type LockRecord,
  UNREADABLE_GRACE_MS,
  breakLock,
  createLockFile,
  classifyLock,
  readLockFile,
  removeLockFile,
} from './lock-file.ts';
import { livenessOf, ownIdentity } from './process-identity.ts';

export interface LockOptions {
  /** `DatasetLayout.lock` */
  readonly path: string;
  /** What of the directory is locked: `shard 3/8`. Default: all of it. */
  readonly part?: string | undefined;
  /** Lists the locks, in the same directory, that nobody may hold beside this one. Default: none. */
  readonly rivals?: (() => Promise<readonly string[]>) | undefined;
  /** This run, as its job scheduler knows it. */
  readonly job?: JobAttempt | undefined;
  /** Wait for the holder instead of throwing `locked`. */
  readonly wait: boolean;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  /** Called once with who is waited for, or that a dead holder's lock was taken over. */
  readonly onNotice?: ((message: string) => void) | undefined;
}

const POLL_MS = 500;
/** How long, and how often, somebody else is waited for who removes the lock of a dead run. */
const BREAKING_POLL_MS = 50;
const BREAKING_POLLS = 40;

/**
 * Makes this process the only one that works in a dataset directory. The lock spares two runs the
 * double work; that the result is right never depends on it (each writes files of its own, and
 * renames them when they have passed). Age alone never breaks a lock: only proof that its holder
 * is dead does.
 * @returns the release
 * @throws CcxriError `locked`, naming the holder; `not-writable` and other errors of the disk
 */
export async function acquireLock(options: LockOptions): Promise<() => Promise<void>> {
  const { path, clock, signal, onNotice, part, job } = options;
  const record: LockRecord = {
    lockVersion: 1,
    holder: await ownIdentity(),
    ...(part === undefined ? {} : { part }),
    ...(job === undefined ? {} : { job }),
    token: randomBytes(12).toString('hex'),
    since: clock.date().toISOString(),
  };
  const listRivals = options.rivals ?? (() => Promise.resolve([]));
  const removed = new Set<string>();
  const firstHeldOf = (paths: readonly string[]) => firstHeld(paths, record, removed);
  let isAnnounced = false;
  let patience = BREAKING_POLLS;
  for (;;) {
    throwIfAborted(signal);
    const held = await firstHeldOf([path, ...(await listRivals())]);
    if (held === 'again') continue;
    if (held?.isOfTheDead === true && held.path !== path && patience > 0) {
      // Somebody is removing it for a lock of their own, which need not be against ours.
      patience -= 1;
      await clock.sleep(BREAKING_POLL_MS, signal).catch(() => undefined);
    } else if (held !== undefined) {
      if (!options.wait) throw lockedError(held);
      if (!isAnnounced) onNotice?.(`waiting for ${describeHolder(held.holder)}`);
      isAnnounced = true;
      await clock.sleep(POLL_MS, signal).catch(() => undefined);
    } else if (await createLockFile(path, record)) {
      if ((await firstHeldOf(await listRivals())) === undefined) {
        if (removed.size > 0) onNotice?.('took over the lock of a run that has died');
        return () => removeLockFile(path, record);
      }
      // Two rivals have come at once, and both step back: one of them is sooner here again.
      await removeLockFile(path, record);
      await clock.sleep(clock.random() * POLL_MS, signal).catch(() => undefined);
    }
  }
}

interface Held {
  readonly path: string;
  readonly holder: LockRecord | 'unreadable';
  /** A dead run's lock, and `holder` is removing it. */
  readonly isOfTheDead: boolean;
}

/**
 * The first of these locks that somebody holds; those of dead runs are removed.
 * @param removed receives their paths
 * @returns undefined: none is held; `again`: things have changed meanwhile
 */
async function firstHeld(
  paths: readonly string[],
  own: LockRecord,
  removed: Set<string>,
): Promise<Held | 'again' | undefined> {
  for (const path of paths) {
    const found = await classifyLock(path, own);
    const isOfTheDead = found === 'stale';
    const state = isOfTheDead ? await breakLock(path, own) : found;
    if (state === 'again') return state;
    if (state === 'removed') removed.add(path);
    else if (state !== 'gone') return { path, holder: state, isOfTheDead };
  }
  return undefined;
}

/** Who holds a lock now, in words; null: nobody. Writes nothing. */
export async function readLockHolder(path: string): Promise<string | null> {
  const holder = await readLockFile(path);
  if (holder === 'gone') return null;
  if (holder === 'unreadable') return (await isYoung(path)) ? describeHolder(holder) : null;
  return (await livenessOf(holder.holder)) === 'dead' ? null : describeHolder(holder);
}

/** By this host's clock: the file system's own would take a write. */
async function isYoung(path: string): Promise<boolean> {
  const stats = await stat(path).catch(() => undefined);
  return stats !== undefined && Math.abs(Date.now() - stats.mtimeMs) < UNREADABLE_GRACE_MS;
}

function describeHolder(holder: LockRecord | 'unreadable'): string {
  if (holder === 'unreadable') return 'a run that is just starting';
  const { pid, host } = holder.holder;
  const part = holder.part === undefined ? '' : `${toPrintable(holder.part, 80)}: `;
  return `${part}pid ${pid} on ${toPrintable(host, 80)} since ${holder.since}`;
}

function lockedError({ path, holder }: Held): CcxriError {
  return new CcxriError(
    'locked',
    `another ccxri process is using this dataset directory: ${describeHolder(holder)}`,
    {
      path,
      next: [
        {
          kind: 'option',
          option: 'wait',
          or: {
            kind: 'advice',
            text: `if that run has surely ended (on another machine), remove ${toPrintable(path)}`,
          },
        },
      ],
    },
  );
}
