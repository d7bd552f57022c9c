/**
 * How far the loops go that could go on for ever (kills, faults, fuzz, servers, soak): `brief` in
 * `npm run test:long`, `full` in `npm run test:long -- --full`.
 */
export type Level = 'brief' | 'full';

const given = process.env['CCXRI_LEVEL'] ?? 'brief';
if (given !== 'brief' && given !== 'full') {
  throw new Error(`CCXRI_LEVEL is ${given}: it takes brief or full`);
}
export const LEVEL: Level = given;

interface Rounds<T> {
  readonly brief: T;
  readonly full: T;
}

/** The number of rounds for this run. */
export function rounds<T>({ brief, full }: Rounds<T>): T {
  return LEVEL === 'full' ? full : brief;
}

/** A number that a variable sets for one run: to repeat what failed, or to go further. */
export function fromEnv(name: string, otherwise: number): number {
  const value = process.env[name];
  return value === undefined ? otherwise : Number(value);
}
