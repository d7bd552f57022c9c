import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { layoutOf } from '../../src/dataset/layout.ts';
import { createRandom } from '../../scripts/release/random.ts';
import { violations } from '../support/invariants.ts';
import { assertEndedWell, treeOf } from '../support/kill-loop.ts';
import { noise } from '../support/fetching.ts';
import { useProcessGroups, type GroupEnd } from '../support/process-group.ts';
import { useRawServers } from '../support/raw-server.ts';
import { FINAL, PASSING, soakScript, type SoakOptions } from '../support/soak-server.ts';
import { makeStandIn, type StandIn } from '../support/stand-in.ts';

interface Soaked {
  readonly dest: string;
  readonly end: GroupEnd;
  readonly peakBytes: number;
}

export interface SoakSuite {
  readonly archives: number;
  readonly seed: string;
  /** With faults it may take so many times as long as without; Infinity: that is not asked. */
  readonly mostTimes: number;
}

const MOST_BYTES = 250e6;

/** `it` of many small archives from two servers, with every fault of HTTP mixed in by chance. */
export function describeSoak({ archives: count, seed, mostTimes }: SoakSuite): void {
  const start = useProcessGroups();
  const serve = useRawServers();
  let directory: string;
  let release: StandIn;
  let files: ReadonlyMap<string, Buffer>;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'ccxri-soak-'));
    release = await makeStandIn(join(directory, 'release'), {
      archives: Array.from({ length: count }, (_, n) => ({
        name: `ChestDx-${n + 1}`,
        images: 2,
        method: 'store',
      })),
      labelsOnly: [],
      toJpeg: ({ archive, name }) => noise(`${archive}/${name}`, 30_000),
    });
    const names = release.manifest.files.map(({ name }) => name);
    const read = names.map(async (name) => [name, await readFile(join(release.directory, name))]);
    files = new Map((await Promise.all(read)) as [string, Buffer][]);
  });

  afterAll(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  async function fetchFrom(name: string, first: SoakOptions, second: SoakOptions): Promise<Soaked> {
    const scripts = [soakScript(first), soakScript(second)];
    const servers = await Promise.all(scripts.map(({ script }) => serve(script)));
    const dest = join(directory, name, 'cc-cxri');
    const sources = servers.flatMap(({ url }) => ['--source', `${url}/{name}`]);
    const pace = ['--concurrency', '8', '--timeout', '1'];
    const what = [
      '--subset',
      'all',
      '--dest',
      dest,
      '--manifest',
      release.manifestPath,
      '--ndjson',
    ];
    const run = start(['fetch', ...what, ...pace, ...sources]);
    const stop = run.ended.then(() => true);
    do await run.peakBytes();
    while (!(await Promise.race([stop, sleep(100, false)])));
    const end = await run.ended;
    for (const [at, { done }] of scripts.entries()) {
      const told = [...done].map(([fault, times]) => `${fault} ${times}`).join(', ');
      if (told !== '') console.log(`${name}, server ${at + 1}: ${told}`);
    }
    return { dest, end, peakBytes: await run.peakBytes() };
  }

  it(`${count} archives from two servers with every fault of HTTP mixed in: all come right`, async () => {
    const honest = { files, seed, faults: [], share: 0, bytesPerSecond: 100_000 };
    const plain = await fetchFrom('fault-free', honest, honest);
    assertEndedWell(plain.end);
    const random = createRandom(seed);
    const older = new Set([...files.keys()].filter(() => random.next() < 0.05));
    const faulty = await fetchFrom(
      'faulty',
      { ...honest, faults: [...PASSING, ...FINAL], share: 0.3, older },
      { ...honest, seed: `${seed} second`, faults: PASSING, share: 0.3 },
    );
    assertEndedWell(faulty.end);
    const ratio = faulty.end.elapsedMs / plain.end.elapsedMs;
    const seconds = [plain, faulty].map(({ end }) => (end.elapsedMs / 1000).toFixed(1));
    const megabytes = [plain, faulty].map(({ peakBytes }) => Math.round(peakBytes / 1e6));
    console.log(
      `soak, seed ${seed}: ${seconds[0]} s without faults, ${seconds[1]} s with them ` +
        `(${ratio.toFixed(2)} times); at most ${megabytes.join(' and ')} MB of memory`,
    );
    const { manifest } = release;
    expect(await violations({ dest: faulty.dest, manifest })).toEqual([]);
    expect(await treeOf(faulty.dest)).toEqual(await treeOf(plain.dest));
    const indexes = [faulty, plain].map(({ dest }) => readFile(layoutOf(dest).index));
    const [index, expected] = await Promise.all(indexes);
    expect(expected && index?.equals(expected)).toBe(true);
    expect(Math.max(plain.peakBytes, faulty.peakBytes)).toBeLessThan(MOST_BYTES);
    expect(ratio).toBeLessThanOrEqual(mostTimes);
  }, 1_800_000);
}
