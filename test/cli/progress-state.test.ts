import { describe, expect, it } from 'vitest';
import { RunState } from '../../src/cli/progress-state.ts';
import { amountOf, leftOf, paceOf, percentOf } from '../../src/cli/progress-words.ts';
import type { PhaseProgress, PlanEvent, RunEvent } from '../../src/events.ts';

const PLAN: PlanEvent = {
  event: 'plan',
  files: 3,
  toDownload: 2,
  toExtract: 1,
  alreadyDone: 1,
  bytesToDownload: 2000e6,
  about: true,
  toRemove: 0,
  bytesToRemove: 0,
  bytesNeededOnDisk: 4100e6,
  bytesFreeOnDisk: 9e9,
  work: [
    { file: 'here.zip', subsets: [], phase: 'hash', bytes: 900e6 },
    { file: 'a.zip', subsets: [], phase: 'download', bytes: 1000e6 },
    { file: 'b.zip', subsets: [], phase: 'download', bytes: 1000e6 },
  ],
};

function at(file: string, doneBytes: number, totalBytes: number | null = 1000e6): PhaseProgress {
  return { file, phase: 'download', doneBytes, totalBytes };
}

function progress(file: string, doneBytes: number): RunEvent & PhaseProgress {
  return { event: 'progress', ...at(file, doneBytes) };
}

const start = (file: string, doneBytes: number): RunEvent => ({
  event: 'phase-start',
  ...at(file, doneBytes),
});

const retry = (file: string, delayMs: number, keptBytes = 0): RunEvent => ({
  event: 'retry',
  file,
  attempt: 1,
  delayMs,
  error: { code: 'network', message: 'connection reset' },
  keptBytes,
});

const pageRetry = (attempt: number, delayMs: number): RunEvent => ({
  event: 'source-retry',
  source: 'https://a.example/page',
  attempt,
  delayMs,
  error: { code: 'network', message: 'https://a.example/page: connection refused' },
});

