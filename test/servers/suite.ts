import { expect, inject, it as runIt } from 'vitest';
import { useRawServers } from '../support/raw-server.ts';
import { LEVEL } from '../support/rounds.ts';
import { useTempDirs } from '../support/temp-dirs.ts';
import { SIZES, type Variant } from './exchange.ts';
import { RIVALS, type Rival, versionOf } from './rivals.ts';
import { type Came, type Place, runCcxri, runOther } from './run-exchange.ts';
import { leaveLeaf, leaveRow } from './table.ts';

// Until the downloads pass them all.
const it = runIt.runIf(process.env['CCXRI_SERVERS'] === '1');

/** A test file's share of the exchanges. */
export interface Group {
  /** Place of the file in docs/servers.md. */
  readonly at: number;
  readonly name: string;
  readonly variants: readonly Variant[];
}

const rivals = RIVALS.flatMap((rival) => {
  const version = versionOf(rival);
  if (version === undefined) console.warn(`SKIPPED: ${rival} is not here, to be compared with`);
  return version === undefined ? [] : [[rival, version] as const];
});

/** `it` of each exchange; at the long levels the other clients run it as well. */
export function describeExchanges(group: Group): void {
  const serve = useRawServers();
  const tempDir = useTempDirs();
  const chosen = group.variants.filter(({ isShort }) => LEVEL === 'full' || isShort);
  const rows = inject('exchangeRows');
  if (rows !== undefined) {
    leaveLeaf(rows, { at: group.at, due: chosen.length, versions: Object.fromEntries(rivals) });
  }
  it.each(chosen)('$title', async (variant) => {
    const place = { serve, directory: await tempDir() };
    const ccxri = await runCcxri(variant, place);
    const others = LEVEL === 'short' ? {} : await runOthers(variant, place);
    if (rows !== undefined) {
      const { title, isPlaced = true } = variant;
      const row = { group: group.name, title, isPlaced, ccxri, rivals: others };
      leaveRow(rows, [group.at, group.variants.indexOf(variant)], row);
    }
    judge(variant, ccxri, others);
  });
}

async function runOthers(variant: Variant, place: Place) {
  const came: Partial<Record<Rival, Came>> = {};
  for (const [rival] of rivals) came[rival] = await runOther(rival, variant, place);
  return came;
}

/** What the figures promise. That nothing wrong is under a final name, `run` has checked. */
function judge(
  variant: Variant,
  ccxri: Came,
  others: Partial<Readonly<Record<Rival, Came>>>,
): void {
  const { exit = [0], isPlaced = true, size } = variant;
  expect(exit, ccxri.error).toContain(ccxri.exit);
  expect(ccxri.isRight).toBe(ccxri.exit === 0);
  const better = Object.entries(others).filter(
    ([, { exit: code, isRight }]) => code === 0 && isRight,
  );
  if (ccxri.exit !== 0) expect(better.map(([rival]) => rival)).toEqual([]);
  if (!isPlaced) return;
  const totalBytes = SIZES[size].bytes.length;
  expect(ccxri.ratio * totalBytes).toBeLessThanOrEqual(1.05 * totalBytes + 1024 * 1024);
}
