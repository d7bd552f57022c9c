import { spawnSync } from 'node:child_process';
import { measure, median, type Measured } from './measure.ts';
import type { Work } from './works.ts';

/** One work's medians, side by side. */
export interface Comparison {
  readonly name: string;
  readonly rival: string;
  readonly target: number | null;
  readonly ccxri: Measured;
  readonly peer: Measured;
  /** Median wall time, ccxri over rival. */
  readonly ratio: number;
  readonly bytes: number;
}

const CACHE_SWITCH = '/proc/sys/vm/drop_caches';
const EMPTY_CACHE = `sync && echo 3 > ${CACHE_SWITCH}`;

/** Whether this user may empty the page cache. */
export function mayEmptyCache(): boolean {
  return spawnSync('bash', ['-c', `[ -w ${CACHE_SWITCH} ]`]).status === 0;
}

export function isHere(program: string): boolean {
  return spawnSync('bash', ['-c', `command -v ${program}`]).status === 0;
}

/**
 * Runs a work and its rival alternately, so that what else the machine does meets both, and gives
 * the medians.
 */
export async function compare(work: Work, rounds: number, cwd: string): Promise<Comparison> {
  const ours: Measured[] = [];
  const theirs: Measured[] = [];
  const before = [work.before, work.isCold === true ? EMPTY_CACHE : undefined];
  for (let round = 0; round < rounds; round += 1) {
    for (const command of before) if (command !== undefined) await measure(command, cwd);
    ours.push(await measure(work.ccxri, cwd));
    for (const command of before) if (command !== undefined) await measure(command, cwd);
    theirs.push(await measure(work.peer, cwd));
  }
  const [ccxri, peer] = [middle(ours), middle(theirs)];
  const { name, rival, target, bytes } = work;
  return { name, rival, target, ccxri, peer, ratio: ccxri.wallS / peer.wallS, bytes };
}

/** Medians of wall and processor time; of the memory the highest. */
export function middle(runs: readonly Measured[]): Measured {
  return {
    wallS: median(runs.map(({ wallS }) => wallS)),
    cpuS: median(runs.map(({ cpuS }) => cpuS)),
    peakBytes: Math.max(...runs.map(({ peakBytes }) => peakBytes)),
  };
}

export function renderComparison(row: Comparison): string {
  const mb = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;
  const cpu = ({ cpuS }: Measured) => (cpuS / (row.bytes / 1e9)).toFixed(2);
  const met = row.target === null ? '' : row.ratio <= row.target ? 'met' : 'MISSED';
  return [
    row.name,
    row.rival,
    `${row.ccxri.wallS.toFixed(2)} s`,
    `${row.peer.wallS.toFixed(2)} s`,
    row.ratio.toFixed(2),
    row.target === null ? '-' : `<= ${row.target.toFixed(2)}`,
    met,
    `${cpu(row.ccxri)} / ${cpu(row.peer)}`,
    mb(row.ccxri.peakBytes),
  ].join(' | ');
}

export const COMPARISON_TITLES =
  'work | against | ccxri | rival | ratio | target | | CPU s a GB, ccxri / rival | peak memory of ccxri';