describe('the state of a run', () => {
  it('waits with a page, and reports its attempts once, at the third', () => {
    const state = new RunState();
    state.handle(PLAN, 0);
    expect(state.position(0).waitMs).toBeNull();
    const delays = [1000, 2000, 4000, 10_000, 30_000];
    let nowMs = 0;
    const isReported = delays.map((delayMs, at) => {
      state.handle(pageRetry(at + 1, delayMs), nowMs);
      expect(state.position(nowMs + 400).waitMs).toBe(delayMs - 400);
      expect(paceOf(state.position(nowMs))).toMatch(/^waiting, again in /);
      nowMs += delayMs;
      return !state.isRepetition;
    });
    expect(isReported).toEqual([false, false, true, false, false]);
    state.handle(pageRetry(6, 30_000), nowMs);
    expect(state.isRepetition).toBe(true);
    state.handle(start('a.zip', 0), nowMs + 10);
    expect(state.position(nowMs + 10).waitMs).toBeNull();
  });

  it('#169 goes back in bytes where a download starts over, and not in percent', () => {
    const state = new RunState();
    state.handle({ ...PLAN, work: PLAN.work.slice(1) }, 0);
    state.handle(start('a.zip', 0), 0);
    state.handle(progress('a.zip', 900e6), 1000);
    const before = state.position(1000);
    expect(before).toMatchObject({ doneBytes: 900e6, totalBytes: 2000e6 });
    expect(before.fraction).toBeCloseTo(0.45, 3);
    state.handle(start('a.zip', 0), 2000);
    expect(state.position(2000)).toMatchObject({ doneBytes: 0, fraction: before.fraction });
    state.handle(progress('a.zip', 100e6), 3000);
    const after = state.position(3000).fraction ?? 0;
    expect(after).toBeGreaterThan(before.fraction ?? 1);
    expect(after).toBeLessThan(0.5);
  });

  it('is complete when all files are, and no sooner', () => {
    const state = new RunState();
    state.handle({ ...PLAN, work: PLAN.work.slice(1) }, 0);
    for (const [index, file] of ['a.zip', 'b.zip'].entries()) {
      state.handle(start(file, 0), index);
      state.handle(progress(file, 1000e6), 1000);
      state.handle({ event: 'phase-done', file, phase: 'download', bytes: 1000e6 }, 1000);
    }
    expect(state.position(1000).fraction).toBe(0.999);
    state.handle(
      { event: 'file-done', file: 'a.zip', status: 'verified', did: 'downloaded' },
      1000,
    );
    state.handle(
      { event: 'file-done', file: 'b.zip', status: 'verified', did: 'downloaded' },
      1000,
    );
    expect(state.position(1000)).toMatchObject({ fraction: 1, leftMs: 0 });
  });

  it('has at its end what was downloaded, as the plan has it, and no time left', () => {
    const state = new RunState();
    const of = { file: 'b.zip', subsets: [] };
    const extract = { ...of, phase: 'extract', bytes: 1050e6 } as const;
    state.handle({ ...PLAN, work: [...PLAN.work.slice(2), extract] }, 0);
    state.handle(start('b.zip', 0), 0);
    state.handle(progress('b.zip', 500e6), 10_000);
    state.handle({ event: 'phase-done', file: 'b.zip', phase: 'download', bytes: 1000e6 }, 20_000);
    state.handle({ event: 'phase-start', ...at('b.zip', 0, 1020e6), phase: 'extract' }, 20_000);
    state.handle({ event: 'progress', ...at('b.zip', 900e6), phase: 'extract' }, 29_800);
    expect(leftOf(state.position(29_800))).not.toBe('');
    state.handle({ event: 'phase-done', file: 'b.zip', phase: 'extract', bytes: 1020e6 }, 29_900);
    state.handle({ event: 'file-done', file: 'b.zip', status: 'verified' }, 29_900);
    const last = state.position(29_900);
    expect([percentOf(last.fraction ?? 0), amountOf(last), leftOf(last)]).toEqual([
      '100%',
      '1.0 GB downloaded',
      '',
    ]);
  });

  it('is complete where the last file has failed, whatever was planned for it', () => {
    const state = new RunState();
    const extract = { file: 'b.zip', subsets: [], phase: 'extract', bytes: 1050e6 } as const;
    state.handle({ ...PLAN, work: [...PLAN.work.slice(2), extract] }, 0);
    state.handle(start('b.zip', 0), 0);
    state.handle(progress('b.zip', 500e6), 10_000);
    expect(state.position(10_000)).toMatchObject({ totalBytes: 1000e6, waitMs: null });
    state.handle({ event: 'file-done', file: 'b.zip', status: 'partial', did: 'failed' }, 10_000);
    expect(state.position(10_000)).toMatchObject({ totalBytes: 500e6, fraction: 1 });
    expect(state.filesInWork(10_000)).toEqual([]);
  });

  it('is a download while anything downloads, and counts what the end of a phase brings', () => {
    const state = new RunState();
    state.handle(PLAN, 0);
    state.handle(start('a.zip', 0), 0);
    state.handle({ event: 'phase-start', ...at('here.zip', 0), phase: 'hash' }, 0);
    expect(state.position(0).phase).toBe('download');
    state.handle({ event: 'phase-done', file: 'a.zip', phase: 'download', bytes: 1000e6 }, 10_000);
    expect(state.position(10_000).phase).toBe('hash');
    state.handle(start('b.zip', 0), 10_000);
    expect(state.position(10_000)).toMatchObject({ phase: 'download', bytesPerSecond: 100e6 });
  });

  it('has nothing in work after a second plan, as of a demo that was killed', () => {
    const state = new RunState();
    state.handle(PLAN, 0);
    state.handle(start('a.zip', 0), 0);
    state.handle(progress('a.zip', 500e6), 5000);
    const before = state.fraction ?? NaN;
    expect(state.position(5000).leftMs).toBeGreaterThan(0);
    // Of what had come before the kill 400 MB are kept.
    const work = [{ file: 'a.zip', subsets: [], phase: 'download', bytes: 600e6 }] as const;
    state.handle({ ...PLAN, work }, 6000);
    expect(state.filesInWork(6000)).toEqual([]);
    expect(state.position(6000)).toMatchObject({ doneBytes: 0, totalBytes: 600e6, leftMs: null });
    state.handle(start('a.zip', 400e6), 6000);
    state.handle(progress('a.zip', 700e6), 9000);
    expect(state.position(9000)).toMatchObject({ doneBytes: 300e6, totalBytes: 600e6 });
    expect(state.fraction).toBeCloseTo(before + (1 - before) / 2, 3);
  });

  it('begins anew with a plan that was made with what had come before it', () => {
    const state = new RunState();
    state.handle({ event: 'phase-start', ...at('labels.csv', 0, 11e6) }, 0);
    state.handle({ event: 'phase-done', file: 'labels.csv', phase: 'download', bytes: 11e6 }, 1000);
    state.handle({ event: 'archive-listed', file: 'a.zip', listed: 1, archives: 2 }, 2000);
    expect(state.listing).toMatchObject({ listed: 1, archives: 2 });
    state.handle(PLAN, 3000);
    expect(state.listing).toBeNull();
    expect(state.position(3000)).toMatchObject({ fraction: 0, doneBytes: 0 });
  });

  it('counts chosen images as they come, and in the end those that are here', () => {
    const state = new RunState();
    const come = (file: string, doneBytes: number, images: number): RunEvent => {
      return { event: 'progress', ...at(file, doneBytes), images };
    };
    const ended = (file: string, images: number): RunEvent => {
      return { event: 'file-done', file, status: 'crc-checked', images };
    };
    const events: readonly RunEvent[] = [
      ended('here.zip', 5),
      start('a.zip', 0),
      come('a.zip', 100e6, 2),
      come('b.zip', 100e6, 1),
      come('a.zip', 300e6, 7),
      { event: 'phase-done', file: 'a.zip', phase: 'download', bytes: 300e6 },
      ended('a.zip', 6),
    ];
    const counted = events.map((event) => {
      state.handle(event, 0);
      return state.imagesDone;
    });
    expect(counted).toEqual([5, 5, 7, 8, 13, 13, 12]);
  });

  it('does not count what lay there before, and knows no total without a plan', () => {
    const state = new RunState();
    state.handle(start('a.zip', 700e6), 0);
    state.handle(progress('a.zip', 710e6), 1000);
    expect(state.position(1000)).toMatchObject({ doneBytes: 10e6, bytesPerSecond: 10e6 });
    expect(state.position(1000)).toMatchObject({ totalBytes: null, fraction: null, leftMs: null });
  });

  it.each<{ name: string; events: readonly RunEvent[]; left: string }>([
    {
      name: 'a part that is resumed was not downloaded by this run',
      events: [start('a.zip', 900e6), progress('a.zip', 950e6)],
      left: '5.0 MB/s  about 3.5 min left',
    },
    {
      name: 'what is hashed meanwhile is no speed of the download',
      events: [
        { event: 'phase-start', ...at('here.zip', 0), phase: 'hash' },
        start('a.zip', 0),
        { ...progress('here.zip', 900e6), phase: 'hash' },
        progress('a.zip', 50e6),
      ],
      left: '5.0 MB/s  about 6.5 min left',
    },
    {
      name: 'a part that another source goes on with was downloaded by another run',
      events: [start('a.zip', 0), start('a.zip', 400e6), progress('a.zip', 450e6)],
      left: '5.0 MB/s  about 5.2 min left',
    },
    {
      name: 'a part that starts over has to come once more',
      events: [start('a.zip', 900e6), start('a.zip', 0), progress('a.zip', 50e6)],
      left: '5.0 MB/s  about 6.5 min left',
    },
    {
      name: 'a part of another server is of no use, whatever the plan hoped for',
      events: [
        { event: 'phase-start', ...at('a.zip', 0), uselessBytes: 900e6 },
        progress('a.zip', 50e6),
      ],
      left: '5.0 MB/s  about 6.5 min left',
    },
  ])('#211 tells the time left by the speed of this run: $name', ({ events, left }) => {
    const state = new RunState();
    state.handle(PLAN, 0);
    for (const event of events) state.handle(event, event.event === 'progress' ? 10_000 : 0);
    const position = state.position(10_000);
    expect(`${paceOf(position)}  ${leftOf(position)}`).toBe(left);
  });

  it('says what is waited for, until a byte comes', () => {
    const state = new RunState();
    state.handle(PLAN, 0);
    state.handle(start('a.zip', 0), 0);
    state.handle(start('b.zip', 0), 0);
    state.handle(progress('a.zip', 90e6), 4000);
    state.handle(retry('a.zip', 31_000, 80e6), 4000);
    const waits = (nowMs: number) => state.filesInWork(nowMs).map(({ waitMs }) => waitMs);
    expect(waits(4000)).toEqual([31_000, null]);
    expect(state.position(4000)).toMatchObject({ waitMs: null, doneBytes: 80e6 });
    state.handle(retry('b.zip', 60_000), 5000);
    expect(waits(15_000)).toEqual([20_000, 50_000]);
    expect(paceOf(state.position(15_000))).toBe('waiting, again in 20 s');
    expect(leftOf(state.position(15_000))).toBe('');
    expect(amountOf(state.position(15_000))).toBe('80 MB of about 2.0 GB downloaded');
    expect(waits(35_000)).toEqual([null, 30_000]);
    expect(paceOf(state.position(40_000))).toBe('no bytes just now');
    state.handle(progress('b.zip', 1e6), 41_000);
    expect(waits(41_000)).toEqual([null, null]);
  });
});
