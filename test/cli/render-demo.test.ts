import { describe, expect, it } from 'vitest';
import { RunState } from '../../src/cli/progress-state.ts';
import { lineOf } from '../../src/cli/progress-lines.ts';
import { View } from '../../src/cli/view.ts';
import type { CaughtFault, RunEvent } from '../../src/events.ts';

const START: RunEvent = {
  event: 'demo-start',
  page: 'http://127.0.0.1:65535/',
  dest: './ccxri-demo',
  files: 9,
  bytes: 144_200,
  aboutMs: 5400,
};

function linesOf(events: readonly RunEvent[], verbose = false): readonly string[] {
  const state = new RunState();
  const view = new View({ width: 80, color: false, verbose });
  return events.flatMap((event) => {
    state.handle(event, 0);
    return lineOf(event, state, view) ?? [];
  });
}

describe('the lines of the demo', () => {
  it('say first what it is, in lines that fit a common terminal', () => {
    const [text = ''] = linesOf([START]);
    const lines = text.trimEnd().split('\n');
    expect(lines.length).toBeLessThanOrEqual(4);
    for (const line of lines) expect(line.length).toBeLessThan(80);
    expect(text).toMatch(/about 5 s.+no network.+no real data.+drawn/);
    expect(text).toContain('./ccxri-demo');
  });

  const file = 'ChestDx_PE-1.zip';
  it.each<[CaughtFault, string]>([
    [
      { fault: 'cut', file, resumedAtByte: 9736, totalBytes: 29_209 },
      'caught: connection cut: ChestDx_PE-1.zip resumed at byte 9,736 of 29,209',
    ],
    [
      {
        fault: 'flip',
        file,
        expected: `MD5 ${'a'.repeat(32)}`,
        found: `MD5 ${'b'.repeat(32)}`,
      },
      'caught: flipped bit: ChestDx_PE-1.zip MD5 bbbbb…, not aaaaa…; downloaded again',
    ],
    [
      { fault: 'kill', file, resumedAtByte: 9736, totalBytes: 29_209, filesKept: 4 },
      'caught: killed (SIGKILL): 4 files kept, ChestDx_PE-1.zip resumed at byte 9,736',
    ],
    [{ fault: 'stop', filesKept: 1 }, 'caught: stopped: 1 file kept'],
  ])('has one line for %o', (caught, line) => {
    expect(linesOf([START, { event: 'caught', ...caught }])[1]).toBe(line);
    expect(line.length).toBeLessThan(80);
  });

  it('are instead of those about the same failure, but with -v', () => {
    const error = { code: 'network', message: 'broke off' } as const;
    const retry: RunEvent = { event: 'retry', file, attempt: 1, delayMs: 0, keptBytes: 1, error };
    expect(linesOf([START, retry])).toHaveLength(1);
    expect(linesOf([START, retry], true)).toHaveLength(2);
    expect(linesOf([retry])).toHaveLength(1);
  });
});
