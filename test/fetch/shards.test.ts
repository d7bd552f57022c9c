import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { layoutOf } from '../../src/dataset/layout.ts';
import { listRivals, readHolders, shardLockOf } from '../../src/dataset/locks.ts';
import { extractDataset } from '../../src/extract/extract-dataset.ts';
import { fetchDataset } from '../../src/fetch/fetch-dataset.ts';
import type { FetchOptions } from '../../src/fetch/fetch-types.ts';
import { acquireLock } from '../../src/fs/lock.ts';
import { joinDataset } from '../../src/join.ts';
import { filesOfShard } from '../../src/manifest/shard.ts';
import { datasetStatus } from '../../src/status.ts';
import { verifyDataset } from '../../src/verify/verify-dataset.ts';
import { fastClock } from '../support/clock.ts';
import { useCountingServers } from '../support/counting-server.ts';
import { CHEST_HEADER, chestRow, lines } from '../support/csv.ts';
import { manifestOf, sampleArchive, sampleLabels } from '../support/fetching.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const serve = useCountingServers();

const archives = Array.from({ length: 17 }, (_, n) =>
  sampleArchive(`ChestDx-${n + 1}.zip`, { bytes: 60_000 + 20_000 * (n % 5) }),
);
const labels = sampleLabels(
  'chest_dx.csv',
  lines(
    CHEST_HEADER,
    ...archives.map(({ name }) => chestRow('patient1000_000.jpg', name, 'Hernia')),
  ),
);
const all = [...archives, labels];
const manifest = manifestOf(...all);
const EIGHT = Array.from({ length: 8 }, (_, at) => ({ index: at + 1, count: 8 }));

/** A directory of the release, and a server of it. */
async function world() {
  const root = await tempDir();
  const release = join(root, 'release');
  await mkdir(release);
  for (const { name, bytes } of all) await writeFile(join(release, name), bytes);
  const server = await serve(release);
  const fetchInto = (dest: string, options: Partial<FetchOptions> = {}) =>
    fetchDataset({
      dest: join(root, dest),
      manifest,
      selection: { subsets: ['all'] },
      sources: [`${server.url}/{name}`],
      connections: 1,
      ...options,
    });
  return { root, release, server, fetchInto, dest: join(root, 'set') };
}

/** What a user sees of a directory: everything but its state. */
async function visibleTree(dest: string): Promise<ReadonlyMap<string, string>> {
  const seen = new Map<string, string>();
  for (const path of await listTree(dest)) {
    if (path.startsWith('.ccxri')) continue;
    const isFile = (await stat(join(dest, path))).isFile();
    seen.set(path, isFile ? await readFile(join(dest, path), 'latin1') : '');
  }
  return seen;
}

describe('eight shards at once in one directory', () => {
  it('fetch each file once, and make the tree of one run', async () => {
    const { root, server, fetchInto, dest } = await world();
    const results = await Promise.all(EIGHT.map((shard) => fetchInto('set', { shard })));
    const files = results.flatMap(({ outcomes }) => outcomes);
    expect(files.map(({ did }) => did)).toEqual(all.map(() => 'downloaded'));
    expect(results.map(({ index }) => index)).toEqual(EIGHT.map(() => undefined));
    // Not a byte twice.
    for (const { name, bytes } of all) expect(server.of(name).bodyBytes, name).toBe(bytes.length);
    expect(await listTree(join(dest, '.ccxri'))).not.toContain(expect.stringContaining('lock'));

    await joinDataset({ dest, manifest });
    await fetchInto('whole');
    expect(await visibleTree(dest)).toEqual(await visibleTree(join(root, 'whole')));
    // And no more than one run has left in its state.
    expect(await listTree(join(dest, '.ccxri'))).toEqual(
      await listTree(join(root, 'whole', '.ccxri')),
    );
    const again = await fetchInto('set');
    expect(again.outcomes.every(({ did }) => did === 'skipped')).toBe(true);
    const verified = await verifyDataset({ dest, manifest, depth: 'deep' });
    expect(new Set(verified.outcomes.map(({ status }) => status))).toEqual(new Set(['verified']));
  });

  it('say nothing about the manifest that all of them keep at the same time', async () => {
    const { root, fetchInto, dest } = await world();
    const text = `${JSON.stringify(manifest, null, 2)}\n`;
    const path = join(root, 'manifest.json');
    await writeFile(path, text);
    const warnings: string[] = [];
    const onEvent: FetchOptions['onEvent'] = (event) => {
      if (event.event === 'warning') warnings.push(event.message);
    };
    await Promise.all(EIGHT.map((shard) => fetchInto('set', { shard, onEvent })));
    const extracting = EIGHT.map((shard) => extractDataset({ dest, shard, onEvent }));
    const extracted = await Promise.all(extracting);
    expect(warnings).toEqual([]);
    expect(extracted.flatMap(({ outcomes }) => outcomes).map(({ did }) => did)).toEqual(
      archives.map(() => 'skipped'),
    );
  });

  it('have extract and verify work on the same parts', async () => {
    const { fetchInto, dest } = await world();
    await fetchInto('set', { extract: false });
    for (const shard of EIGHT.slice(0, 3)) {
      const own = filesOfShard(manifest.files, shard).map(({ name }) => name);
      const extracted = await extractDataset({ dest, manifest, shard });
      expect(extracted.shard).toEqual(shard);
      const zips = own.filter((name) => name.endsWith('.zip'));
      expect(extracted.outcomes.map(({ file }) => file)).toEqual(zips);
      const verified = await verifyDataset({ dest, manifest, shard, depth: 'deep' });
      expect(verified.outcomes.map(({ file }) => file)).toEqual(own);
    }
  });
});

