import { readFile, rm, unlink } from 'node:fs/promises';
import { setImmediate as breathe } from 'node:timers/promises';
import { layoutOf } from '../../src/dataset/layout.ts';
import type { Random } from '../../scripts/release/random.ts';
import { treeOf, violationsAfterKill } from './kill-loop.ts';
import { summaryOf, type GroupEnd, type GroupRun, type StartGroup } from './process-group.ts';
import type { StandIn } from './stand-in.ts';

/** Runs in one dataset directory. */
export interface Crowd {
  readonly release: StandIn;
  readonly sourceUrl: string;
  readonly dest: string;
  readonly start: StartGroup;
}

export function startOne(
  { release, sourceUrl, dest, start }: Crowd,
  more: readonly string[] = [],
  before: readonly string[] = [],
): GroupRun {
  const from = ['--manifest', release.manifestPath, '--source', sourceUrl];
  return start(['fetch', '--subset', 'all', '--dest', dest, '--ndjson', ...from, ...more], {
    before,
  });
}

/** Waits until a run holds the lock: it has told its plan. */
export async function hasBegun(run: GroupRun): Promise<void> {
  const ended = run.ended.then((end) => {
    throw new Error(`ended with ${end.code}: ${end.stderr}`);
  });
  const begun = async () => {
    while (!run.told.some(({ event }) => event === 'plan')) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  await Promise.race([begun(), ended]);
}

/**
 * A lock that holds nobody off, as on a network share whose exclusive create is a lie: it is removed
 * again and again while the work goes on.
 */
async function withLockForcedOpen<T>(dest: string, work: () => Promise<T>): Promise<T> {
  const { lock } = layoutOf(dest);
  let isOver = false;
  const open = async () => {
    while (!isOver) {
      await unlink(lock).catch(() => undefined);
      await breathe();
    }
  };
  const opening = open();
  try {
    return await work();
  } finally {
    isOver = true;
    await opening;
  }
}

/** How many runs were at work at one time, at most: from the plan to the end. */
function mostAtOnce(spans: readonly { readonly fromMs: number; readonly toMs: number }[]) {
  return Math.max(
    0,
    ...spans.map(({ fromMs }) => spans.filter((o) => o.fromMs <= fromMs && fromMs < o.toMs).length),
  );
}

export interface CrowdReport {
  readonly ends: readonly GroupEnd[];
  readonly mostAtOnce: number;
}

/** So many at once with the lock forced open; some are killed on the way. */
export async function runForcedOpen(
  crowd: Crowd,
  count: number,
  kills?: { readonly count: number; readonly random: Random },
): Promise<CrowdReport> {
  return withLockForcedOpen(crowd.dest, async () => {
    const spans: { fromMs: number; toMs: number }[] = [];
    // A lock may be seen in the moment before it is removed.
    const runs = Array.from({ length: count }, () => startOne(crowd, ['--wait']));
    const ends = await Promise.all(
      runs.map(async (run, number) => {
        const span = { fromMs: Infinity, toMs: 0 };
        spans.push(span);
        await Promise.race([hasBegun(run).catch(() => undefined), run.ended]);
        span.fromMs = performance.now();
        if (kills !== undefined && number < kills.count) {
          await new Promise((resolve) => setTimeout(resolve, kills.random.between(0, 600)));
          run.kill();
        }
        const end = await run.ended;
        span.toMs = performance.now();
        return end;
      }),
    );
    return { ends, mostAtOnce: mostAtOnce(spans) };
  });
}

/** What is wrong with the directory after all of them have ended. */
export async function wrongAfter(
  { dest, release }: Crowd,
  reference: { readonly index: Buffer; readonly tree: readonly string[] },
): Promise<readonly string[]> {
  const wrong = [...(await violationsAfterKill({ dest, manifest: release.manifest }))];
  const index = await readFile(layoutOf(dest).index).catch(() => Buffer.alloc(0));
  if (!index.equals(reference.index)) wrong.push('another index');
  const tree = await treeOf(dest);
  if (tree.join() !== reference.tree.join()) wrong.push(`holds ${tree.join()}`);
  return wrong;
}

/** One run alone, in a directory that is removed then. */
export async function lonelyReference(crowd: Crowd) {
  const end = await startOne(crowd).ended;
  if (end.code !== 0) throw new Error(`the reference ended with ${end.code}: ${end.stderr}`);
  const index = await readFile(layoutOf(crowd.dest).index);
  const tree = await treeOf(crowd.dest);
  await rm(crowd.dest, { recursive: true });
  return { index, tree };
}

/** `0`, or `9 md5-mismatch of ChestDx-1.zip: …` */
export function describeEnd(end: GroupEnd): string {
  const errors = summaryOf(end)?.errors ?? [];
  return [end.code ?? end.signal, ...errors.map(({ message }) => message)].join(' ');
}
