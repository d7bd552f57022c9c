import { expect, it } from 'vitest';
import { ProgressRate } from '../../src/cli/progress-rate.ts';
import { readVersion } from '../../src/cli/version.ts';
import type { RunEvent } from '../../src/events.ts';
import { handClock } from '../support/clock.ts';
import { eventsOf, runCli } from '../support/run-cli.ts';
import { makeDataset } from '../support/dataset.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();

function progress(file: string): RunEvent {
  return { event: 'progress', file, phase: 'download', doneBytes: 1, totalBytes: 2 };
}

it('admits one progress a second and file, and all other events', async () => {
  const clock = handClock();
  const rate = new ProgressRate(clock, true);
  const admitted: string[] = [];
  for (let at = 0; at < 2500; at += 100) {
    for (const file of ['a.zip', 'b.zip']) {
      if (rate.admits(progress(file))) admitted.push(`${file} ${at}`);
    }
    expect(
      rate.admits({ event: 'file-done', file: 'c.zip', status: 'verified', did: 'downloaded' }),
    ).toBe(true);
    await clock.advance(100);
  }
  expect(admitted).toEqual([0, 1000, 2000].flatMap((at) => [`a.zip ${at}`, `b.zip ${at}`]));
});

it('each line begins with the versions and the time of the clock', async () => {
  const clock = { ...handClock(), date: () => new Date('2026-01-05T10:11:12.345+08:00') };
  const { stdout } = await runCli(['list', '--ndjson'], { clock });
  const stamp = `{"formatVersion":2,"ccxriVersion":"${readVersion()}","time":"2026-01-05T02:11:12.345Z",`;
  expect(stdout.startsWith(`${stamp}"event":"summary",`)).toBe(true);
  const json = await runCli(['list', '--json'], { clock });
  expect(JSON.parse(json.stdout)).toMatchObject({ time: '2026-01-05T02:11:12.345Z' });
});

it('admits none where none is wanted, as with --no-progress', async () => {
  expect(new ProgressRate(handClock(), false).admits(progress('a.zip'))).toBe(false);
  const { root, release } = await makeDataset(await tempDir());
  const argv = ['verify', root, '--manifest', release.manifestPath, '--ndjson'];
  const named = async (...more: string[]) =>
    eventsOf((await runCli([...argv, ...more])).stdout).map(({ event }) => event);
  expect(await named()).toContain('progress');
  const without = await named('--no-progress');
  expect(without).toContain('phase-start');
  expect(without).not.toContain('progress');
});
