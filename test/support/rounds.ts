/**
 * How far the loops go that could go on for ever (kills, faults, fuzz, soak): `short` in `npm test`
 * (fuzz and servers alone), `brief` in `npm run test:long`, `full` in `npm run test:long -- --full`.
 */
export type Level = 'short' | 'brief' | 'full';

const given = process.env['CCXRI_LEVEL'] ?? 'short';
if (given !== 'short' && given !== 'brief' && given !== 'full') {
  throw new Error(`CCXRI_LEVEL is ${given}: it takes short, brief or full`);
}
export const LEVEL: Level = given;

interface Rounds<T> {
  /** Default: as brief. Loops that `npm test` leaves out need none. */
  readonly short?: T;
  readonly brief: T;
  readonly full: T;
}

/** The number of rounds for this run. */
export function rounds<T>({ short, brief, full }: Rounds<T>): T {
  if (LEVEL === 'full') return full;
  return LEVEL === 'short' ? (short ?? brief) : brief;
}

/** A number that a variable sets for one run: to repeat what failed, or to go further. */
export function fromEnv(name: string, otherwise: number): number {
  const value = process.env[name];
  return value === undefined ? otherwise : Number(value);
}
