import { describe, expect, it } from 'vitest';
import { fileBar, totalBar } from '../../src/cli/progress-bars.ts';
import { RunState } from '../../src/cli/progress-state.ts';
import type { PhaseProgress, PlanEvent, RunEvent } from '../../src/events.ts';

const PLAN: PlanEvent = {
  event: 'plan',
  files: 3,
  toDownload: 2,
  toExtract: 1,
  alreadyDone: 1,
  bytesToDownload: 2000e6,
  bytesNeededOnDisk: 4100e6,
  bytesFreeOnDisk: 9e9,
  work: [],
};

function at(file: string, doneBytes: number, totalBytes: number | null = 1000e6): PhaseProgress {
  return { file, phase: 'download', doneBytes, totalBytes };
}

function progress(file: string, doneBytes: number): RunEvent & PhaseProgress {
  return { event: 'progress', ...at(file, doneBytes) };
}

describe('the state of a run', () => {
  it('#169 goes back where a download starts over, and is never beyond 100 %', () => {
    const state = new RunState();
    state.handle(PLAN, 0);
    state.handle({ event: 'phase-start', ...at('a.zip', 0) }, 0);
    state.handle({ event: 'progress', ...at('a.zip', 900e6) }, 1000);
    expect(state.position(1000).doneBytes).toBe(900e6);
    state.handle({ event: 'phase-start', ...at('a.zip', 0) }, 2000);
    expect(state.position(2000).doneBytes).toBe(0);
    state.handle({ event: 'progress', ...at('a.zip', 2500e6) }, 3000);
    expect(state.position(3000)).toMatchObject({ doneBytes: 2000e6, totalBytes: 2000e6 });
    expect(totalBar(state, 3000, 80)).toContain(' 100% ');
    expect(fileBar(at('a.zip', 2500e6), 80)).toContain('100%');
  });

  it('does not count what lay there before', () => {
    const state = new RunState();
    state.handle({ event: 'phase-start', ...at('a.zip', 700e6) }, 0);
    state.handle({ event: 'progress', ...at('a.zip', 710e6) }, 1000);
    expect(state.position(1000)).toMatchObject({ doneBytes: 10e6, bytesPerSecond: 10e6 });
  });

  it.each<{ name: string; events: readonly RunEvent[]; left: string }>([
    {
      name: 'a part that is resumed was not downloaded by this run',
      events: [{ event: 'phase-start', ...at('a.zip', 900e6) }, progress('a.zip', 950e6)],
      left: '5 MB/s  about 6 min 30 s left',
    },
    {
      name: 'what is hashed meanwhile is no speed of the download',
      events: [
        { event: 'phase-start', ...at('here.zip', 0), phase: 'hash' },
        { event: 'phase-start', ...at('a.zip', 0) },
        { ...progress('here.zip', 900e6), phase: 'hash' },
        progress('a.zip', 50e6),
      ],
      left: '5 MB/s  about 6 min 30 s left',
    },
    {
      name: 'a part that another source goes on with was downloaded by another run',
      events: [
        { event: 'phase-start', ...at('a.zip', 0) },
        { event: 'phase-start', ...at('a.zip', 400e6) },
        progress('a.zip', 450e6),
      ],
      left: '5 MB/s  about 5 min 10 s left',
    },
    {
      name: 'a part that starts over has to come once more',
      events: [
        { event: 'phase-start', ...at('a.zip', 900e6) },
        { event: 'phase-start', ...at('a.zip', 0) },
        progress('a.zip', 50e6),
      ],
      left: '5 MB/s  about 9 min 30 s left',
    },
    {
      name: 'a part of another server is of no use, whatever the plan hoped for',
      events: [
        { event: 'phase-start', ...at('a.zip', 0), uselessBytes: 900e6 },
        progress('a.zip', 50e6),
      ],
      left: '5 MB/s  about 9 min 30 s left',
    },
  ])('#211 tells the time left by the speed of this run: $name', ({ events, left }) => {
    const state = new RunState();
    state.handle(PLAN, 0);
    for (const event of events) state.handle(event, event.event === 'progress' ? 10_000 : 0);
    expect(totalBar(state, 10_000, 100)).toContain(left);
  });

  it('says 100 % of nothing but the whole', () => {
    expect(fileBar(at('a.zip', 999.9e6), 80)).toContain(' 99%');
  });
});
