import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type DatasetLayout, layoutOf, rangesPathOf } from '../../src/dataset/layout.ts';
import { PartStore } from '../../src/download/part-store.ts';
import { RangeStore } from '../../src/ranges/range-store.ts';
import { fastClock } from '../support/clock.ts';
import { archiveOf, flipped } from '../support/damaged.ts';
import { type Sample, destIn, manifestOf, md5Of, run } from '../support/fetching.ts';
import { big, unhurried } from '../support/ranged-fetch.ts';
import { useNginx } from '../support/nginx.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const nginx = useNginx();

const archive = archiveOf('ChestDx-1.zip', { members: 20, bytes: 100_000 });
const total = archive.bytes.length;

/** A dataset directory that has these ranges of the archive, and a server with all of it. */
async function setUp(
  ranges: readonly (readonly [number, number])[],
  bytes = archive.bytes,
  validator: string | null = null,
  sample: Sample = archive,
) {
  const root = await tempDir();
  const manifest = manifestOf(sample);
  await writeFile(join(root, sample.name), sample.bytes);
  const server = await nginx({ root });
  const dest = destIn(await tempDir());
  const layout = layoutOf(dest);
  await mkdir(layout.state, { recursive: true });
  const path = rangesPathOf(layout, sample.name);
  const md5 = md5Of(sample.bytes);
  const file = { name: sample.name, md5, totalBytes: sample.bytes.length, validator };
  const store = await RangeStore.open(path, file);
  for (const [start, end] of ranges) {
    await store.add({ start, length: end - start }, (onPiece) =>
      onPiece(bytes.subarray(start, end)),
    );
  }
  await store.flush();
  await store.close();
  const fetched = async () =>
    (await server.requests())
      .filter(({ range }) => range !== 'bytes=0-255')
      .reduce((sum, request) => sum + (request.status < 300 ? request.bytes : 0), 0);
  return { setup: { dest, manifest, sources: [server.url] }, server, root, layout, path, fetched };
}

async function isWhole({ archives }: DatasetLayout): Promise<boolean> {
  return (await readFile(join(archives, archive.name))).equals(archive.bytes);
}

const RANGES = [
  [0, 300_000],
  [1_000_000, 1_100_000],
  [total - 5000, total],
] as const;
const HELD_BYTES = 405_000;

it('does not fetch again what single images have brought of an archive', async () => {
  const { setup, layout, path, fetched } = await setUp(RANGES);
  const ran = await run(setup);
  expect(ran.outcomes).toEqual(['downloaded']);
  expect(await isWhole(layout)).toBe(true);
  expect(await fetched()).toBe(total - HELD_BYTES);
  await expect(readFile(path)).rejects.toMatchObject({ code: 'ENOENT' });
  expect(await listTree(layout.ranges)).toEqual([]);
});

it('counts them in a plan, each byte once, where the download will take them', async () => {
  const { setup } = await setUp([...RANGES, [250_000, 300_000]]);
  const planned = async (sources: readonly string[]) => {
    const { result } = await run({ ...setup, sources, dryRun: true });
    return result?.plan;
  };
  const plan = await planned(setup.sources);
  expect(plan?.steps).toMatchObject([{ action: 'resume', keptBytes: HELD_BYTES }]);
  expect(plan?.bytesToDownload).toBe((plan?.steps[0]?.bytes ?? 0) - HELD_BYTES);
  const local = await planned([await tempDir()]);
  expect(local?.steps).toMatchObject([{ action: 'download', keptBytes: 0 }]);
});

it('takes them out of wrong bytes as well as out of right ones: the MD5 decides', async () => {
  const { setup, layout } = await setUp(RANGES, Buffer.alloc(total));
  const ran = await run(setup);
  expect(ran.outcomes).toEqual(['downloaded']);
  expect(await isWhole(layout)).toBe(true);
});

it('does without a store that is shorter than its list', async () => {
  const { setup, layout, path } = await setUp(RANGES);
  await writeFile(path, Buffer.alloc(10));
  const ran = await run(setup);
  expect(ran.outcomes).toEqual(['downloaded']);
  expect(await isWhole(layout)).toBe(true);
});

it('leaves them where all of the archive comes from a directory', async () => {
  const { setup, layout } = await setUp(RANGES, Buffer.alloc(total));
  const source = await tempDir();
  await writeFile(join(source, archive.name), archive.bytes);
  const ran = await run({ ...setup, sources: [source] });
  expect(ran.outcomes).toEqual(['downloaded']);
  expect(await listTree(layout.ranges)).toEqual([]);
});

it('does not mix two versions of an archive: a part keeps its own bytes alone', async () => {
  const { setup, layout, fetched } = await setUp(RANGES.slice(1), Buffer.alloc(total), '"other"');
  const [url = ''] = setup.sources.map((source) => `${source}/${archive.name}`);
  const validator = (await fetch(url, { method: 'HEAD' })).headers.get('etag');
  const md5 = md5Of(archive.bytes);
  const part = await new PartStore(layout.partial).open({ name: archive.name, md5 });
  await part.restart({ url, validator, totalBytes: total });
  await part.write(archive.bytes.subarray(0, 500_000), 0);
  await part.leave();
  const ran = await run(setup);
  expect(ran.outcomes).toEqual(['downloaded']);
  expect(await isWhole(layout)).toBe(true);
  expect(await fetched()).toBe(total - 500_000);
});

it('does not begin a second download with bytes that made the first one fail', async () => {
  const { setup, root, layout, fetched } = await setUp(RANGES, Buffer.alloc(total));
  await writeFile(join(root, archive.name), flipped(archive.bytes, 700_000));
  expect((await run(setup)).outcomes).toEqual(['md5-mismatch']);
  await writeFile(join(root, archive.name), archive.bytes);
  const before = await fetched();
  expect((await run(setup)).outcomes).toEqual(['downloaded']);
  expect((await fetched()) - before).toBe(total);
  expect(await isWhole(layout)).toBe(true);
});

it('asks for small gaps at a polite pace, over several connections as over one', async () => {
  const gaps = 60;
  const step = 20_000;
  const ranges = Array.from({ length: gaps }, (_, n) => [n * step, n * step + 15_000] as const);
  const { setup, server } = await setUp(ranges, big.bytes, null, big);
  // On a clock that stands still no request has taken any of its time.
  const clock = { ...fastClock(), nowMs: () => 1000 };
  const ran = await run({ ...setup, clock, extract: false, connections: 4, ...unhurried });
  expect(ran.outcomes).toEqual(['downloaded']);
  const requests = await server.requests();
  expect(requests.filter(({ bytes }) => bytes === 5000)).toHaveLength(gaps - 1);
  expect(clock.sleeps.filter((ms) => ms === 50).length).toBeGreaterThanOrEqual(gaps - 1);
});
