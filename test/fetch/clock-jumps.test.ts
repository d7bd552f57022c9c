import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { layoutOf } from '../../src/dataset/layout.ts';
import { acquireLock } from '../../src/fs/lock.ts';
import { verifyDataset } from '../../src/verify/verify-dataset.ts';
import { fastClock } from '../support/clock.ts';
import { destIn, manifestOf, run, sampleArchive } from '../support/fetching.ts';
import { brokenOff, fromByteOf, honest, useRawServers } from '../support/raw-server.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const serve = useRawServers();
const a = sampleArchive('ChestDx-1.zip');
const manifest = manifestOf(a);

const DAY_MS = 24 * 3_600_000;
const JUMPS = [
  { name: 'a day back', ms: -DAY_MS },
  { name: 'ten years ahead', ms: 3652 * DAY_MS },
];

afterEach(() => {
  vi.useRealTimers();
});

/** What the time of day is from now on; timers and file times stay those of the system. */
function jump(ms: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + ms });
}

describe.each(JUMPS)('#65 a clock that jumps $name', ({ ms }) => {
  it('does not touch the time by which deadlines and waits are measured', () => {
    const before = systemClock.nowMs();
    const dateBefore = systemClock.date().getTime();
    jump(ms);
    const passed = systemClock.nowMs() - before;
    expect(Math.abs(systemClock.date().getTime() - dateBefore)).toBeGreaterThan(DAY_MS / 2);
    expect(passed).toBeGreaterThanOrEqual(0);
    expect(passed).toBeLessThan(DAY_MS / 2);
  });

  it('in the middle of a download costs nothing: it is resumed, and never waited for longer', async () => {
    const server = await serve(async (request, reply) => {
      if (request.index > 0) return reply.send(honest(a.bytes, request));
      jump(ms);
      await reply.send(brokenOff(a.bytes, 100_000));
      reply.end();
      return undefined;
    });
    const dest = destIn(await tempDir());
    const setup = { dest, manifest, sources: [`${server.url}/{name}`], extract: true, join: false };
    const ran = await run({ ...setup, clock: fastClock() });
    expect(ran.exit).toBe(0);
    expect(server.requests.map((request) => fromByteOf(request))).toEqual([undefined, 100_000]);
    expect(ran.clock.sleeps.every((each) => each >= 0 && each < 60_000)).toBe(true);
    // What was written down then is as good at any other time.
    vi.useRealTimers();
    const again = await run({ ...setup, clock: fastClock() });
    expect(again.outcomes).toEqual(['skipped']);
    const quick = await verifyDataset({ manifest, dest, depth: 'quick' });
    expect(quick.outcomes).toMatchObject([{ status: 'verified' }]);
    const deep = await verifyDataset({ manifest, dest, depth: 'deep' });
    expect(deep.outcomes).toMatchObject([{ status: 'verified', badMembers: [] }]);
    expect(server.requests).toHaveLength(2);
  });

  it('takes no lock away from a run that lives', async () => {
    const dest = destIn(await tempDir());
    const path = layoutOf(dest).lock;
    const release = await acquireLock({ path, wait: false, clock: systemClock });
    const held = await readFile(path, 'utf8');
    jump(ms);
    // Not `run`: its invariants would rightly see the lock of the other.
    const taking = acquireLock({ path, wait: false, clock: systemClock });
    await expect(taking).rejects.toMatchObject({ code: 'locked' });
    expect(await readFile(path, 'utf8')).toBe(held);
    expect(await listTree(join(dest, '.ccxri'))).toEqual(['lock']);
    await release();
  });
});
