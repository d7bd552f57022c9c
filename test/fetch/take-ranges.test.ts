import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type DatasetLayout, layoutOf, rangesPathOf } from '../../src/dataset/layout.ts';
import { RangeStore } from '../../src/ranges/range-store.ts';
import { archiveOf } from '../support/damaged.ts';
import { destIn, manifestOf, run } from '../support/fetching.ts';
import { useNginx } from '../support/nginx.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const nginx = useNginx();

const archive = archiveOf('ChestDx-1.zip', { members: 20, bytes: 100_000 });
const manifest = manifestOf(archive);
const total = archive.bytes.length;

/** A dataset directory that has these ranges of the archive, and a server with all of it. */
async function setUp(ranges: readonly (readonly [number, number])[], bytes = archive.bytes) {
  const root = await tempDir();
  await writeFile(join(root, archive.name), archive.bytes);
  const server = await nginx({ root });
  const dest = destIn(await tempDir());
  const layout = layoutOf(dest);
  await mkdir(layout.state, { recursive: true });
  const path = rangesPathOf(layout, archive.name);
  const md5 = manifest.files[0]?.md5 ?? '';
  const file = { name: archive.name, md5, totalBytes: total, validator: null };
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
  return { setup: { dest, manifest, sources: [server.url] }, layout, path, fetched };
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
