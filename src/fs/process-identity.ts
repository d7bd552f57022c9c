import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
// Our own pid is a fact of the system, no input of a run: the one place below cli that reads it.
import { kill, pid } from 'node:process';
import { errnoOf } from '../errors.ts';

/** A process, so that another one can find out later whether it still runs. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly host: string;
  /**
   * Differs from that of a later process with the same pid: `<boot>:<pid namespace>:<start>`; null
   * where the system does not provide it.
   */
  readonly startToken: string | null;
}

export async function ownIdentity(): Promise<ProcessIdentity> {
  return { pid, host: hostname(), startToken: (await lookUp(pid)).token };
}

/**
 * `dead` only where it is proven: on this host, with no such process, a zombie, or another process
 * with its pid. Nothing can be known about a process of another host, or of another container.
 */
export async function livenessOf(identity: ProcessIdentity): Promise<'alive' | 'dead' | 'unknown'> {
  if (identity.host !== hostname()) return 'unknown';
  const own = await ownIdentity();
  if (isOfOtherNamespace(identity.startToken, own.startToken)) return 'unknown';
  try {
    kill(identity.pid, 0);
  } catch (error) {
    // EPERM: it runs, as another user.
    if (errnoOf(error) === 'ESRCH') return 'dead';
  }
  const { token, hasEnded } = await lookUp(identity.pid);
  if (hasEnded) return 'dead';
  if (token === null || identity.startToken === null) return 'alive';
  return token === identity.startToken ? 'alive' : 'dead';
}

/** The same boot, and a pid of another container: ours may be given to anything. */
function isOfOtherNamespace(theirs: string | null, ours: string | null): boolean {
  if (theirs === null || ours === null) return false;
  const [theirBoot, theirNamespace] = theirs.split(':');
  const [ourBoot, ourNamespace] = ours.split(':');
  return theirBoot === ourBoot && theirNamespace !== ourNamespace;
}

/** Linux: boot, pid namespace, and start time in clock ticks (proc(5), fields 3 and 22 of stat). */
async function lookUp(
  processId: number,
): Promise<{ readonly token: string | null; readonly hasEnded: boolean }> {
  try {
    const [boot, namespace, stat] = await Promise.all([
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
      readlink('/proc/self/ns/pid').catch(() => ''),
      readFile(`/proc/${processId}/stat`, 'utf8'),
    ]);
    // The second field is the program's name in brackets, which may hold blanks and brackets.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state, ticks] = [fields[0], fields[19]];
    if (ticks === undefined) return { token: null, hasEnded: false };
    const inode = /\d+/.exec(namespace)?.[0] ?? '';
    const token = `${boot.trim()}:${inode}:${ticks}`;
    return { token, hasEnded: state === 'Z' || state === 'X' };
  } catch {
    return { token: null, hasEnded: false };
  }
}
