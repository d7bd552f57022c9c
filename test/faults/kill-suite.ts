import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CHECKPOINT_BYTES } from '../../src/download/part-journal.ts';
import {
  chainPath,
  fetchedTwice,
  runChain,
  runReference,
  type Chain,
  type KillWorld,
} from '../support/kill-loop.ts';
import { makeKillRelease } from '../support/kill-release.ts';
import { hasNginx } from '../support/nginx.ts';
import { useProcessGroups } from '../support/process-group.ts';
import { useServedRelease } from './served-release.ts';

export interface KillSuite {
  readonly seed: string;
  readonly kills: number;
  /** This chain alone, once more. */
  readonly only?: number | undefined;
}

const AT_ONCE = 2;
/** What nginx had sent over one connection, and ccxri not yet written when that was cut. */
const UNDER_WAY_BYTES = 1024 * 1024;

/** `it` of the loop that kills a fetch at random moments. */
export function describeKillLoop(suite: KillSuite): void {
  const start = useProcessGroups();
  const served = useServedRelease(makeKillRelease, { limitRate: '4m', sendBuffer: '64k' });
  const which = suite.only === undefined ? `${suite.kills} random moments` : 'the same moments';

  describe.skipIf(!hasNginx)('#57 SIGKILL to the process group of a fetch', () => {
    it(`at ${which}: what is there is right, and the next run ends well`, async () => {
      const { directory, release, nginx } = served();
      const world = { directory, release, serverUrl: nginx.url, seed: suite.seed, start };
      const chains = await runChains(world, suite);
      tell(chains, suite.seed);
      expect(tooMuchTwice(chains, world, await nginx.requests())).toEqual([]);
      if (suite.only === undefined) expect(killsOf(chains)).toBeGreaterThanOrEqual(suite.kills);
    }, 1_800_000);
  });
}

const killsOf = (chains: readonly Chain[]) => chains.flatMap(({ kills }) => kills).length;

async function runChains(world: KillWorld, suite: KillSuite): Promise<readonly Chain[]> {
  const reference = await runReference(world);
  const chains: Chain[] = [];
  const run = async (number: number) => {
    chains.push(await runChain(world, reference, number));
    await rm(join(chainPath(world, number), '..'), { recursive: true, force: true });
  };
  if (suite.only !== undefined) {
    await run(suite.only);
    return chains;
  }
  let next = 0;
  const lane = async () => {
    while (killsOf(chains) < suite.kills) await run((next += 1) - 1);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return chains;
}

/** A kill costs a file in flight a checkpoint at most, and what is under way in its connections. */
function tooMuchTwice(
  chains: readonly Chain[],
  world: KillWorld,
  requests: Parameters<typeof fetchedTwice>[0],
): readonly string[] {
  const wrong: string[] = [];
  let most = 0;
  for (const { number, kills } of chains) {
    for (const { name, bytes, cutAnswers } of fetchedTwice(requests, world, number)) {
      most = Math.max(most, bytes / Math.max(1, kills.length));
      const { length } = kills;
      const underWay = Math.max(length, cutAnswers) * UNDER_WAY_BYTES;
      if (bytes <= length * CHECKPOINT_BYTES + underWay) continue;
      const told = `${bytes} bytes of ${name} twice, in ${length} kills of chain ${number}`;
      wrong.push(`${told}, with ${cutAnswers} answers cut`);
    }
  }
  console.log(`most bytes of a file that came twice, a kill: ${Math.round(most)}`);
  return wrong;
}

function tell(chains: readonly Chain[], seed: string): void {
  const hits = new Map<string, number>();
  for (const hit of chains.flatMap((chain) => chain.kills.flat())) {
    hits.set(hit, (hits.get(hit) ?? 0) + 1);
  }
  const phases = [...hits].map(([hit, times]) => `${hit} ${times}`).join(', ');
  const leftovers = chains.flatMap((chain) => chain.leftovers).length;
  console.log(
    `seed ${seed}: ${killsOf(chains)} kills in ${chains.length} chains; hit: ${phases}; ` +
      `small temporary files left for the sweep: ${leftovers}`,
  );
}
