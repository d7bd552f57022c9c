import { expect } from 'vitest';
import { LEVEL } from '../support/rounds.ts';
import { SIZES, type Size } from './exchange.ts';
import { RIVALS, type Rival, versionOf } from './rivals.ts';
import type { Came, Client } from './run-exchange.ts';

/** Each other client that is here, with its version. */
export const VERSIONS: Readonly<Record<string, string>> = Object.fromEntries(
  RIVALS.flatMap((rival) => {
    const version = versionOf(rival);
    if (version === undefined) console.warn(`SKIPPED: ${rival} is not here, to be compared with`);
    return version === undefined ? [] : [[rival, version] as const];
  }),
);

type Others = Partial<Readonly<Record<Rival, Came>>>;

export interface Played {
  readonly ccxri: Came;
  readonly others: Others;
}

/** In brief, the rivals play on some. */
export const isForRivals = (index: number) => LEVEL === 'full' || index % 3 === 0;

/** Plays an exchange with ccxri, and with the other clients where they are to be compared. */
export async function playAll(
  play: (client: Client) => Promise<Came>,
  withRivals: boolean,
): Promise<Played> {
  const ccxri = await play('ccxri');
  const others: Partial<Record<Rival, Came>> = {};
  if (!withRivals) return { ccxri, others };
  for (const rival of RIVALS) if (rival in VERSIONS) others[rival] = await play(rival);
  return { ccxri, others };
}

export interface Expected {
  readonly size: Size;
  readonly exit?: readonly number[];
  readonly isPlaced?: boolean;
  readonly gap?: string | undefined;
}

/** What the figures promise. That nothing wrong is under a final name, `run` has checked. */
export function judge(expected: Expected, played: Played): void {
  const { exit = [0], isPlaced = true, gap, size } = expected;
  const { ccxri, others } = played;
  if (gap !== undefined) {
    expect([0, 3, 4, 9]).toContain(ccxri.exit);
    return;
  }
  expect(exit, ccxri.error).toContain(ccxri.exit);
  expect(ccxri.isRight).toBe(ccxri.exit === 0);
  const better = Object.entries(others).filter(([, came]) => came.exit === 0 && came.isRight);
  if (ccxri.exit !== 0) expect(better.map(([rival]) => rival)).toEqual([]);
  if (!isPlaced) return;
  const totalBytes = SIZES[size].bytes.length;
  expect(ccxri.ratio * totalBytes).toBeLessThanOrEqual(1.05 * totalBytes + 1024 * 1024);
}
