import type { Phase, PlannedWork, RunEvent } from '../../src/events.ts';
import type { TimedEvent } from './run-simulator.ts';

const MB = 1e6;

/**
 * A fetch of 12 files in the 40th second: three are done, one is hashed, two are extracted, five are
 * downloaded (one of them waits, one is silent), one is not begun.
 */
export function scriptedRun(): readonly TimedEvent[] {
  const names = Array.from({ length: 11 }, (_, at) => `ChestDx-${at + 1}.zip`);
  const work = names.flatMap((file): readonly PlannedWork[] => [
    { file, subsets: [], phase: file === 'ChestDx-4.zip' ? 'hash' : 'download', bytes: 570 * MB },
    { file, subsets: [], phase: 'extract', bytes: 600 * MB },
  ]);
  const labels = 'viral_pneumonia_COVID-19.csv';
  return [
    ...at(0, plan([...work, { file: labels, subsets: [], phase: 'download', bytes: 11 * MB }])),
    ...whole('ChestDx-1.zip', 'download', [0, 20]),
    ...whole('ChestDx-1.zip', 'extract', [20, 26]),
    ...at(26, { event: 'file-done', file: 'ChestDx-1.zip', status: 'verified', did: 'downloaded' }),
    ...whole('ChestDx-2.zip', 'download', [0, 22]),
    ...whole('ChestDx-2.zip', 'extract', [22, 28]),
    ...at(28, { event: 'file-done', file: 'ChestDx-2.zip', status: 'verified', did: 'downloaded' }),
    ...whole('ChestDx-3.zip', 'download', [0, 24]),
    ...whole('ChestDx-3.zip', 'extract', [24, 30]),
    ...at(30, { event: 'file-done', file: 'ChestDx-3.zip', status: 'verified', did: 'downloaded' }),
    ...part('ChestDx-4.zip', 'hash', [36, 40], 0.9),
    ...whole('ChestDx-5.zip', 'download', [20, 38]),
    ...part('ChestDx-5.zip', 'extract', [38, 40], 0.25),
    ...whole('ChestDx-6.zip', 'download', [20, 39]),
    ...part('ChestDx-6.zip', 'extract', [39, 40], 0.125),
    ...part('ChestDx-7.zip', 'download', [22, 40], 0.8),
    ...part('ChestDx-8.zip', 'download', [24, 31], 0.3),
    ...at(31, {
      event: 'retry',
      file: 'ChestDx-8.zip',
      attempt: 1,
      delayMs: 40_000,
      error: { code: 'network', message: 'connection reset' },
      keptBytes: 0.3 * 573 * MB,
    }),
    ...part('ChestDx-9.zip', 'download', [30, 34], 0.1),
    ...part('ChestDx-10.zip', 'download', [38, 40], 0.05),
    ...part(labels, 'download', [39, 40], 0.5),
  ].sort((a, b) => a.atMs - b.atMs);
}

function at(second: number, event: RunEvent): readonly TimedEvent[] {
  return [{ atMs: second * 1000, event }];
}

function plan(work: readonly PlannedWork[]): RunEvent {
  return {
    event: 'plan',
    files: 12,
    toDownload: 11,
    toExtract: 0,
    alreadyDone: 0,
    bytesToDownload: 5711 * MB,
    about: true,
    toRemove: 0,
    bytesToRemove: 0,
    bytesNeededOnDisk: 12_311 * MB,
    bytesFreeOnDisk: 900e9,
    work,
  };
}

/** Progress in each second of a span, up to a share of the file. */
function part(
  file: string,
  phase: Phase,
  [from, to]: readonly [number, number],
  share: number,
): readonly TimedEvent[] {
  const totalBytes = file.endsWith('.csv') ? 11 * MB : (phase === 'extract' ? 602 : 573) * MB;
  const event = (doneBytes: number) => ({ file, phase, doneBytes, totalBytes });
  const seconds = Array.from({ length: to - from }, (_, index) => index + 1);
  return [
    ...at(from, { event: 'phase-start', ...event(0) }),
    ...seconds.flatMap((second) => {
      const doneBytes = Math.round((totalBytes * share * second) / (to - from));
      return at(from + second, { event: 'progress', ...event(doneBytes) });
    }),
  ];
}

function whole(file: string, phase: Phase, span: readonly [number, number]): readonly TimedEvent[] {
  const bytes = (phase === 'extract' ? 602 : 573) * MB;
  return [
    ...part(file, phase, span, 1),
    ...at(span[1], { event: 'phase-done', file, phase, bytes }),
  ];
}
