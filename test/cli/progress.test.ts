import cliProgress from 'cli-progress';
import { describe, expect, it } from 'vitest';
import { CheckedWriter } from '../../src/cli/io.ts';
import { BarProgress } from '../../src/cli/progress-bars.ts';
import { LineProgress } from '../../src/cli/progress-lines.ts';
import { View } from '../../src/cli/view.ts';
import type { Clock } from '../../src/clock.ts';
import type { PhaseProgress, PlanEvent, RunEvent } from '../../src/events.ts';
import { Paper } from '../support/run-cli.ts';
import { screenOf } from '../support/terminal.ts';

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
    { file: 'a.zip', subsets: [], phase: 'download', bytes: 1000e6 },
    { file: 'b.zip', subsets: [], phase: 'download', bytes: 1000e6 },
    { file: 'b.zip', subsets: [], phase: 'extract', bytes: 1050e6 },
  ],
};

function at(file: string, doneBytes: number, totalBytes: number | null = 1000e6): PhaseProgress {
  return { file, phase: 'download', doneBytes, totalBytes };
}

const PAGE_RETRY = {
  event: 'source-retry',
  source: 'https://x.example',
  attempt: 1,
  delayMs: 8000,
  error: { code: 'network', message: 'the page is down' },
} as const satisfies RunEvent;

/** A clock that only moves when told to. */
function fakeClock(): Clock & { move(ms: number): void } {
  let nowMs = 0;
  return {
    nowMs: () => nowMs,
    move: (ms) => (nowMs += ms),
    date: () => new Date(0),
    random: () => 0,
    sleep: () => Promise.reject(new Error('the tests do not sleep')),
  };
}

function lineProgress(verbose = false, heartbeat = true, isQuiet = false) {
  const paper = new Paper();
  const clock = fakeClock();
  const view = new View({ width: 80, color: false, verbose });
  const writer = new CheckedWriter(paper);
  const progress = new LineProgress({ view, heartbeat, isQuiet, clock, writer });
  return { paper, clock, progress };
}

