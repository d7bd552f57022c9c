import { spawnSync } from 'node:child_process';
import { readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { layoutOf } from '../../src/dataset/layout.ts';
import { createRandom } from '../../scripts/release/random.ts';
import {
  describeEnd,
  hasBegun,
  lonelyReference,
  runForcedOpen,
  startOne,
  wrongAfter,
  type Crowd,
} from '../support/many-runs.ts';
import { hasNginx } from '../support/nginx.ts';
import { useProcessGroups } from '../support/process-group.ts';
import { makeStandIn } from '../support/stand-in.ts';
import { useServedRelease } from './served-release.ts';

export interface ManySuite {
  /** Runs in one directory. */
  readonly count: number;
  readonly seed: string;
}

/** A host of its own for a process, as far as it can tell. */
const ELSEWHERE = ['unshare', '--uts', '--', 'sh', '-c', 'hostname elsewhere && exec "$@"', 'sh'];
const IN_CONTAINER = ['unshare', '--pid', '--fork', '--mount-proc', '--'];
const canUnshare = [ELSEWHERE, IN_CONTAINER].every(
  ([command = '', ...args]) => spawnSync(command, [...args, 'true']).status === 0,
);
if (!canUnshare) console.warn('SKIPPED: unshare may not make other hosts and containers here');

/** `it` of several runs in one dataset directory. */
export function describeMany({ count, seed }: ManySuite): void {
  const start = useProcessGroups();
  const served = useServedRelease((directory) => makeStandIn(directory), { limitRate: '100k' });
  let reference: { readonly index: Buffer; readonly tree: readonly string[] };
  let crowd: Crowd;
  let used = 0;

  beforeAll(async () => {
    if (!hasNginx) return;
    const { directory, release, nginx } = served();
    const dest = join(directory, 'reference', 'cc-cxri');
    reference = await lonelyReference({ release, sourceUrl: nginx.url, dest, start });
  });

  beforeEach(() => {
    if (!hasNginx) return;
    const { directory, release, nginx } = served();
    used += 1;
    const dest = join(directory, `crowd-${used}`, 'cc-cxri');
    crowd = { release, sourceUrl: `${nginx.url}/{name}?crowd=${used}`, dest, start };
  });

  /** How often each file was asked for by this crowd. */
  async function requestsOfCrowd(): Promise<ReadonlyMap<string, number>> {
    const counts = new Map<string, number>();
    for (const { path } of await served().nginx.requests()) {
      const name = new RegExp(`^/(.*)\\?crowd=${used}$`).exec(path)?.[1];
      if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    return counts;
  }

  describe.skipIf(!hasNginx)(`#84 ${count} runs in one directory`, () => {
    it('one works, and the others are code 10 and say who does, and since when', async () => {
      const holder = startOne(crowd, ['--limit-rate', '1K']);
      await hasBegun(holder);
      const others = Array.from({ length: count - 1 }, () => startOne(crowd));
      const ends = await Promise.all(others.map(({ ended }) => ended));
      expect(ends.map(({ code }) => code)).toEqual(ends.map(() => 10));
      const holderRecord = JSON.parse(await readFile(layoutOf(crowd.dest).lock, 'utf8')) as {
        readonly since: string;
      };
      for (const { stderr } of ends) {
        expect(stderr).toContain(`pid ${holder.pid} on `);
        expect(stderr).toContain(`since ${holderRecord.since}`);
        expect(stderr).toContain('--wait');
      }
      // #86 Killed: the next takes over at once.
      holder.kill();
      await holder.ended;
      const next = await startOne(crowd).ended;
      expect(describeEnd(next)).toBe('0');
      expect(next.told).toContainEqual(
        expect.objectContaining({
          formatVersion: 2,
          event: 'warning',
          code: 'stale-lock',
          message: 'took over the lock of a run that has died',
        }),
      );
      expect(await wrongAfter(crowd, reference)).toEqual([]);
    });

    it('with --wait all end well, one after the other, and each file comes once', async () => {
      const runs = Array.from({ length: count }, () => startOne(crowd, ['--wait']));
      const ends = await Promise.all(runs.map(({ ended }) => ended));
      expect(ends.map(describeEnd)).toEqual(ends.map(() => '0'));
      const counts = await requestsOfCrowd();
      expect([...counts.values()]).toEqual(crowd.release.manifest.files.map(() => 1));
      expect(await wrongAfter(crowd, reference)).toEqual([]);
    });
  });

  describe.skipIf(!hasNginx)(`#85 ${count} runs with the lock forced open`, () => {
    it('work all at once: each ends well, and the result is right', async () => {
      const { ends, mostAtOnce } = await runForcedOpen(crowd, count);
      expect(ends.map(describeEnd)).toEqual(ends.map(() => '0'));
      expect(await wrongAfter(crowd, reference)).toEqual([]);
      expect(mostAtOnce).toBeGreaterThan(1);
      console.log(`with the lock forced open ${mostAtOnce} of ${count} were at work at once`);
    });

    it('half of them killed: the others end well, and so does the next', async () => {
      const kills = { count: Math.ceil(count / 2), random: createRandom(seed) };
      const { ends } = await runForcedOpen(crowd, count, kills);
      const survivors = ends.filter(({ signal }) => signal === null);
      expect(survivors.map(describeEnd)).toEqual(survivors.map(() => '0'));
      const next = await startOne(crowd).ended;
      expect(describeEnd(next)).toBe('0');
      expect(await wrongAfter(crowd, reference)).toEqual([]);
    });
  });

  describe.skipIf(!hasNginx || !canUnshare)(
    '#88 a run on another machine, as far as can be told',
    () => {
      it.each([
        { where: 'another host', before: ELSEWHERE, on: 'elsewhere' },
        { where: 'another container', before: IN_CONTAINER, on: '' },
      ])(
        '$where: it is never taken for dead, until its lock is removed',
        async ({ before, on }) => {
          const holder = startOne(crowd, ['--limit-rate', '1K'], before);
          await hasBegun(holder);
          const second = await startOne(crowd).ended;
          expect(second.code).toBe(10);
          expect(second.stderr).toContain(`on ${on}`);
          holder.kill();
          await holder.ended;
          const third = await startOne(crowd).ended;
          expect(third.code).toBe(10);
          expect(third.stderr).toContain(`remove ${layoutOf(crowd.dest).lock}`);
          await unlink(layoutOf(crowd.dest).lock);
          const fourth = await startOne(crowd).ended;
          expect(describeEnd(fourth)).toBe('0');
          expect(await wrongAfter(crowd, reference)).toEqual([]);
        },
      );

      it('both at work at once, because its lock was removed too early: both end well', async () => {
        const far = startOne(crowd, ['--limit-rate', '30K'], ELSEWHERE);
        await hasBegun(far);
        await unlink(layoutOf(crowd.dest).lock);
        const near = await startOne(crowd).ended;
        expect(describeEnd(near)).toBe('0');
        expect(describeEnd(await far.ended)).toBe('0');
        expect(await wrongAfter(crowd, reference)).toEqual([]);
      });
    },
  );
}
