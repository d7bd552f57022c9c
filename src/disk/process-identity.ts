import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
// Who we are is a fact of the system, no input of the run: the one place below cli that asks.
import { kill, pid } from 'node:process';
import { errnoOf } from '../errors.ts';

/** A process, so that another one can tell later whether it still runs. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly host: string;
  /** Tells a process from a later one with the same pid; null where the system does not say. */
  readonly startToken: string | null;
}

export async function ownIdentity(): Promise<ProcessIdentity> {
  return { pid, host: hostname(), startToken: await startTokenOf(pid) };
}

/**
 * `dead` is said only where it is proven: on this host, with no such process, or another one that
 * has taken its pid. Of another host's process nothing can be known.
 */
export async function livenessOf(identity: ProcessIdentity): Promise<'alive' | 'dead' | 'unknown'> {
  if (identity.host !== hostname()) return 'unknown';
  try {
    kill(identity.pid, 0);
  } catch (error) {
    // EPERM: it runs, as another user.
    if (errnoOf(error) === 'ESRCH') return 'dead';
  }
  const token = await startTokenOf(identity.pid);
  if (token === null || identity.startToken === null) return 'alive';
  return token === identity.startToken ? 'alive' : 'dead';
}

/** Linux: the boot and the start time in clock ticks (proc(5), field 22 of stat). */
async function startTokenOf(processId: number): Promise<string | null> {
  try {
    const [boot, stat] = await Promise.all([
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
      readFile(`/proc/${processId}/stat`, 'utf8'),
    ]);
    // The second field is the program's name in brackets, which may hold blanks and brackets.
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    return ticks === undefined ? null : `${boot.trim()}:${ticks}`;
  } catch {
    return null;
  }
}