describe('lines', () => {
  it('have in the plan what is checked, and what is deleted, with their bytes', () => {
    const { paper, progress } = lineProgress();
    const of = { file: 'c.zip', subsets: [] };
    const check = { ...of, phase: 'hash', bytes: 570e6 } as const;
    const removed = { toRemove: 3, bytesToRemove: 2570e6 };
    progress.handle({ ...PLAN, files: 4, ...removed, toExtract: 0, work: [...PLAN.work, check] });
    progress.stop();
    const [line] = paper.text.split('\n');
    expect(line).toBe(
      'plan: 4 files; 1 done already; 2 to download (about 2.0 GB); 1 to check (570 MB); 3 archives to delete after extraction (about 2.6 GB)',
    );
  });

  it('show the plan, and each file once when it is done', () => {
    const { paper, progress } = lineProgress();
    const events: readonly RunEvent[] = [
      PLAN,
      { event: 'phase-start', ...at('a.zip', 0) },
      { event: 'progress', ...at('a.zip', 500e6) },
      { event: 'phase-done', file: 'a.zip', phase: 'download', bytes: 1000e6, md5: 'ff' },
      { event: 'file-done', file: 'a.zip', status: 'verified', did: 'downloaded' },
      { event: 'file-done', file: 'here.zip', status: 'verified', did: 'skipped' },
      {
        event: 'file-done',
        file: 'b.zip',
        status: 'missing',
        did: 'failed',
        error: { code: 'network', message: 'b.zip: no route' },
      },
      { event: 'index-written', path: 'x/index.csv', rows: 1234 },
    ];
    for (const event of events) progress.handle(event);
    progress.stop();
    expect(paper.text.split('\n')).toEqual([
      'plan: 3 files; 1 done already; 2 to download (about 2.0 GB); 1 to extract',
      '      disk: about 4.1 GB needed, 9.0 GB free',
      '[1/3] a.zip: downloaded, verified',
      '[3/3] b.zip: failed (network)',
      '',
    ]);
  });

  it.each([false, true])('leave the rows of the index to the result, but for -v: %s', (verbose) => {
    const { paper, progress } = lineProgress(verbose);
    progress.handle({ event: 'index-written', path: 'x/index.csv', rows: 1234 });
    expect(paper.text).toBe(verbose ? 'x/index.csv: 1,234 rows written\n' : '');
  });

  it('show what did not go smoothly', () => {
    const { paper, progress } = lineProgress();
    const error = { code: 'network', message: 'connection reset' } as const;
    progress.handle({ event: 'phase-start', ...at('a.zip', 300e6) });
    progress.handle({ event: 'phase-start', ...at('b.zip', 0), uselessBytes: 2e6 });
    progress.handle({
      event: 'retry',
      file: 'a.zip',
      attempt: 2,
      delayMs: 4000,
      error,
      keptBytes: 300e6,
    });
    const down = { code: 'network', message: 'the page is down' } as const;
    const page = { source: 'https://x.example', delayMs: 8000, error: down } as const;
    for (const attempt of [2, 3]) progress.handle({ event: 'source-retry', ...page, attempt });
    progress.handle({ event: 'source-left', file: 'a.zip', source: 'https://x.example', error });
    const status = 'content-checked';
    progress.handle({ event: 'file-done', file: 'c.zip', status, did: 'downloaded' });
    progress.handle({ event: 'archive-removed', file: 'c.zip', bytes: 157e6 });
    progress.handle({ event: 'warning', code: 'sloppy-http', message: 'with -v alone' });
    progress.handle({ event: 'warning', code: 'disk', file: 'a.zip', message: 'was changed' });
    progress.stop();
    expect(paper.text.split('\n')).toEqual([
      'a.zip: resumes at 300 MB',
      'b.zip: starts over: the 2 MB here came from another server',
      'a.zip: attempt 2 failed: connection reset; again in 4 s; 300 MB kept',
      'asking https://x.example again in 8 s (network)',
      'a.zip: gave up on https://x.example: connection reset',
      'c.zip: downloaded, content-checked',
      'c.zip: archive removed, 157 MB; its images are checked',
      'warning: a.zip: was changed',
      '',
    ]);
  });

  it('say that the run is alive after 30 s of silence, no sooner and not twice', () => {
    const { paper, clock, progress } = lineProgress();
    progress.handle(PLAN);
    progress.handle({ event: 'phase-start', ...at('a.zip', 0) });
    clock.move(29_000);
    progress.handle({ event: 'progress', ...at('a.zip', 290e6) });
    progress.tick();
    expect(paper.text).not.toContain('still');
    clock.move(1000);
    progress.handle({ event: 'progress', ...at('a.zip', 300e6) });
    progress.tick();
    progress.stop();
    expect(paper.text.split('\n').slice(2)).toEqual([
      'still downloading: 0 of 3 files, 14%, 300 MB of about 2.0 GB downloaded, 10 MB/s, about 3.0 min left',
      '',
    ]);
    clock.move(30_000);
    progress.tick();
    expect(paper.text).toContain('no bytes just now');
  });

  it('say that the run is alive while it waits for a page, and no file is in work', () => {
    const { paper, clock, progress } = lineProgress();
    progress.handle({ ...PAGE_RETRY, delayMs: 45_000 });
    clock.move(29_999);
    progress.tick();
    expect(paper.text).toBe('');
    clock.move(1);
    progress.tick();
    progress.stop();
    expect(paper.text).toBe(
      'still downloading: 0 files done, 0 bytes downloaded, waiting, again in 15 s\n',
    );
  });

  it('say that the run is alive while it reads the directories of archives', () => {
    const { paper, clock, progress } = lineProgress();
    progress.handle({ event: 'archive-listed', file: 'a.zip', listed: 12, archives: 51 });
    clock.move(30_000);
    progress.tick();
    progress.stop();
    expect(paper.text).toBe('still reading directories: 12 of 51 archives\n');
  });

  it('say twice a minute at most why attempts fail', () => {
    const { paper, clock, progress } = lineProgress(false, false);
    const fail = (file: string) =>
      progress.handle({ ...PAGE_RETRY, event: 'retry', file, keptBytes: 0 });
    fail('a.zip');
    clock.move(29_999);
    fail('b.zip');
    clock.move(1);
    fail('c.zip');
    const why = 'attempt 1 failed: the page is down; again in 8 s';
    expect(paper.text).toBe(`a.zip: ${why}\nc.zip: ${why}\n`);
  });

  it('are silent about nothing in work, and without a heartbeat', () => {
    const idle = lineProgress();
    idle.clock.move(60_000);
    idle.progress.tick();
    expect(idle.paper.text).toBe('');
    for (const { paper, clock, progress } of [
      lineProgress(false, false),
      lineProgress(true, true, true),
    ]) {
      progress.handle({ event: 'phase-start', ...at('a.zip', 0) });
      clock.move(60_000);
      progress.handle({ event: 'progress', ...at('a.zip', 1) });
      expect(paper.text).toBe('');
      progress.note('stopping');
      expect(paper.text).toBe('stopping\n');
    }
  });

  it('show the number of connections with -v', () => {
    const events: readonly RunEvent[] = [
      { event: 'connections', connections: 8, before: 4, why: 'trial', bytesPerSecond: 8e6 },
      { event: 'connections', connections: 4, before: 8, why: 'no-gain', bytesPerSecond: 9e6 },
      { event: 'connections', connections: 4, before: 8, why: 'refused', bytesPerSecond: null },
    ];
    for (const verbose of [true, false]) {
      const { paper, progress } = lineProgress(verbose);
      for (const event of events) progress.handle(event);
      progress.stop();
      expect(paper.text.split('\n')).toEqual([
        ...(verbose
          ? [
              'connections: 8 from now on; 8.0 MB/s with 4',
              'connections: back to 4; 9.0 MB/s with 8, which is no gain',
              'connections: back to 4; a server refused more',
            ]
          : []),
        '',
      ]);
    }
  });

  it('show more with -v', () => {
    const { paper, progress } = lineProgress(true);
    progress.handle({ event: 'phase-start', ...at('a.zip', 0), source: 'https://x.example' });
    progress.handle({ event: 'phase-done', file: 'a.zip', phase: 'extract', bytes: 5, members: 2 });
    progress.handle({ event: 'file-done', file: 'a.zip', status: 'verified', did: 'skipped' });
    progress.stop();
    expect(paper.text.split('\n')).toEqual([
      'a.zip: downloading from https://x.example',
      'a.zip: extract done, 5 bytes, 2 members',
      'a.zip: verified',
      '',
    ]);
  });
});

