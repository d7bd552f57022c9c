import { hash } from 'node:crypto';

/** `seededRank` is below it. */
export const RANKS = 2 ** 48;

/** A number that seed and name decide: the same on every machine, and as good as random. */
export function seededRank(seed: string, name: string): number {
  return hash('sha256', `${seed}/${name}`, 'buffer').readUIntBE(0, 6);
}
