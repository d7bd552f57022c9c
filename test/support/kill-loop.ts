import { mkdir, readFile, readdir, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { layoutOf } from '../../src/dataset/layout.ts';
import { CHECKPOINT_BYTES } from '../../src/download/part-journal.ts';
import { durableSpansOf, parsePartState } from '../../src/download/part-state.ts';
import { bytesOf } from '../../src/download/spans.ts';
import type { Manifest } from '../../src/manifest/manifest.ts';
import { type Random, createRandom } from '../../scripts/release/random.ts';
import { surroundings, violations } from './invariants.ts';
import { type Pace, pickMoment, waitFor } from './kill-moment.ts';
import { type Hit, classifyKill } from './kill-phase.ts';
import type { NginxRequest } from './nginx.ts';
import { type GroupEnd, type StartGroup, summaryOf } from './process-group.ts';
import type { StandIn } from './stand-in.ts';
import { listTree } from './temp-dirs.ts';
import { forgetUnsaved, hasFallocate } from './unsaved-bytes.ts';

/** What all chains of a loop share. */
export interface KillWorld {
  readonly directory: string;
  readonly release: StandIn;
  /** Serves the release under any query. */
  readonly serverUrl: string;
  readonly seed: string;
  readonly start: StartGroup;
}

/** How a run comes out that nobody disturbs. */
export interface Reference {
  readonly index: Buffer;
  /** Everything outside `.ccxri/`. */
  readonly tree: readonly string[];
  readonly pace: Pace;
}

/** One dataset directory: killed up to three times, then left to end. */
export interface Chain {
  readonly number: number;
  readonly kills: readonly (readonly Hit[])[];
  /** Small temporary files that the kills have left, to be swept when they are old. */
  readonly leftovers: readonly string[];
}

const MAX_KILLS = 3;

export const chainPath = ({ directory }: KillWorld, number: number | 'reference') =>
  join(directory, `chain-${number}`, 'cc-cxri');

function chainArguments(world: KillWorld, number: number | 'reference'): readonly string[] {
  const source = `${world.serverUrl}/{name}?chain=${number}`;
  const { manifestPath } = world.release;
  return [
    ...['fetch', '--subset', 'all', '--ndjson', '--concurrency', '3'],
    ...['--dest', chainPath(world, number), '--manifest', manifestPath, '--source', source],
  ];
}

export async function runReference(world: KillWorld): Promise<Reference> {
  const dest = chainPath(world, 'reference');
  const times = new Map<string, number>();
  const startMs = performance.now();
  const end = await world.start(chainArguments(world, 'reference'), {
    onTold: (told) => {
      times.set(told.event, performance.now() - startMs);
    },
  }).ended;
  assertEndedWell(end);
  const at = (event: string) => times.get(event) ?? end.elapsedMs;
  const pace = {
    planMs: at('plan'),
    joinMs: at('index-written') - at('file-done'),
    elapsedMs: end.elapsedMs,
  };
  return { index: await readFile(layoutOf(dest).index), tree: await treeOf(dest), pace };
}

/**
 * Kills the process group of a fetch at a random moment, looks at what it left, and goes on with the
 * same command, which may be killed again; the last one must end well, with what the reference has.
 * @throws Error with all that is wrong, and how to run this chain again
 */
export async function runChain(
  world: KillWorld,
  reference: Reference,
  number: number,
): Promise<Chain> {
  const random = createRandom(`${world.seed} ${number}`);
  const dest = chainPath(world, number);
  await mkdir(join(dest, '..'), { recursive: true });
  await writeFile(join(dest, '..', 'neighbour.txt'), 'not to be touched');
  const kills: (readonly Hit[])[] = [];
  try {
    const wanted = 1 + random.int(MAX_KILLS);
    while (kills.length < wanted) {
      const hits = await killOnce(world, { reference, number, random });
      if (hits === undefined) break;
      kills.push(hits);
    }
    const end = await world.start(chainArguments(world, number)).ended;
    assertEndedWell(end);
    return { number, kills, leftovers: await assertAsReference(world, reference, number) };
  } catch (error) {
    const again = `CCXRI_SEED=${world.seed} CCXRI_ONLY=${number}`;
    const before = kills.map((hits) => hits.join('+')).join(', then ');
    throw new Error(`chain ${number} (again: ${again}), killed before in ${before}`, {
      cause: error,
    });
  }
}

/** @returns what it was doing; undefined: it had ended by itself */
async function killOnce(
  world: KillWorld,
  chain: { readonly reference: Reference; readonly number: number; readonly random: Random },
): Promise<readonly Hit[] | undefined> {
  const manifest = trueManifest(world.release);
  const dest = chainPath(world, chain.number);
  const before = await surroundings(dest);
  const moment = await pickMoment(chain.random, { manifest, dest, pace: chain.reference.pace });
  const run = world.start(chainArguments(world, chain.number));
  await waitFor(moment, run);
  run.kill();
  const end = await run.ended;
  if (end.signal !== 'SIGKILL') {
    assertEndedWell(end);
    return undefined;
  }
  const hits = await classifyKill(end.told, { manifest, dest });
  const wrong = [
    ...(await violationsAfterKill({ dest, manifest, before })),
    ...(await tooMuchLost(dest)),
  ];
  if (wrong.length > 0) throw new Error(`killed in ${hits.join('+')}: ${wrong.join('\n')}`);
  if (hasFallocate) await forgetUnsaved(dest);
  return hits;
}

/** With the MD5 that each file really has: a kill may leave a disputed one without its receipt. */
function trueManifest({ manifest, written }: StandIn): Manifest {
  const md5Of = new Map(written.map(({ name, md5 }) => [name, md5]));
  return {
    ...manifest,
    files: manifest.files.map((file) => ({ ...file, md5: md5Of.get(file.name) ?? file.md5 })),
  };
}

/** After a kill a lock, a stage and temporary files may lie in `.ccxri/`, and only there. */
export async function violationsAfterKill(
  options: Parameters<typeof violations>[0],
): Promise<readonly string[]> {
  const tolerable = [
    'the lock was left',
    'a stage was left: .ccxri/',
    'a temporary file was left: .ccxri/',
  ];
  const found = await violations(options);
  return found.filter((each) => !tolerable.some((start) => each.startsWith(start)));
}

/** Pages are on the disk as wholes, also at the edges of gaps. */
const PAGES_BYTES = 128 * 1024;

/** What a part has on disk, and its state does not vouch for, comes a second time. */
async function tooMuchLost(dest: string): Promise<readonly string[]> {
  const { partial } = layoutOf(dest);
  const wrong: string[] = [];
  for (const name of await readdir(partial).catch(() => [])) {
    if (!name.endsWith('.part')) continue;
    const path = join(partial, name);
    const text = await readFile(path.replace(/part$/, 'json'), 'utf8').catch(() => '{}');
    const state = parsePartState(text);
    const kept = typeof state === 'object' ? bytesOf(durableSpansOf(state)) : 0;
    // With gaps in it a part is longer than what was written.
    const { size, blocks } = await stat(path);
    const written = Math.min(size, blocks * 512);
    if (written - kept <= CHECKPOINT_BYTES + PAGES_BYTES) continue;
    wrong.push(`${name} has ${written} bytes, and only ${kept} of them are kept`);
  }
  return wrong;
}

export function assertEndedWell(end: GroupEnd): void {
  const summary = summaryOf(end);
  if (end.code === 0 && summary?.exitCode === 0) return;
  const errors = JSON.stringify(summary?.errors, null, 2);
  throw new Error(`ended with ${end.code ?? end.signal ?? ''}: ${end.stderr}${errors}`);
}

/** @returns what is left over in `.ccxri/`, and is seen to go when it is old */
async function assertAsReference(
  world: KillWorld,
  reference: Reference,
  number: number,
): Promise<readonly string[]> {
  const manifest = trueManifest(world.release);
  const dest = chainPath(world, number);
  const wrong = [...(await violationsAfterKill({ dest, manifest }))];
  if (!(await readFile(layoutOf(dest).index)).equals(reference.index)) wrong.push('another index');
  const tree = await treeOf(dest);
  if (JSON.stringify(tree) !== JSON.stringify(reference.tree)) wrong.push(`holds ${tree.join()}`);
  const leftovers = await leftoversIn(dest);
  // Small things alone: no part of a download.
  wrong.push(...leftovers.filter((name) => /^partial\/.*\.(?:part|json)$/.test(name)));
  if (wrong.length > 0) throw new Error(wrong.join('\n'));
  if (leftovers.length > 0) await assertSweptWhenOld(world, number);
  return leftovers;
}

async function leftoversIn(dest: string): Promise<readonly string[]> {
  const state = await listTree(layoutOf(dest).state);
  return state.filter(
    (name) =>
      !/^(?:ledger|ledger\/[^.].*\.json|manifest\.(?:json|sha256)|partial|stage)$/.test(name),
  );
}

/**
 * What names no owner may be another run's that begins this moment: it is left alone while it is
 * young. A day later the same command has to remove it.
 */
async function assertSweptWhenOld(world: KillWorld, number: number): Promise<void> {
  const dest = chainPath(world, number);
  const old = new Date(Date.now() - 25 * 60 * 60_000);
  for (const name of await leftoversIn(dest))
    await utimes(join(layoutOf(dest).state, name), old, old);
  assertEndedWell(await world.start(chainArguments(world, number)).ended);
  const left = await leftoversIn(dest);
  if (left.length > 0) throw new Error(`left in .ccxri after a day: ${left.join(', ')}`);
}

export async function treeOf(dest: string): Promise<readonly string[]> {
  return (await listTree(dest)).filter((name) => !/^\.ccxri(?:\/|$)/.test(name));
}

/** What was asked for again, of one file, in all runs of a chain. */
export interface FetchedTwice {
  readonly name: string;
  readonly bytes: number;
  /** Answers that a kill has cut, or a connection that was faster: what was under way is lost. */
  readonly cutAnswers: number;
}

export function fetchedTwice(
  requests: readonly NginxRequest[],
  { release }: KillWorld,
  number: number,
): readonly FetchedTwice[] {
  return release.manifest.files.map(({ name, bytes = 0 }) => {
    const own = requests.filter(({ path }) => path === `/${name}?chain=${number}`);
    return {
      name,
      bytes: own.reduce((sum, request) => sum + request.bytes, 0) - bytes,
      cutAnswers: own.filter(({ completion }) => completion !== 'OK').length,
    };
  });
}
