import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { layoutOf } from '../../src/dataset/layout.ts';
import { choiceOf, imagesIn, makeSmallRelease, runImages } from '../support/chosen-images.ts';
import { destIn } from '../support/fetching.ts';
import { useCountingServers } from '../support/counting-server.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const serve = useCountingServers();

const SOME = choiceOf({ limit: 6 });

async function release() {
  const { manifest, directory } = await makeSmallRelease(await tempDir());
  const server = await serve(directory);
  return { manifest, directory, server, sources: [`${server.url}/{name}`], images: SOME };
}

test('keeps to a limit of the rate', async () => {
  const { manifest, sources, images } = await release();
  const root = await tempDir();
  const slow = { manifest, sources, images, limitRateBytesPerSecond: 10_000 };
  const { result, clock, exit } = await runImages(root, slow);
  expect(exit).toBe(0);
  const bytes = result?.plan.images?.bytes ?? 0;
  expect(bytes).toBeGreaterThan(24_000);
  // The clock does not pass in a wait: the last to come waits the whole time.
  expect(Math.max(...clock.sleeps)).toBeGreaterThan((bytes / 10_000 - 2) * 1000);
});

test.each([0, 2])('tries so many times more, and no more: %i', async (retries) => {
  const { manifest, directory, server, sources, images } = await release();
  const root = await tempDir();
  await runImages(root, { manifest, sources, images: choiceOf({ limit: 1 }) });
  const name = 'ChestDx-1.zip';
  const before = server.of(name).requests;
  // In its place is a directory: the server answers each request with an error.
  await rm(join(directory, name));
  await mkdir(join(directory, name));
  await rm(layoutOf(destIn(root)).members, { recursive: true });
  const { result, exit } = await runImages(root, { manifest, sources, images, retries });
  expect(exit).toBe(4);
  const failed = result?.outcomes.filter(({ did }) => did === 'failed').map(({ file }) => file);
  expect(failed).toEqual([name]);
  expect(server.of(name).requests - before).toBe(1 + retries);
});

test('writes no index with --no-join, and the next run does', async () => {
  const { manifest, sources, images } = await release();
  const root = await tempDir();
  const { result, exit } = await runImages(root, { manifest, sources, images, join: false });
  expect(exit).toBe(0);
  expect(result?.index).toBeUndefined();
  expect(await readdir(destIn(root))).not.toContain('index.csv');
  const next = await runImages(root, { manifest, sources, images });
  expect(next.result?.index?.rows).toBe(6);
});

test('--delete-archives leaves archives alone that are read in place, here and in a mirror directory', async () => {
  const { manifest, directory, images } = await release();
  const root = await tempDir();
  const setup = { manifest, sources: [directory], images, deleteArchives: true };
  const before = await listTree(directory);
  const mirrored = await runImages(root, setup);
  expect(mirrored.exit).toBe(0);
  expect(await listTree(directory)).toEqual(before);
  const other = await tempDir();
  const selection = { subsets: ['chestdx'] };
  await runImages(other, {
    ...setup,
    images: undefined,
    selection,
    extract: false,
    deleteArchives: false,
  });
  const archives = layoutOf(destIn(other)).archives;
  const inPlace = await readdir(archives);
  expect((await runImages(other, { ...setup, selection })).exit).toBe(0);
  expect(await readdir(archives)).toEqual(inPlace);
  expect(await listTree(directory)).toEqual(before);
});

test('--delete-archives removes one that came whole because that is less', async () => {
  const { manifest, sources } = await release();
  const root = await tempDir();
  const images = choiceOf({ labels: [], limit: 1000 });
  const selection = { files: ['ChestDx-1'] };
  const { exit, result } = await runImages(root, {
    ...{ manifest, sources, images, selection, deleteArchives: true },
  });
  expect(exit).toBe(0);
  expect(result?.outcomes).toContainEqual(expect.objectContaining({ status: 'removed' }));
  expect(await imagesIn(root)).toHaveLength(40);
  await expect(stat(join(layoutOf(destIn(root)).archives, 'ChestDx-1.zip'))).rejects.toThrow();
});
