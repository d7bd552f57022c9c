import cliProgress from 'cli-progress';
import { describe, expect, it } from 'vitest';
import { CheckedWriter } from '../../src/cli/io.ts';
import { BarProgress } from '../../src/cli/progress-bars.ts';
import { screenLines } from '../../src/cli/progress-screen.ts';
import { RunState } from '../../src/cli/progress-state.ts';
import { View, columnsOf } from '../../src/cli/view.ts';
import { scriptedRun } from '../support/progress-script.ts';
import { Paper } from '../support/run-cli.ts';
import { screenOf } from '../support/terminal.ts';

const NOW_MS = 40_000;

interface Terminal {
  readonly columns: number;
  readonly rows: number;
  readonly unicode?: boolean;
  readonly color?: boolean;
}

/** The screen in the 40th second, as everything up to there was drawn over each other. */
function draw({ columns, rows, unicode = true, color = false }: Terminal) {
  const paper = new Paper(columns, rows);
  let nowMs = 0;
  const never = () => Promise.reject(new Error('the tests do not sleep'));
  const clock = { nowMs: () => nowMs, date: () => new Date(0), random: () => 0, sleep: never };
  const view = new View({ width: columns, color, verbose: false });
  const writer = new CheckedWriter(paper);
  const world = { heartbeat: true, isQuiet: false, stream: paper, writer, clock, unicode };
  const progress = new BarProgress({ view, ...world }, cliProgress);
  for (const { atMs, event } of scriptedRun()) {
    nowMs = atMs;
    progress.handle(event);
    progress.draw();
  }
  return { paper, progress };
}

const SIZES = [
  { columns: 40, rows: 10 },
  { columns: 80, rows: 24 },
  { columns: 100, rows: 30 },
  { columns: 132, rows: 43 },
  { columns: 250, rows: 50 },
];

describe('the screen of a run', () => {
  it.each(SIZES)('at $columns x $rows', async ({ columns, rows }) => {
    const { paper, progress } = draw({ columns, rows });
    const screen = screenOf(paper.text);
    progress.stop();
    await expect(`${screen.join('\n')}\n`).toMatchFileSnapshot(`screens/${columns}x${rows}.txt`);
    const bars = screen.slice(screen.findIndex((line) => line.startsWith('▕')));
    expect(bars.length).toBeLessThan(rows);
    for (const line of bars) expect(line.length).toBeLessThan(columns);
    // The plan and what failed stay; of the bars nothing is left.
    expect(screenOf(paper.text).join('\n')).not.toMatch(/[▕█]|download {2}/);
  });

  it('is of ASCII where the locale is not of UTF-8', () => {
    const { paper, progress } = draw({ columns: 60, rows: 24, unicode: false });
    progress.stop();
    expect(paper.text).toMatch(/\[=+ +\] {2}\d\d%/);
    expect(paper.text).not.toMatch(/[\u0080-\uffff]/);
  });

  it('has colours of the 16 of every terminal, by phase, and neither black nor white', () => {
    const { paper, progress } = draw({ columns: 100, rows: 30, color: true });
    progress.stop();
    const codes = new Set([...paper.text.matchAll(/\u001b\[(\d+)m/g)].map(([, code]) => code));
    expect([...codes].sort()).toEqual(['32', '33', '35', '36', '39']);
    const colored = (code: number, word: string) => `\u001b[${code}m${word}`;
    expect(paper.text).toContain(colored(36, 'download'));
    expect(paper.text).toContain(colored(35, 'check'));
    expect(paper.text).toContain(colored(32, 'extract'));
    expect(paper.text).toContain(colored(33, 'waiting'));
    expect(paper.text).toContain(`▕${colored(36, '█')}`);
    // Colours take no columns: the same text is drawn.
    const plain = draw({ columns: 100, rows: 30 });
    plain.progress.stop();
    expect(screenOf(paper.text)).toEqual(screenOf(plain.paper.text));
  });

  it.each([1, 2, 5, 10, 20, 23, 24, 30, 39, 40, 60, 79, 80, 120, 250])(
    'fits a terminal of %i columns, however few rows it has',
    (columns) => {
      const state = new RunState();
      for (const { atMs, event } of scriptedRun()) state.handle(event, atMs);
      const { style } = new View({ width: columns, color: true, verbose: false });
      for (let rows = 1; rows <= 24; rows++) {
        for (const unicode of [true, false]) {
          const lines = screenLines(state, NOW_MS, { columns, rows, unicode, style });
          expect(lines.length).toBeLessThanOrEqual(Math.max(1, rows - 1));
          for (const line of lines) {
            expect(columnsOf(line)).toBeLessThanOrEqual(Math.max(1, columns - 1));
          }
          if (lines.length > 2 && lines.length < 10) expect(lines.at(-1)).toMatch(/^and \d more$/);
        }
      }
    },
  );

  it.each([
    [80, 'reading directories: 12 of 51 archives'],
    [24, '12/51'],
  ])(
    'says at %i columns how many directories are read, where nothing is planned yet',
    (columns, line) => {
      const state = new RunState();
      state.handle({ event: 'archive-listed', file: 'ChestDx-7.zip', listed: 12, archives: 51 }, 0);
      const { style } = new View({ width: columns, color: false, verbose: false });
      expect(screenLines(state, 0, { columns, rows: 24, unicode: true, style })).toEqual([line]);
    },
  );

  it('counts the seconds of a wait down', () => {
    const state = new RunState();
    for (const { atMs, event } of scriptedRun()) state.handle(event, atMs);
    const screen = {
      columns: 80,
      rows: 24,
      unicode: true,
      style: new View({ width: 80, color: false, verbose: false }).style,
    };
    const waits = [0, 1000, 10_000].map((ms) =>
      screenLines(state, NOW_MS + ms, screen).find((line) => line.startsWith('ChestDx-8')),
    );
    expect(waits.map((line) => line?.split('  ').at(-1))).toEqual([
      'again in 31 s',
      'again in 30 s',
      'again in 21 s',
    ]);
  });

  it('stays as it is while a question waits for its answer; what happens meanwhile is told then', async () => {
    const { paper, progress } = draw({ columns: 80, rows: 24 });
    const answer = await progress.ask(() => {
      paper.write('Download that? [y/N] ');
      const before = screenOf(paper.text);
      expect(before.join('\n')).not.toMatch(/[▕█]/);
      for (const { event } of scriptedRun()) progress.handle(event);
      progress.draw();
      expect(screenOf(paper.text)).toEqual(before);
      return Promise.resolve(true);
    });
    expect(answer).toBe(true);
    for (const { event } of scriptedRun()) progress.handle(event);
    const text = screenOf(paper.text).join('\n');
    expect(text).toContain('ChestDx-8');
    expect(text).toMatch(/[▕█]/);
    progress.stop();
  });

  it('is drawn anew in a window that is resized while it runs', () => {
    const { paper, progress } = draw({ columns: 100, rows: 30 });
    paper.columns = 120;
    paper.emit('resize');
    const wider = screenOf(paper.text);
    expect(wider.filter((line) => line.startsWith('▕')).map((line) => line.length)).toEqual([119]);
    expect(wider.filter((line) => line.startsWith('ChestDx-7'))).toHaveLength(1);
    progress.stop();
    expect(screenOf(paper.text)).toHaveLength(3);
  });
});
