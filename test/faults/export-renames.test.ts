import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeDataset } from '../support/dataset.ts';
import { useProcessGroups } from '../support/process-group.ts';
import { hasStrace, runTraced } from '../support/strace.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const start = useProcessGroups();

it.runIf(hasStrace)(
  'an export is there whole, the old one or the new one, whichever rename fails or is the last',
  async () => {
    const directory = await tempDir();
    const { root, release } = await makeDataset(directory, {});
    const to = join(directory, 'set');
    const log = join(directory, 'strace.log');
    const at = ['--manifest', release.manifestPath, '--dest', root, '--to', to, '--force'];
    const plain = async (format: string) => {
      expect((await start(['export', format, ...at]).ended).code).toBe(0);
      return listTree(to);
    };
    const [older, newer] = [await plain('csv'), await plain('jsonl')];
    await plain('csv');
    const run = ['export', 'jsonl', ...at];
    const { calls } = await runTraced(start, run, { directory, log }, 'rename');
    const renames = calls.filter(({ path }) => path?.startsWith('set') === true);
    expect(renames.at(-1)?.path).toBe('set.partial/export');
    for (const how of ['error=EIO', 'signal=KILL']) {
      for (const { ordinal: when } of how === 'error=EIO' ? renames : renames.slice(-2)) {
        await plain('csv');
        const fault = { call: 'rename', how, when };
        const { end } = await runTraced(start, run, { directory, log }, fault);
        expect(end.code, `${how} at ${when}`).not.toBe(0);
        // Between the last two renames, a run that is killed can't put the old one back.
        const isBetween = how === 'signal=KILL' && when === renames.at(-1)?.ordinal;
        if (!isBetween)
          expect([older, newer], `${how} at ${when}`).toContainEqual(await listTree(to));
        expect(await plain('jsonl')).toEqual(newer);
        expect(await listTree(directory)).not.toContain('set.partial');
      }
    }
    await rm(to, { recursive: true });
  },
  240_000,
);
