import { expect, it } from 'vitest';
import { ProgressRate } from '../../src/cli/progress-rate.ts';
import { readVersion } from '../../src/fs/package-version.ts';
import type { RunEvent } from '../../src/events.ts';
import { handClock } from '../support/clock.ts';
import { eventsOf, runCli } from '../support/run-cli.ts';
import { makeDataset } from '../support/dataset.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();

function progress(file: string, doneBytes = 1, totalBytes = 2): RunEvent {
  return { event: 'progress', file, phase: 'download', doneBytes, totalBytes };
}

it('prints one progress a second over all files, each with the whole run, and all other events', async () => {
  const clock = handClock();
  const rate = new ProgressRate(clock, true);
  const names = ['a.zip', 'b.zip'];
  const plan = {
    ...{
      files: 3,
      toDownload: 2,
      toExtract: 0,
      alreadyDone: 1,
      bytesToDownload: 6000,
      about: false,
    },
    ...{ toRemove: 0, bytesToRemove: 0, bytesNeededOnDisk: 6000, bytesFreeOnDisk: null },
    work: names.map((file) => ({ file, subsets: [], phase: 'download', bytes: 3000 }) as const),
  };
  expect(rate.toPrint({ event: 'plan', ...plan })).toMatchObject(plan);
  const here: RunEvent = { event: 'file-done', file: 'c.zip', status: 'verified', did: 'skipped' };
  expect(rate.toPrint(here)).toEqual(here);
  const printed: unknown[] = [];
  for (let at = 0; at < 2500; at += 100) {
    for (const file of names) {
      const line = rate.toPrint(progress(file, at, 3000));
      if (line !== undefined) printed.push([at, line]);
      expect(rate.toPrint(here)).toEqual(here);
    }
    await clock.advance(100);
  }
  const inWork = (file: string, doneBytes: number) => {
    return { file, phase: 'download', doneBytes, totalBytes: 3000 };
  };
  expect(printed).toMatchObject([
    [0, { ...inWork('a.zip', 0), run: { filesDone: 1, files: 3, fraction: 0, leftMs: null } }],
    [1000, { run: { inWork: [inWork('a.zip', 1000), inWork('b.zip', 900)] } }],
    [2000, { run: { inWork: [inWork('a.zip', 2000), inWork('b.zip', 1900)] } }],
  ]);
  await clock.advance(1000);
  expect(rate.toPrint(progress('b.zip', 3000, 3000))).toMatchObject({
    run: {
      fraction: expect.closeTo(5400 / 6000, 2) as number,
      leftMs: expect.any(Number) as number,
    },
  });
});

it('each line begins with the versions and the time of the clock', async () => {
  const clock = { ...handClock(), date: () => new Date('2026-01-05T10:11:12.345+08:00') };
  const { stdout } = await runCli(['list', '--ndjson'], { clock });
  const stamp = `{"formatVersion":2,"ccxriVersion":"${readVersion()}","time":"2026-01-05T02:11:12.345Z",`;
  expect(stdout.startsWith(`${stamp}"event":"summary",`)).toBe(true);
  const json = await runCli(['list', '--json'], { clock });
  expect(JSON.parse(json.stdout)).toMatchObject({ time: '2026-01-05T02:11:12.345Z' });
});

it('prints none where none is wanted, as with --no-progress', async () => {
  expect(new ProgressRate(handClock(), false).toPrint(progress('a.zip'))).toBeUndefined();
  const { root, release } = await makeDataset(await tempDir());
  const argv = ['verify', root, '--manifest', release.manifestPath, '--ndjson'];
  const named = async (...more: string[]) =>
    eventsOf((await runCli([...argv, ...more])).stdout).map(({ event }) => event);
  expect(await named()).toContain('progress');
  const without = await named('--no-progress');
  expect(without).toContain('phase-start');
  expect(without).not.toContain('progress');
});
