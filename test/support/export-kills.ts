import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeDataset } from './dataset.ts';
import { noise } from './fetching.ts';
import type { GroupEnd, StartGroup } from './process-group.ts';
import { type Fault, runTraced } from './strace.ts';
import { listTree } from './temp-dirs.ts';
import { likeJpeg } from './tiny-jpeg.ts';

/** An export in a process of its own, and how it comes out where nobody disturbs it. */
export interface DisturbedExport {
  readonly directory: string;
  readonly to: string;
  /** `export FORMAT …` */
  readonly args: readonly string[];
  readonly whole: ReadonlyMap<string, Buffer>;
  readonly elapsedMs: number;
  readonly start: StartGroup;
}

const IMAGE_BYTES = 170_000;

/** 18 images of 3 MB in all, of one archive extracted: three shards or more. */
const ARCHIVES = [
  { name: 'ChestDx-1', images: 6 },
  { name: 'ChestDx-2', images: 6 },
  { name: 'Viral-1', images: 6 },
];

/** @param at where the export goes, if not beside the dataset */
export async function makeDisturbedExport(
  directory: string,
  start: StartGroup,
  format: string,
  at = directory,
): Promise<DisturbedExport> {
  const { root, release } = await makeDataset(directory, {
    release: {
      archives: ARCHIVES,
      toJpeg: ({ archive, name }) => likeJpeg(noise(`${archive}/${name}`, IMAGE_BYTES)),
    },
    extracted: ['ChestDx-1'],
  });
  const to = join(at, 'set');
  const how = ['--shard-size', '1M', '--ndjson', '--quiet'];
  const of = ['--manifest', release.manifestPath, '--dest', root];
  const argsTo = (path: string) => ['export', ...format.split(' '), ...how, ...of, '--to', path];
  const undisturbed = join(directory, 'whole');
  const { code, stderr, elapsedMs } = await start(argsTo(undisturbed)).ended;
  if (code !== 0) throw new Error(`an undisturbed export ends with ${code}: ${stderr}`);
  const whole = await contentOf(undisturbed);
  return { directory, to, args: argsTo(to), whole, elapsedMs, start };
}

/** Every file below a directory. */
async function contentOf(root: string): Promise<ReadonlyMap<string, Buffer>> {
  const names = (await listTree(root)).filter((name) => /\.\w+$|SHA256SUMS$/.test(name));
  const files = names.map(async (name) => [name, await readFile(join(root, name))] as const);
  return new Map(await Promise.all(files));
}

/** What is wrong with the export under its final name: it is as undisturbed, or not there. */
export async function faultsOf(
  { to, whole }: DisturbedExport,
  isThere: 'whole' | 'whole or not at all',
): Promise<readonly string[]> {
  const names = await listTree(dirname(to));
  if (isThere === 'whole' && names.includes(`${basename(to)}.partial`)) {
    return [`left: ${names.filter((name) => name.includes('.partial')).join(', ')}`];
  }
  if (!names.includes(basename(to))) return isThere === 'whole' ? ['it is not there'] : [];
  const there = await contentOf(to);
  if ([...there.keys()].join() !== [...whole.keys()].join()) {
    return [`it holds ${[...there.keys()].join()}`];
  }
  const other = [...there].filter(([name, bytes]) => whole.get(name)?.equals(bytes) !== true);
  return other.map(([name]) => `${name} has other bytes`);
}

/** Looks at the final name for as long as work goes on: what appears there is whole at once. */
export async function watched<T>(
  exported: DisturbedExport,
  work: Promise<T>,
): Promise<{ readonly result: T; readonly seen: readonly string[] }> {
  const { to, whole } = exported;
  const wanted = [...whole.keys()].join();
  const seen = new Set<string>();
  const over = new AbortController();
  const looking = (async () => {
    while (!over.signal.aborted) {
      const names = await listTree(to).catch(() => undefined);
      const files = names?.filter((name) => /\.\w+$|SHA256SUMS$/.test(name)).join();
      if (files !== undefined && files !== wanted) seen.add(`for a moment it held ${files}`);
      await sleep(1);
    }
  })();
  try {
    return { result: await work, seen: [...seen] };
  } finally {
    over.abort();
    await looking;
  }
}

/** Runs it once more, to its end. @returns what is wrong with what is there then */
export async function goesOn(exported: DisturbedExport): Promise<readonly string[]> {
  const { result, seen } = await watched(exported, exported.start(exported.args).ended);
  if (result.code !== 0)
    return [...seen, `the next run ends with ${result.code}: ${result.stderr}`];
  return [...seen, ...(await faultsOf(exported, 'whole'))];
}

/** How often a run that nobody disturbs makes a call about files of the export, in its busiest thread. */
export async function countCalls(exported: DisturbedExport, call: string): Promise<number> {
  const { calls } = await traced(exported, call);
  const own = calls.filter(({ path }) => path?.startsWith('set') === true);
  return Math.max(0, ...own.map(({ ordinal }) => ordinal));
}

export async function killAtCall(
  exported: DisturbedExport,
  call: string,
  when: number,
): Promise<GroupEnd> {
  return (await traced(exported, { call, how: 'signal=KILL', when })).end;
}

function traced({ start, args, directory, to }: DisturbedExport, what: Fault | string) {
  const log = join(directory, 'strace.log');
  return runTraced(start, args, { directory: dirname(to), log }, what);
}

/** Kills it by the clock. */
export async function killAfter({ start, args }: DisturbedExport, ms: number): Promise<GroupEnd> {
  const run = start(args);
  await Promise.race([sleep(ms), run.ended]);
  run.kill();
  return run.ended;
}
