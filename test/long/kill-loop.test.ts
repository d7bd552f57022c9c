import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHECKPOINT_BYTES } from '../../src/disk/part-journal.ts';
import {
  bytesTwice,
  chainPath,
  runChain,
  runReference,
  type Chain,
  type KillWorld,
} from '../support/kill-loop.ts';
import { makeKillRelease } from '../support/kill-release.ts';
import { hasNginx, startNginx, type Nginx } from '../support/nginx.ts';
import { useProcessGroups } from '../support/process-group.ts';

const start = useProcessGroups();
const seed = process.env['CCXRI_SEED'] ?? '1';
const only = process.env['CCXRI_ONLY'];
const wanted = Number(process.env['CCXRI_KILLS'] ?? 200);
const AT_ONCE = 2;
/** What nginx had sent and ccxri not yet written when it was killed: of a line of 12 MB/s. */
const UNDER_WAY_BYTES = 1024 * 1024;

let directory: string;
let nginx: Nginx;
let world: KillWorld;

beforeAll(async () => {
  if (!hasNginx) return;
  directory = await mkdtemp(join(tmpdir(), 'ccxri-kills-'));
  const release = await makeKillRelease(join(directory, 'release'));
  nginx = await startNginx({ root: release.directory, limitRate: '12m' });
  world = { directory, release, serverUrl: nginx.url, seed, start };
});

afterAll(async () => {
  if (!hasNginx) return;
  await nginx.stop();
  await rm(directory, { recursive: true, force: true });
});

describe.skipIf(!hasNginx)('#57 SIGKILL to the process group of a fetch', () => {
  it(`at ${only === undefined ? wanted : 'the same'} random moments: what is there is right, and the next run ends well`, async () => {
    const reference = await runReference(world);
    const chains: Chain[] = [];
    const count = () => chains.reduce((sum, { kills }) => sum + kills.length, 0);
    let next = only === undefined ? 0 : Number(only);
    const isEnough = () => (only === undefined ? count() >= wanted : chains.length > 0);
    const lane = async () => {
      while (!isEnough()) {
        const number = next;
        next += 1;
        chains.push(await runChain(world, reference, number));
        await rm(join(chainPath(world, number), '..'), { recursive: true, force: true });
      }
    };
    await Promise.all(Array.from({ length: only === undefined ? AT_ONCE : 1 }, lane));
    tell(chains, count());
    await assertLittleTwice(chains);
    if (only === undefined) expect(count()).toBeGreaterThanOrEqual(wanted);
  });
});

/** A kill costs a file in flight a checkpoint at most. */
async function assertLittleTwice(chains: readonly Chain[]): Promise<void> {
  const requests = await nginx.requests();
  let most = 0;
  for (const { number, kills } of chains) {
    for (const [name, twice] of bytesTwice(requests, world, number)) {
      most = Math.max(most, twice / kills.length);
      const allowed = kills.length * (CHECKPOINT_BYTES + UNDER_WAY_BYTES);
      expect(twice, `${name} of chain ${number}, seed ${seed}`).toBeLessThanOrEqual(allowed);
    }
  }
  console.log(`most bytes of a file that came twice, a kill: ${Math.round(most)}`);
}

function tell(chains: readonly Chain[], kills: number): void {
  const hits = new Map<string, number>();
  for (const hit of chains.flatMap((chain) => chain.kills.flat())) {
    hits.set(hit, (hits.get(hit) ?? 0) + 1);
  }
  const phases = [...hits].map(([hit, times]) => `${hit} ${times}`).join(', ');
  const leftovers = chains.flatMap((chain) => chain.leftovers).length;
  console.log(
    `seed ${seed}: ${kills} kills in ${chains.length} chains; hit: ${phases}; ` +
      `small temporary files left for the sweep: ${leftovers}`,
  );
}