describe('bars', () => {
  function drawn(columns: number) {
    const paper = new Paper(columns);
    const progress = new BarProgress(
      {
        view: new View({ width: columns, color: false, verbose: false }),
        heartbeat: true,
        isQuiet: false,
        stream: paper,
        writer: new CheckedWriter(paper),
        clock: fakeClock(),
        unicode: false,
      },
      cliProgress,
    );
    return { paper, progress };
  }

  it('are drawn over, lines stay above them, and nothing of them is left at the end', () => {
    const { paper, progress } = drawn(80);
    progress.handle(PLAN);
    progress.handle({ event: 'phase-start', ...at('a.zip', 0) });
    progress.handle({ event: 'progress', ...at('a.zip', 500e6) });
    progress.note('a line');
    progress.handle({ event: 'file-done', file: 'a.zip', status: 'verified', did: 'downloaded' });
    progress.stop();
    expect(paper.text).toContain('a.zip  download   50%  500 MB of 1.0 GB');
    expect(paper.text).toContain('\u001b[Ja line');
    expect(paper.text).toContain('1 of 3 files');
    expect(screenOf(paper.text)).toEqual([
      'plan: 3 files; 1 done already; 2 to download (about 2.0 GB); 1 to extract',
      '      disk: about 4.1 GB needed, 9.0 GB free',
      'a line',
    ]);
    // No mode of the terminal is changed, so that a killed run leaves it as it was.
    expect(paper.text).not.toContain('\u001b[?');
  });

  it('show that a page is waited for before any file is in work', () => {
    const { paper, progress } = drawn(80);
    progress.handle(PAGE_RETRY);
    expect(screenOf(paper.text)).toEqual([expect.stringContaining('waiting, again in 8 s')]);
    progress.stop();
    expect(screenOf(paper.text)).toEqual([]);
  });

  it('are drawn anew in a window that got narrower, and nothing of the wider ones is left', () => {
    const { paper, progress } = drawn(100);
    progress.note('a line that stays');
    progress.handle(PLAN);
    for (const file of ['a.zip', 'b.zip', 'c.zip']) {
      progress.handle({ event: 'phase-start', ...at(file, 0) });
      progress.handle({ event: 'progress', ...at(file, 500e6) });
    }
    progress.handle({ event: 'file-done', file: 'b.zip', status: 'verified', did: 'downloaded' });
    const wide = paper.text;
    expect(screenOf(wide).filter((line) => line.includes('50%'))).toHaveLength(2);
    // The terminal breaks each line that is too long now; the cursor stays at the end of the last.
    const narrow = screenOf(wide).flatMap((line) => line.match(/.{1,40}/g) ?? []);
    expect(narrow.length).toBeGreaterThan(screenOf(wide).length);
    paper.columns = 40;
    paper.emit('resize');
    const after = paper.text.slice(wide.length);
    const screen = screenOf(`${narrow.join('\n')}${after}`);
    expect(screen[0]).toBe('a line that stays');
    expect(screen.slice(-4)).toEqual([
      expect.stringMatching(/^\[=+ +\] +\d+%$/),
      '1 of 3 files',
      expect.stringMatching(/^a\.zip .*50%/),
      expect.stringMatching(/^c\.zip .*50%/),
    ]);
    for (const line of screen.slice(-4)) expect(line.length).toBeLessThan(40);
    progress.stop();
    expect(paper.listenerCount('resize')).toBe(0);
  });

  it('stop drawing when they are stopped, and begin anew after a question', () => {
    const { paper, progress } = drawn(80);
    progress.handle({ event: 'phase-start', ...at('a.zip', 0) });
    progress.stop();
    const before = paper.text.length;
    progress.note('just a line');
    expect(paper.text.slice(before)).toBe('just a line\n');
    progress.handle({ event: 'progress', ...at('a.zip', 100e6) });
    progress.stop();
    expect(screenOf(paper.text)).toEqual(['just a line']);
  });
});
