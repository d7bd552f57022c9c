import { inject, it } from 'vitest';
import { useRawServers } from '../support/raw-server.ts';
import { LEVEL } from '../support/rounds.ts';
import { useTempDirs } from '../support/temp-dirs.ts';
import type { Variant } from './exchange.ts';
import { isForRivals, judge, playAll, VERSIONS } from './judge.ts';
import { play } from './run-exchange.ts';
import { leaveLeaf, leaveRow } from './table.ts';

/** A test file's share of the exchanges. */
export interface Group {
  /** Place of the file in docs/servers.md. */
  readonly at: number;
  readonly name: string;
  readonly variants: readonly Variant[];
}

/** `it` of each exchange. */
export function describeExchanges({ at, name, variants }: Group): void {
  const serve = useRawServers();
  const tempDir = useTempDirs();
  const chosen = variants.filter(({ isShort }) => LEVEL === 'full' || isShort);
  const rows = inject('exchangeRows');
  if (rows !== undefined) leaveLeaf(rows, { at, due: chosen.length, versions: VERSIONS });
  it.each(chosen)('$title', async (variant) => {
    const place = { serve, directory: await tempDir() };
    const withRivals = isForRivals(chosen.indexOf(variant));
    const played = await playAll((client) => play(client, variant, place), withRivals);
    if (rows !== undefined) {
      const { title, isPlaced = true, gap } = variant;
      const { ccxri, others: rivals } = played;
      const row = { group: name, title, isPlaced, gap, ccxri, rivals };
      leaveRow(rows, [at, variants.indexOf(variant)], row);
    }
    judge(variant, played);
  });
}