describe('more shards than files', () => {
  it('leave some with nothing to do, which is no error', async () => {
    const { fetchInto, dest } = await world();
    const selection = { files: ['ChestDx-1'] };
    const shard = { index: 2, count: 3 };
    const result = await fetchInto('set', { selection, shard });
    expect(result).toMatchObject({ shard, outcomes: [], plan: { steps: [] } });
    expect((await extractDataset({ dest, manifest, selection, shard })).outcomes).toEqual([]);
    expect((await verifyDataset({ dest, manifest, selection, shard })).outcomes).toEqual([]);
    await expect(fetchInto('set', { selection: {}, shard })).rejects.toMatchObject({
      code: 'nothing-selected',
    });
  });
});

describe('beside a shard', () => {
  const shard = { index: 3, count: 8 };

  /** Holds the lock of shard 3/8 while `work` runs. */
  async function holding(dest: string, work: () => Promise<void>): Promise<void> {
    await mkdir(dest, { recursive: true });
    const layout = layoutOf(dest);
    const lock = shardLockOf(layout, shard, manifest.files);
    const rivals = () => listRivals({ ...layout, lock });
    const clock = fastClock();
    const release = await acquireLock({
      path: lock,
      part: 'shard 3/8',
      rivals,
      wait: false,
      clock,
    });
    await work().finally(release);
  }

  const LOCKED = {
    code: 'locked',
    message: expect.stringContaining(`directory: shard 3/8: pid ${process.pid} on `) as string,
  };

  it('the same shard, a plain run and a shard of another split are refused; others are not', async () => {
    const { fetchInto, dest, server } = await world();
    await holding(dest, async () => {
      await expect(fetchInto('set', { shard })).rejects.toMatchObject(LOCKED);
      await expect(fetchInto('set')).rejects.toMatchObject(LOCKED);
      await expect(extractDataset({ dest, manifest })).rejects.toMatchObject(LOCKED);
      const other = fetchInto('set', { shard: { index: 1, count: 2 } });
      await expect(other).rejects.toMatchObject(LOCKED);
      const selection = { subsets: ['all'], files: [] };
      const less = manifestOf(...all.slice(1));
      const ofOthers = fetchInto('set', { shard: EIGHT[0], manifest: less, selection });
      await expect(ofOthers).rejects.toMatchObject(LOCKED);
      expect(server.total().requests).toBe(0);
      const [first] = EIGHT;
      expect((await fetchInto('set', { shard: first })).outcomes.length).toBeGreaterThan(0);
      // Reading is free, as ever.
      expect((await datasetStatus({ dest, manifest })).lockedBy).toMatch(/^shard 3\/8: pid /);
    });
    expect((await datasetStatus({ dest, manifest })).lockedBy).toBeNull();
  });

  it('a plain run refuses shards, and they wait for it if asked to', async () => {
    const { fetchInto, dest } = await world();
    await mkdir(dest, { recursive: true });
    const layout = layoutOf(dest);
    const release = await acquireLock({ path: layout.lock, wait: false, clock: fastClock() });
    await expect(fetchInto('set', { shard })).rejects.toMatchObject({ code: 'locked' });
    expect(await readHolders(layout)).toMatch(/^pid /);
    const waited: string[] = [];
    const result = await fetchInto('set', {
      shard,
      wait: true,
      onEvent: (event) => {
        if (event.event !== 'warning') return;
        waited.push(event.message);
        void release();
      },
    });
    expect(waited).toEqual([expect.stringContaining('waiting for pid ')]);
    expect(result.outcomes.length).toBeGreaterThan(0);
  });
});

it('two archives that are published with one MD5 are in one shard, which takes no file for both', async () => {
  const { root, release, fetchInto } = await world();
  const zip = sampleArchive('Viral-1.zip', { md5Disputed: 'the same as Other-1' });
  const twin = { ...zip, name: 'Other-1.zip', file: { ...zip.file, name: 'Other-1.zip' } };
  const twins = manifestOf(zip, ...archives.slice(0, 6), twin);
  for (const { name, bytes } of [zip, twin]) await writeFile(join(release, name), bytes);
  const shards = [1, 2, 3, 4].map((index) => ({ index, count: 4 }));
  const results = await Promise.all(
    shards.map((shard) => fetchInto('set', { shard, manifest: twins })),
  );
  const codes = results
    .flatMap(({ outcomes }) => outcomes)
    .filter(({ file }) => !file.startsWith('ChestDx'))
    .map(({ did, error }) => error?.code ?? did);
  expect(codes.sort()).toEqual(['downloaded', 'md5-mismatch']);
  expect(await listTree(join(root, 'set', 'archives'))).toHaveLength(7);
});

it('an image choice has no shards: it is made over all archives', async () => {
  const { fetchInto } = await world();
  const images = { labels: ['Hernia' as const], allLabels: false, withoutLabels: [], seed: '1' };
  const choosing = fetchInto('set', { images, shard: { index: 1, count: 2 } });
  await expect(choosing).rejects.toMatchObject({ code: 'usage' });
});
