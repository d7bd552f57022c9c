import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeDataset } from '../support/dataset.ts';
import { useProcessGroups } from '../support/process-group.ts';
import { type Fault, hasStrace, runTraced } from '../support/strace.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const start = useProcessGroups();

/** All that makes or removes something in the folder of stages; writing and renaming have tests of their own. */
const CALLS = ['mkdir', 'openat', 'link', 'unlink', 'rmdir'];

it.runIf(hasStrace)(
  'an extraction that dies at any moment of making or removing its stage leaves none to the next run',
  async () => {
    const directory = await tempDir();
    const { root, release } = await makeDataset(directory, {});
    const log = join(directory, 'strace.log');
    const at = ['--dest', root, '--manifest', release.manifestPath];
    const run = ['extract', '--file', 'ChestDx-1', ...at];
    const traced = (what: Fault | string) => runTraced(start, run, { directory, log }, what);
    const stages = () => listTree(join(root, '.ccxri/stage'));
    // The archive is hashed first, and never again: it is the same calls each time.
    expect((await start(run).ended).code).toBe(0);
    let hit = 0;
    for (const call of CALLS) {
      await rm(join(root, 'images'), { recursive: true });
      const { end, calls } = await traced(call);
      expect(end.code).toBe(0);
      const points = calls.filter(({ path }) => /\/\.ccxri\/stage(?!.*\.jpg$)/.test(path ?? ''));
      expect(points.length, call).toBeGreaterThan(0);
      for (const { ordinal: when, path } of points) {
        await rm(join(root, 'images'), { recursive: true, force: true });
        const killed = await traced({ call, how: 'signal=KILL', when });
        // Of another thread a call may have the same number, and the run be over before.
        if (killed.end.signal !== 'SIGKILL') continue;
        hit += 1;
        expect((await start(run).ended).code).toBe(0);
        expect(await stages(), `killed at ${call} ${path}`).toEqual([]);
      }
    }
    expect(hit).toBeGreaterThan(7);
  },
  600_000,
);
