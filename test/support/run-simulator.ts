import type { Phase, PlannedWork, RunEvent } from '../../src/events.ts';

/** An event, and when it was emitted. */
export interface TimedEvent {
  readonly atMs: number;
  readonly event: RunEvent;
}

export interface SimulatedRun {
  readonly events: readonly TimedEvent[];
  readonly durationMs: number;
}

const TICK_MS = 500;
const AT_ONCE: Readonly<Record<Phase, number>> = {
  hash: 8,
  download: 4,
  extract: 2,
  check: 2,
  export: 1,
};

interface Work {
  readonly phase: Phase;
  doneBytes: number;
  readonly totalBytes: number;
  /** Where bytes were wrong: at the end it starts over. */
  isDamaged: boolean;
  hasBegun: boolean;
}

interface SimulatedFile {
  readonly file: string;
  readonly work: Work[];
  waitsUntilMs: number;
}

/**
 * The events of a fetch as seed and chance have it: a line whose speed changes and that breaks, several
 * downloads at once, resumed files (one of them with less than was planned), files that are hashed first and
 * some of them bad, downloads whose bytes are wrong, extraction that may be slower than the line, published
 * sizes that are rounded. No clock runs: time is counted.
 */
export function simulateRun(seed: number): SimulatedRun {
  const chance = chanceOf(seed);
  const { files, plan } = makeFiles(chance);
  const speeds = makeSpeeds(chance);
  const events: TimedEvent[] = [];
  let atMs = 0;
  const emit = (event: RunEvent) => events.push({ atMs, event });
  emit(plan);
  const open = new Set(files);
  for (; open.size > 0; atMs += TICK_MS) {
    const speed = speeds(atMs);
    for (const phase of ['hash', 'download', 'extract', 'check'] as const) {
      const begun = [...open]
        .filter(({ work }) => work[0]?.phase === phase)
        .slice(0, AT_ONCE[phase]);
      const moving = begun.filter(({ waitsUntilMs }) => waitsUntilMs <= atMs);
      for (const file of moving) {
        advance(file, (speed[phase] * TICK_MS) / 1000 / moving.length, emit);
        if (file.work.length > 0) breakAtTimes(file, { atMs, chance, emit });
        else {
          emit({ event: 'file-done', file: file.file, status: 'verified', did: 'downloaded' });
          open.delete(file);
        }
      }
    }
  }
  return { events, durationMs: atMs - TICK_MS };
}

function advance(
  { file, work }: SimulatedFile,
  bytes: number,
  emit: (event: RunEvent) => void,
): void {
  const [now] = work;
  if (now === undefined) return;
  const { phase, totalBytes } = now;
  const begin = { file, phase, doneBytes: now.doneBytes, totalBytes: null };
  if (!now.hasBegun) emit({ event: 'phase-start', ...begin });
  now.hasBegun = true;
  now.doneBytes = Math.min(totalBytes, now.doneBytes + bytes);
  emit({ event: 'progress', ...begin, doneBytes: now.doneBytes, totalBytes });
  if (now.doneBytes < totalBytes) return;
  if (now.isDamaged) {
    now.isDamaged = false;
    now.doneBytes = 0;
    const error = { code: 'md5-mismatch', message: 'the MD5 is another' } as const;
    emit({ event: 'retry', file, attempt: 1, delayMs: 0, error, keptBytes: 0 });
    return;
  }
  emit({ event: 'phase-done', file, phase, bytes: totalBytes });
  work.shift();
}

function breakAtTimes(
  file: SimulatedFile,
  { atMs, chance, emit }: { atMs: number; chance: () => number; emit: (event: RunEvent) => void },
): void {
  const [now] = file.work;
  if (now?.phase !== 'download' || !now.hasBegun || chance() > 0.002) return;
  const delayMs = 1000 * Math.ceil(chance() * 30);
  const error = { code: 'network', message: 'connection reset' } as const;
  file.waitsUntilMs = atMs + delayMs;
  const failure = { attempt: 1, delayMs, error, keptBytes: now.doneBytes };
  emit({ event: 'retry', file: file.file, ...failure });
}

function makeFiles(chance: () => number) {
  const between = (low: number, high: number) => low + chance() * (high - low);
  const planned: PlannedWork[] = [];
  const files = Array.from({ length: Math.round(between(8, 40)) }, (_, at): SimulatedFile => {
    const file = `ChestDx-${at + 1}.zip`;
    const bytes = between(50e6, 700e6);
    // Published sizes are whole megabytes of one kind or the other.
    const aboutBytes = bytes * between(0.96, 1.04);
    const isHere = chance() < 0.15;
    const isBad = isHere && chance() < 0.3;
    const planned_ = isHere ? 0 : chance() < 0.2 ? bytes * between(0.1, 0.9) : 0;
    const kept = chance() < 0.5 ? planned_ : planned_ * between(0, 1);
    const work: Work[] = [];
    const add = (phase: Phase, totalBytes: number, doneBytes = 0, isDamaged = false) =>
      work.push({ phase, totalBytes, doneBytes, isDamaged, hasBegun: false });
    if (isHere) {
      add('hash', bytes);
      planned.push({ file, subsets: [], phase: 'hash', bytes: bytes });
    } else planned.push({ file, subsets: [], phase: 'download', bytes: aboutBytes - planned_ });
    planned.push({ file, subsets: [], phase: 'extract', bytes: aboutBytes * 1.05 });
    if (!isHere || isBad) add('download', bytes, kept, chance() < 0.08);
    add('extract', bytes * between(1.0, 1.1));
    return { file, work, waitsUntilMs: 0 };
  });
  const plan: RunEvent = {
    event: 'plan',
    files: files.length,
    toDownload: planned.filter(({ phase }) => phase === 'download').length,
    toExtract: 0,
    alreadyDone: 0,
    bytesToDownload: planned.reduce(
      (sum, each) => sum + (each.phase === 'download' ? each.bytes : 0),
      0,
    ),
    about: true,
    toRemove: 0,
    bytesToRemove: 0,
    bytesNeededOnDisk: 0,
    bytesFreeOnDisk: null,
    work: planned,
  };
  return { files, plan };
}

/** Of every second run the extraction is slower than the line. */
function makeSpeeds(chance: () => number) {
  const between = (low: number, high: number) => low + chance() * (high - low);
  const line = 10 ** between(6, 7.8);
  const extract = chance() < 0.5 ? line * between(0.3, 0.9) : line * between(1.5, 20);
  const hash = between(100e6, 900e6);
  let untilMs = 0;
  let factor = 1;
  return (atMs: number): Readonly<Record<Phase, number>> => {
    if (atMs >= untilMs) {
      untilMs = atMs + between(10_000, 120_000);
      factor = chance() < 0.05 ? 0 : between(0.5, 1.5);
    }
    return {
      hash,
      download: line * factor * between(0.8, 1.2),
      extract,
      check: extract,
      export: extract,
    };
  };
}

/** Mulberry32. */
function chanceOf(seed: number): () => number {
  let state = seed * 0x9e3779b1;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
