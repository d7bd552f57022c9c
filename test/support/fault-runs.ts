import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DESCRIPTION_FILES } from '../../src/description/write-description.ts';
import { layoutOf } from '../../src/dataset/layout.ts';
import { forEachAtOnce } from '../../src/concurrency.ts';
import { surroundings, violations } from './invariants.ts';
import { assertEndedWell, treeOf, violationsAfterKill } from './kill-loop.ts';
import { summaryOf, type GroupEnd, type StartGroup } from './process-group.ts';
import { noise } from './fetching.ts';
import { makeStandIn, type StandIn } from './stand-in.ts';
import { pointsOf, runTraced, type Call, type Traced } from './strace.ts';

/** What all runs with a fault share. */
export interface FaultWorld {
  readonly directory: string;
  readonly release: StandIn;
  readonly sourceUrl: string;
  readonly start: StartGroup;
  /** The archive is in place before the run that is disturbed, which extracts it only. */
  readonly isDownloaded?: boolean;
}

export interface FaultKind {
  /** `fsync`; of `pwrite64,pwritev` either. */
  readonly call: string;
  /** `error=ENOSPC`, `signal=KILL`, `retval=100`. */
  readonly how: string;
  /** Exit codes that are right; of a kill there is none. */
  readonly codes: readonly number[];
  /** Instead of `codes` if an image is hit. */
  readonly codesOfImages?: readonly number[];
  /** Points at which code 0 is right as well. */
  readonly mayPass?: RegExp;
  /**
   * Right as well where it has hit twice: strace counts the calls of each thread, and several
   * write. Of a part that was lied about twice, the second download ends as wrong as the first.
   */
  readonly codesOfTwo?: readonly number[];
  /** Only the first, the middle and the last point. */
  readonly isBrief?: boolean;
  /**
   * Of `write` only: Node wakes its threads by that, too, so that the order of these calls is never
   * twice the same. So many runs are made, and hit what they hit.
   */
  readonly runs?: number;
}

export interface FaultReport {
  /** Where such a call was made in a run that nobody disturbs. */
  readonly points: number;
  readonly hit: readonly string[];
  readonly missed: readonly string[];
  readonly runs: number;
}

const MAX_FIRST_BYTES = 400_000;

/**
 * An archive of three images, some 90 calls that change the disk. Where it is larger, the last image is:
 * so one thread unpacks all three, and no call of another one hides theirs.
 */
export function makeFaultRelease(directory: string, totalBytes: number): Promise<StandIn> {
  const firstBytes = Math.min(MAX_FIRST_BYTES, totalBytes / 3);
  const lastBytes = totalBytes - 2 * firstBytes;
  return makeStandIn(directory, {
    archives: [{ name: 'ChestDx-1', images: 3 }],
    labelsOnly: [],
    toJpeg: ({ name }) => noise(name, name.includes('_002') ? lastBytes : firstBytes),
  });
}

const AT_ONCE = 2;
/** Where the order of calls differs for once, what was missed is tried again beside. */
const OFFSETS = [0, 1, -1, 2, 0];
/** How many writes a part takes depends on how its bytes come in; the first is always made. */
const DEPENDS_ON_ARRIVAL = /^pwrite(v|64) \.ccxri\/partial\/\S+\.part #(?!1$)/;

/**
 * Lets each point of a call fail in turn, in a directory of its own, and looks at what is left; the
 * same command without the fault must end well then.
 * @throws Error with everything that came out wrong
 */
export async function failEverywhere(world: FaultWorld, kind: FaultKind): Promise<FaultReport> {
  const { calls, end } = await inFreshDirectory(world, (at) => trace(world, at, kind.call));
  assertEndedWell(end);
  const recorded = pointsOf(calls);
  const wanted = kind.isBrief === true ? thinOut(recorded) : recorded;
  const missing = new Map(wanted.map(({ point, ordinal }) => [point, ordinal]));
  const hit = new Set<string>();
  const wrong: string[] = [];
  let runs = 0;
  const failAt = (at: FaultWorld, ordinals: Iterable<number>) =>
    forEachAtOnce(new Set(ordinals), AT_ONCE, async (when) => {
      if (runs >= (kind.runs ?? Infinity)) return;
      runs += 1;
      const outcome = await failOnce(at, kind, when);
      for (const point of outcome.hit) {
        hit.add(point);
        missing.delete(point);
      }
      wrong.push(...outcome.wrong.map((each) => `${outcome.hit.join(' and ')} (${when}): ${each}`));
    });
  for (const offset of OFFSETS) {
    const ordinals = [...missing.values()].map((ordinal) => Math.max(1, ordinal + offset));
    await failAt(world, ordinals);
  }
  if (kind.runs === undefined && missing.size > 0) {
    // strace counts the calls of each thread: a download's first ones end a run before those of an
    // image, which another thread makes and which have the same numbers.
    const extraction = { ...world, isDownloaded: true };
    const undisturbed = await inFreshDirectory(extraction, (at) => trace(world, at, kind.call));
    const hidden = pointsOf(undisturbed.calls).filter(({ point }) => missing.has(point));
    await failAt(
      extraction,
      hidden.map(({ ordinal }) => ordinal),
    );
  }
  const met = wanted.map(({ point }) => point).filter((point) => hit.has(point));
  const missed = [...missing.keys()];
  const surely = missed.filter((point) => !DEPENDS_ON_ARRIVAL.test(point));
  if (kind.runs === undefined && surely.length > 0) wrong.push(`missed ${surely.join(', ')}`);
  if (wrong.length > 0) throw new Error(`${kind.call} ${kind.how}:\n${wrong.join('\n')}`);
  return { points: wanted.length, hit: met, missed, runs };
}

