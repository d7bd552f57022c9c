import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { faultArguments, judgeEnd, runAgain, type FaultWorld } from './fault-runs.ts';
import { surroundings, violations } from './invariants.ts';
import { summaryOf, type GroupEnd } from './process-group.ts';

export const hasPrlimit = spawnSync('prlimit', ['--fsize=1000', 'true']).status === 0;
if (!hasPrlimit) console.warn('SKIPPED: prlimit is not here; no file is made to grow too large');

/** Gives a mounted file system in memory another size: `size=8m`, `nr_inodes=0`. */
export function remount(path: string, option: string): void {
  const { status, stderr } = spawnSync('mount', ['-o', `remount,${option}`, path]);
  if (status !== 0) throw new Error(`mount: ${stderr.toString()}`);
}

export interface Limit {
  /** What is to be told of, in words. */
  readonly name: string;
  /** Where the dataset's parent directory is. */
  readonly parent: string;
  /** A command in front of the program. */
  readonly before?: readonly string[];
  /** Takes the limit away. */
  readonly lift: () => void;
}

export interface LimitReport {
  readonly wrong: readonly string[];
  /** The limit was met. */
  readonly wasMet: boolean;
  /** The file or step whose failure was told. */
  readonly toldOf: string;
}

/**
 * Fetches into a directory that cannot take all of it: the contract's code for a full disk, nothing
 * half under a final name, nothing left in the way; with more room the same command ends well.
 */
export async function fetchIntoLimit(world: FaultWorld, limit: Limit): Promise<LimitReport> {
  const dest = join(limit.parent, 'cc-cxri');
  const { manifest } = world.release;
  const before = await surroundings(dest);
  const args = [...faultArguments(world, dest), '--yes'];
  const started = limit.before === undefined ? {} : { before: limit.before };
  const end = await world.start(args, started).ended;
  const wrong = [...judgeEnd(end, [0, 6]), ...(await violations({ dest, manifest, before }))];
  limit.lift();
  wrong.push(...(await runAgain(world, dest)));
  return {
    wrong: wrong.map((each) => `${limit.name}: ${each}`),
    wasMet: end.code === 6,
    toldOf: toldOf(end),
  };
}

/** `ChestDx-1.zip disk-full`, `disk-full` */
function toldOf(end: GroupEnd): string {
  const [error] = summaryOf(end)?.errors ?? [];
  return error === undefined ? '' : [error.file ?? '', error.code].join(' ').trim();
}
