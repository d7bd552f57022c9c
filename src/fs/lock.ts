import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { throwIfAborted } from '../abort.ts';
import type { Clock } from '../clock.ts';
import { CcxriError } from '../errors.ts';
import { toPrintable } from '../text.ts';
import {
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
  /** Wait for the holder instead of throwing `locked`. */
  readonly wait: boolean;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  /** Called once with who is waited for, or that a dead holder's lock was taken over. */
  readonly onNotice?: ((message: string) => void) | undefined;
}

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
  const { path, clock, signal, onNotice } = options;
  const record: LockRecord = {
    lockVersion: 1,
    holder: await ownIdentity(),
    token: randomBytes(12).toString('hex'),
    since: clock.date().toISOString(),
  };
  let isAnnounced = false;
  let hasBroken = false;
  for (;;) {
    throwIfAborted(signal);
    const found = await classifyLock(path);
    const holder = found === 'stale' ? await breakLock(path, record) : found;
    hasBroken ||= holder === 'removed';
    if (typeof holder === 'object' || holder === 'unreadable') {
      if (!options.wait) throw lockedError(path, holder);
      if (!isAnnounced) onNotice?.(`waiting for ${describeHolder(holder)}`);
      isAnnounced = true;
      await clock.sleep(POLL_MS, signal).catch(() => undefined);
    } else if (holder !== 'again' && (await createLockFile(path, record))) {
      if (hasBroken) onNotice?.('took over the lock of a run that has died');
      return () => removeLockFile(path, record);
    }
  }
}

/** Who uses the directory now, in words; null: nobody. Writes nothing. */
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
  return `pid ${pid} on ${toPrintable(host, 80)} since ${holder.since}`;
}

function lockedError(path: string, holder: LockRecord | 'unreadable'): CcxriError {
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