function thinOut<T>(points: readonly T[]): readonly T[] {
  const ats = new Set([0, Math.floor(points.length / 2), points.length - 1]);
  return points.filter((_, at) => ats.has(at));
}

interface Place {
  readonly dest: string;
  readonly log: string;
}

/** A convenience: without it a run ends well. */
const KEPT_MANIFEST = / \.ccxri\/\.?manifest\./;

let used = 0;

async function inFreshDirectory<T>(
  world: FaultWorld,
  work: (place: Place) => Promise<T>,
): Promise<T> {
  const number = (used += 1);
  const parent = join(world.directory, `fault-${number}`);
  await mkdir(join(parent, 'neighbour'), { recursive: true });
  await writeFile(join(parent, 'neighbour', 'notes.txt'), 'not to be touched');
  const log = join(world.directory, `strace-${number}.log`);
  const dest = join(parent, 'cc-cxri');
  if (world.isDownloaded === true) {
    assertEndedWell(await world.start([...faultArguments(world, dest), '--no-extract']).ended);
  }
  const result = await work({ dest, log });
  await rm(parent, { recursive: true, force: true });
  await rm(log, { force: true });
  return result;
}

/** One file, so that one thing is done after the other, and each run makes the same calls. */
export function faultArguments(world: FaultWorld, dest: string): readonly string[] {
  const { manifestPath } = world.release;
  return [
    ...['fetch', '--file', 'ChestDx-1', '--no-labels', '--ndjson', '--quiet'],
    ...['--dest', dest, '--manifest', manifestPath, '--source', world.sourceUrl],
  ];
}

function trace(
  world: FaultWorld,
  { dest, log }: Place,
  what: Parameters<typeof runTraced>[3],
): Promise<Traced> {
  return runTraced(world.start, faultArguments(world, dest), { directory: dest, log }, what);
}

interface FaultOutcome {
  readonly hit: readonly string[];
  readonly wrong: readonly string[];
}

function failOnce(world: FaultWorld, kind: FaultKind, when: number): Promise<FaultOutcome> {
  return inFreshDirectory(world, async (place) => {
    const { dest } = place;
    const { manifest } = world.release;
    const before = await surroundings(dest);
    const { end, calls } = await trace(world, place, { ...kind, when });
    const isKilled = end.signal === 'SIGKILL';
    const isMet = (call: Call) => (isKilled ? call.ordinal === when : call.isInjected);
    const injected = calls.filter(isMet);
    const hit = pointsOf(calls)
      .filter(isMet)
      .map(({ point }) => point);
    // Node wakes its threads by writes, too: where one of those fails, it is no fault of a disk.
    const isOfDisk = hit.length > 0 && hit.length === injected.length;
    const mayPass = hit.some(
      (point) => kind.mayPass?.test(point) === true || KEPT_MANIFEST.test(point),
    );
    const isOfImage = hit.some((point) => point.includes(' .ccxri/stage/'));
    const codes = [
      ...((isOfImage ? kind.codesOfImages : undefined) ?? kind.codes),
      ...(mayPass ? [0] : []),
      ...(hit.length > 1 ? (kind.codesOfTwo ?? []) : []),
    ];
    const wrong = isKilled || !isOfDisk ? [] : [...judgeEnd(end, codes)];
    // Where it could not even look at its own lock, that stays, and its holder is dead.
    const keepsLock = hit.some((point) => / \.ccxri\/lock #/.test(point));
    const look = end.signal !== null || keepsLock ? violationsAfterKill : violations;
    wrong.push(...(await look({ dest, manifest, before })));
    wrong.push(...(await runAgain(world, dest)));
    return { hit, wrong };
  });
}

/** The contract's exit code, told in the contract's form, and no talk of a bug. */
export function judgeEnd(end: GroupEnd, codes: readonly number[]): readonly string[] {
  const wrong: string[] = [];
  const said = `${end.stderr}${JSON.stringify(summaryOf(end)?.errors)}`;
  if (end.code === null || !codes.includes(end.code)) {
    wrong.push(`ended with ${end.code ?? end.signal}: ${said}`);
  }
  if (/\n +at |bug in ccxri/.test(end.stderr)) wrong.push(`shows its inside: ${end.stderr}`);
  if (summaryOf(end)?.exitCode !== end.code) wrong.push('the summary has another exit code');
  if (end.code !== 0 && !/^error: /m.test(end.stderr)) wrong.push('says nothing of an error');
  return wrong;
}

/** The same command, undisturbed: it ends well, with all that was asked for. */
export async function runAgain(world: FaultWorld, dest: string): Promise<readonly string[]> {
  try {
    assertEndedWell(await world.start(faultArguments(world, dest)).ended);
    const { manifest } = world.release;
    const wrong = [...(await violationsAfterKill({ dest, manifest }))];
    const tree = (await treeOf(dest)).join();
    if (tree !== WHOLE.join()) wrong.push(`then it holds ${tree}`);
    const rows = (await readFile(layoutOf(dest).index, 'utf8')).trimEnd().split('\n').length - 1;
    if (rows !== 3) wrong.push(`the index has ${rows} rows`);
    return wrong;
  } catch (error) {
    return [`the next run: ${error instanceof Error ? error.message : String(error)}`];
  }
}

const WHOLE = [
  'archives',
  'archives/ChestDx-1.zip',
  'images',
  'images/ChestDx-1',
  'images/ChestDx-1/patient10000282_000.jpg',
  'images/ChestDx-1/patient10000282_001.jpg',
  'images/ChestDx-1/patient10000282_002.jpg',
  'index.csv',
  ...DESCRIPTION_FILES,
].sort();
