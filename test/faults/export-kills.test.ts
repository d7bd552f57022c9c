import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../scripts/release/random.ts';
import {
  type DisturbedExport,
  countCalls,
  faultsOf,
  goesOn,
  killAfter,
  killAtCall,
  makeDisturbedExport,
  watched,
} from '../support/export-kills.ts';
import { type GroupEnd, useProcessGroups } from '../support/process-group.ts';
import { fromEnv, rounds } from '../support/rounds.ts';
import { hasStrace } from '../support/strace.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const start = useProcessGroups();

const FORMATS = ['webdataset', 'imagefolder', 'parquet --with-images'];
/** A file of the export or its journal is flushed; a file gets another name, the export at last. */
const CALLS = ['fsync,fdatasync', 'rename'] as const;
/** So many kills of each kind, of those that are possible. */
const KILLS = rounds({ brief: 3, full: 10_000 });
const RANDOM_KILLS = fromEnv('CCXRI_KILLS', rounds({ brief: 8, full: 200 }));
const SEED = process.env['CCXRI_SEED'] ?? '1';

/** Evenly, from 1 to the last. */
function spread(last: number): readonly number[] {
  const length = Math.min(KILLS, last);
  return Array.from({ length }, (_, at) => Math.ceil(((at + 0.5) * last) / length));
}

/** @returns what is wrong after it */
async function afterKill(exported: DisturbedExport, run: Promise<GroupEnd>) {
  const { seen } = await watched(exported, run);
  return [...seen, ...(await faultsOf(exported, 'whole or not at all'))];
}

const isThere = async ({ to }: DisturbedExport) => (await listTree(dirname(to))).includes('set');

describe.each(FORMATS)('SIGKILL to an export of %s', (format) => {
  it.runIf(hasStrace)(
    'at any file that is flushed or renamed: the next run makes the same bytes',
    async () => {
      const exported = await makeDisturbedExport(await tempDir(), start, format);
      for (const call of CALLS) {
        const last = await countCalls(exported, call);
        expect(await faultsOf(exported, 'whole')).toEqual([]);
        expect(last).toBeGreaterThan(3);
        for (const when of spread(last)) {
          await rm(exported.to, { recursive: true, force: true });
          const killed = killAtCall(exported, call, when);
          expect(await afterKill(exported, killed), `${call} ${when}`).toEqual([]);
          expect((await killed).code, `${call} ${when}`).not.toBe(0);
          // After the last call, the export has its name.
          if (!(await isThere(exported))) {
            expect(await goesOn(exported), `after ${call} ${when}`).toEqual([]);
          }
        }
        await rm(exported.to, { recursive: true });
      }
    },
    1_800_000,
  );

  it('at any moment, again and again: the next run makes the same bytes', async () => {
    const exported = await makeDisturbedExport(await tempDir(), start, format);
    const random = createRandom(`${SEED} ${format}`);
    const moments: number[] = [];
    const told = () => `seed ${SEED}, killed after ${moments.join(', ')} ms`;
    for (let kills = 0; kills < RANDOM_KILLS; kills += 1) {
      const ms = Math.round(random.between(0, exported.elapsedMs));
      moments.push(ms);
      expect(await afterKill(exported, killAfter(exported, ms)), told()).toEqual([]);
      // Some chains are of one kill, some of more.
      if (random.next() < 0.5 || (await isThere(exported))) {
        if (!(await isThere(exported))) expect(await goesOn(exported), told()).toEqual([]);
        await rm(exported.to, { recursive: true });
      }
    }
    expect(await goesOn(exported), told()).toEqual([]);
  }, 1_800_000);
});
