import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { layoutOf } from '../../src/dataset/layout.ts';
import { CHECKPOINT_BYTES } from '../../src/download/part-journal.ts';
import { durableSpansOf, parsePartState } from '../../src/download/part-state.ts';
import { bytesOf } from '../../src/download/spans.ts';
import { bigSample } from '../support/big-sample.ts';
import { useChildren } from '../support/children.ts';
import { destIn, manifestOf, run } from '../support/fetching.ts';
import { hasNginx, useNginx } from '../support/nginx.ts';
import { unhurried } from '../support/ranged-fetch.ts';
import { listTree, useTempDirs, writeTree } from '../support/temp-dirs.ts';
import { forgetUnsaved, hasFallocate } from '../support/unsaved-bytes.ts';

const tempDir = useTempDirs();
const nginx = useNginx();
const children = useChildren('fetch-child.ts');
const MIB = 1024 * 1024;
const a = bigSample('ChestDx-1.zip', 48 * MIB + 4321);
/** Pages are on the disk as wholes, also at the edges of gaps. */
const PAGES_BYTES = 128 * 1024;

/** What lies on the disk of the one part that is there, and what its state vouches for. */
async function lookAt(dest: string) {
  const partial = layoutOf(dest).partial;
  const names = await listTree(partial).catch(() => []);
  const name = names.find((each) => each.endsWith('.part'));
  if (name === undefined) return { written: 0, kept: 0, islands: 0 };
  const path = join(partial, name);
  const { size, blocks } = await stat(path);
  const state = parsePartState(await readFile(path.replace(/part$/, 'json'), 'utf8'));
  if (typeof state !== 'object') throw new Error('no state');
  const kept = bytesOf(durableSpansOf(state));
  return { written: Math.min(size, blocks * 512), kept, islands: state.islands.length };
}

describe.skipIf(!hasNginx || !hasFallocate)(
  '#57 a run that is killed while a file comes over several connections',
  () => {
    it('loses no more than 8 MiB of it each time, and what is kept does not come again', async () => {
      const root = await tempDir();
      const dest = destIn(root);
      const manifest = manifestOf(a);
      await writeTree(root, { 'parent/keep': '', [`mirror/${a.name}`]: a.bytes });
      await writeFile(join(root, 'manifest.json'), JSON.stringify(manifest));
      const server = await nginx({ root: join(root, 'mirror'), limitRate: '2m' });
      const source = `${server.url}/{name}`;
      let sawIslands = 0;
      for (const killAt of [6, 16, 25, 34]) {
        const child = await children.start([join(root, 'manifest.json'), source, dest, '6']);
        // A look may fall between two steps of the run's.
        const enough = async () => (await lookAt(dest).catch(() => ({ written: 0 }))).written;
        await expect.poll(enough, { timeout: 60_000, interval: 5 }).toBeGreaterThan(killAt * MIB);
        child.kill('SIGKILL');
        await child.ended;
        const { written, kept, islands } = await lookAt(dest);
        expect(written - kept).toBeLessThanOrEqual(CHECKPOINT_BYTES + PAGES_BYTES);
        sawIslands = Math.max(sawIslands, islands);
        await forgetUnsaved(dest);
      }
      expect(sawIslands).toBeGreaterThan(0);
      const { kept } = await lookAt(dest);
      const ran = await run({ dest, manifest, sources: [source], ...unhurried });
      expect(ran.outcomes).toEqual(['downloaded']);
      expect(ran.result?.bytesDownloaded).toBe(a.bytes.length - kept);
      expect((await server.requests()).every(({ status }) => status === 206)).toBe(true);
    });
  },
);
