import { describe, expect, it } from 'vitest';
import { RunState } from '../../src/cli/progress-state.ts';
import type { RunEvent } from '../../src/events.ts';
import { extractDataset } from '../../src/extract/extract-dataset.ts';
import { fetchDataset } from '../../src/fetch/fetch-dataset.ts';
import { verifyDataset } from '../../src/verify/verify-dataset.ts';
import { makeDataset } from '../support/dataset.ts';
import { simulateRun } from '../support/run-simulator.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();

describe('real runs', () => {
  /** How far each event of a run brings it. */
  function watch() {
    const state = new RunState();
    const fractions: (number | null)[] = [];
    const onEvent = (event: RunEvent) => {
      state.handle(event, performance.now());
      fractions.push(state.fraction);
    };
    return { fractions, onEvent };
  }

  it.each(['fetch', 'verify', 'verify --deep', 'extract'])(
    'of %s go from 0 to 100 %',
    async (what) => {
      const dataset = await makeDataset(await tempDir(), {
        extracted: what === 'verify --deep' ? ['Normal-4'] : [],
      });
      const { fractions, onEvent } = watch();
      const { manifest, root: dest } = dataset;
      if (what === 'fetch') {
        const options = { selection: { subsets: ['all'] }, sources: [dataset.release.directory] };
        await fetchDataset({ manifest, dest: `${dest}-2`, onEvent, ...options });
      } else if (what === 'extract') await extractDataset({ manifest, dest, onEvent });
      else {
        const depth = what === 'verify' ? 'full' : 'deep';
        await verifyDataset({ manifest, dest, onEvent, depth });
      }
      expect(fractions[0]).toBe(0);
      expect(fractions.filter((each, at) => !((each ?? NaN) >= (fractions[at - 1] ?? 0)))).toEqual(
        [],
      );
      expect(fractions.findIndex((each) => each === 1)).toBeGreaterThan(fractions.length / 2);
      expect(fractions.at(-1)).toBe(1);
    },
  );
});

describe('20 runs by seed', () => {
  const runs = Array.from({ length: 20 }, (_, at) => play(at + 1));

  /** How far it seemed to be after each event, and what of the second half was foretold at its begin. */
  function play(seed: number) {
    const { events, durationMs } = simulateRun(seed);
    const state = new RunState();
    const fractions: number[] = [];
    let halfLeftMs: number | null = null;
    let isSecondHalf = false;
    for (const { atMs, event } of events) {
      if (!isSecondHalf && atMs > durationMs / 2) {
        isSecondHalf = true;
        halfLeftMs = state.position(durationMs / 2).leftMs;
      }
      state.handle(event, atMs);
      fractions.push(state.fraction ?? NaN);
    }
    return { fractions, events, ratio: (halfLeftMs ?? NaN) / (durationMs / 2) };
  }

  it('never fall in percent, and end at 100 %', () => {
    for (const { fractions } of runs) {
      const falls = fractions.filter((each, at) => !(each >= (fractions[at - 1] ?? 0)));
      expect(falls).toEqual([]);
      expect(fractions.at(-1)).toBe(1);
      expect(fractions.at(-2)).toBeLessThan(1);
    }
  });

  it('have all that makes it hard: resumed files, wrong bytes, bad files here, waits', () => {
    const events = runs.flatMap((run) => run.events.map(({ event }) => event));
    const isDownload = (event: RunEvent) =>
      event.event === 'phase-start' && event.phase === 'download';
    expect(
      events.some((event) => isDownload(event) && 'doneBytes' in event && event.doneBytes > 0),
    ).toBe(true);
    expect(events.some((event) => event.event === 'retry' && event.keptBytes === 0)).toBe(true);
    expect(events.some((event) => event.event === 'retry' && event.delayMs > 0)).toBe(true);
    const isExtractionSlow = ({ events: all }: (typeof runs)[number]) => {
      const lastOf = (phase: string) =>
        all.findLast(({ event }) => event.event === 'phase-done' && event.phase === phase)?.atMs ??
        0;
      return lastOf('download') < lastOf('extract') * 0.8;
    };
    expect(runs.filter(isExtractionSlow).length).toBeGreaterThan(5);
  });

  it('are foretold at half-way, within a factor of 1.5, in 18 of them', () => {
    const close = runs.filter(({ ratio }) => ratio > 1 / 1.5 && ratio < 1.5);
    expect(close.length).toBeGreaterThanOrEqual(18);
  });
});
