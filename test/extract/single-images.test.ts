import { mkdir, readFile, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { findImages } from '../../src/dataset/images.ts';
import { layoutOf } from '../../src/dataset/layout.ts';
import { Ledger } from '../../src/dataset/ledger.ts';
import type { SingleImages } from '../../src/extract/single-images.ts';
import { manifestOf, noise, toSample } from '../support/fetching.ts';
import { type Nginx, useNginx } from '../support/nginx.ts';
import { getImages } from '../support/single-images.ts';
import { useTempDirs } from '../support/temp-dirs.ts';
import { likeJpeg } from '../support/tiny-jpeg.ts';
import { buildZip } from '../support/zip-builder.ts';

const tempDir = useTempDirs();
const nginx = useNginx();

const NAME = 'ChestDx-1.zip';
const IMAGES = Array.from({ length: 20 }, (_, n) => ({
  name: `ChestDx-1/p${n % 2}/patient${n}_000.jpg`,
  content: likeJpeg(noise(`m${n}`, 9_000)),
}));
const ZIP = buildZip(IMAGES);
const SAMPLE = toSample(NAME, ZIP, { kind: 'archive', category: 'ChestDx' });
const MANIFEST = manifestOf(SAMPLE);
const pathOf = (n: number) => `p${n % 2}/patient${n}_000.jpg`;

interface World {
  readonly dest: string;
  readonly server: Nginx;
  readonly get: (wanted: readonly number[]) => Promise<SingleImages>;
  readonly imagePath: (n: number) => string;
}

async function makeWorld(zip = ZIP): Promise<World> {
  const root = await tempDir();
  await writeFile(join(root, NAME), zip);
  const server = await nginx({ root });
  const dest = join(await tempDir(), 'data');
  return {
    dest,
    server,
    get: (wanted) => getFrom(server.url, dest, wanted),
    imagePath: (n) => join(dest, 'images', 'ChestDx-1', pathOf(n)),
  };
}

function getFrom(source: string, dest: string, wanted: readonly number[]): Promise<SingleImages> {
  return getImages({ dest, manifest: MANIFEST, source, paths: wanted.map(pathOf) });
}

test('publishes the images asked for, and records them as checked by their CRC-32 alone', async () => {
  const { dest, get, imagePath } = await makeWorld();
  expect(await get([3, 4])).toEqual({
    published: 2,
    publishedBytes: IMAGES.slice(3, 5).reduce((sum, { content }) => sum + content.length, 0),
    here: 0,
    damagedMembers: [],
    brokenImages: [],
  });
  for (const n of [3, 4]) expect(await readFile(imagePath(n))).toEqual(IMAGES[n]?.content);
  const record = await new Ledger(join(dest, '.ccxri/ledger')).readMembers(NAME);
  expect(record).toMatchObject({ md5: null, isComplete: false });
  expect(record?.members.map(({ path, state }) => [path, state])).toEqual([
    [pathOf(4), 'crc-checked'],
    [pathOf(3), 'crc-checked'],
  ]);
  expect(await readdir(join(dest, '.ccxri/stage'))).toEqual([]);
});

test('fetches no image that is here, and adds to those of before', async () => {
  const { dest, get, server } = await makeWorld();
  await get([3, 4]);
  const before = (await server.requests()).length;
  const rangesSince = async () => (await server.requests()).slice(before).map(({ range }) => range);
  expect(await get([3, 4])).toMatchObject({ published: 0, here: 2 });
  // The last bytes alone, to see whether it is the same archive, besides what the source looks at first.
  expect((await rangesSince()).slice(-2)).toEqual(['bytes=0-255', 'bytes=-65557']);
  expect(await get([4, 5])).toMatchObject({ published: 1, here: 1 });
  const record = await new Ledger(join(dest, '.ccxri/ledger')).readMembers(NAME);
  expect(record?.members.map(({ path }) => path).sort()).toEqual([4, 3, 5].map(pathOf).sort());
});

test('gets an image again that is gone or has another size', async () => {
  const { get, imagePath } = await makeWorld();
  await get([3, 4, 5]);
  await writeFile(imagePath(3), 'cut');
  expect(await get([3, 4, 5])).toMatchObject({ published: 1, here: 2 });
  expect(await readFile(imagePath(3))).toEqual(IMAGES[3]?.content);
});

test('forgets an image that was recorded and never appeared, for the run was killed in between', async () => {
  const { dest, get, imagePath } = await makeWorld();
  await get([3, 4]);
  await rm(imagePath(3));
  await get([5]);
  const ledger = new Ledger(join(dest, '.ccxri/ledger'));
  const { record, state } = await findImages({ layout: layoutOf(dest), ledger }, NAME, undefined);
  expect(record?.members.map(({ path }) => path)).toEqual([pathOf(4), pathOf(5)]);
  expect(state).toBe('single');
});

test('gets an image again that verify has found damaged, and takes back the mark', async () => {
  const { dest, get, imagePath } = await makeWorld();
  await get([3, 4, 5]);
  const content = await readFile(imagePath(3));
  content[100] = (content[100] ?? 0) ^ 1;
  await writeFile(imagePath(3), content);
  const ledger = new Ledger(join(dest, '.ccxri/ledger'));
  const record = await ledger.readMembers(NAME);
  if (record === undefined) throw new Error('no record');
  await ledger.writeMembers({ ...record, foundBadAt: new Date(0).toISOString() });
  // Another image: the damaged one stays marked.
  expect(await get([6])).toMatchObject({ published: 1 });
  expect((await ledger.readMembers(NAME))?.foundBadAt).toBeDefined();
  expect(await get([3, 4])).toMatchObject({ published: 1, here: 1 });
  expect((await ledger.readMembers(NAME))?.foundBadAt).toBeUndefined();
  expect(await readFile(imagePath(3))).toEqual(IMAGES[3]?.content);
});

test('takes an image that is in its place, and that the ledger does not know', async () => {
  const { dest, get, imagePath } = await makeWorld();
  await mkdir(dirname(imagePath(3)), { recursive: true });
  await writeFile(imagePath(3), IMAGES[3]?.content ?? '');
  const { ino } = await stat(imagePath(3));
  expect(await get([3])).toMatchObject({ published: 0, here: 1 });
  expect((await stat(imagePath(3))).ino).toBe(ino);
  const record = await new Ledger(join(dest, '.ccxri/ledger')).readMembers(NAME);
  expect(record?.members).toMatchObject([{ path: pathOf(3), state: 'crc-checked' }]);
});

const IN_THE_WAY: Readonly<Record<string, (path: string) => Promise<unknown>>> = {
  'a file of the user': (path) => writeFile(path, 'mine'),
  'a directory': (path) => mkdir(path),
  'a link that leads nowhere': (path) => symlink('nowhere', path),
};

test.each(Object.keys(IN_THE_WAY))('#221 never puts an image over %s', async (what) => {
  const { dest, get, imagePath } = await makeWorld();
  await mkdir(dirname(imagePath(3)), { recursive: true });
  await IN_THE_WAY[what]?.(imagePath(3));
  await expect(get([1, 3])).rejects.toMatchObject({ code: 'occupied' });
  const record = await new Ledger(join(dest, '.ccxri/ledger')).readMembers(NAME);
  // What could not be placed is not taken for ours in the next run.
  expect(record?.members.map(({ path }) => path) ?? []).not.toContain(pathOf(3));
  await expect(get([3])).rejects.toMatchObject({ code: 'occupied' });
});

test('puts no image into a folder that a link leads to', async () => {
  const { dest, get } = await makeWorld();
  const elsewhere = await tempDir();
  await mkdir(join(dest, 'images', 'ChestDx-1'), { recursive: true });
  await symlink(elsewhere, join(dest, 'images', 'ChestDx-1', 'p1'));
  await expect(get([3])).rejects.toMatchObject({ code: 'occupied' });
  expect(await readdir(elsewhere)).toEqual([]);
});

test('does not mix the images of two releases of an archive', async () => {
  const { dest, get } = await makeWorld();
  await get([3, 4]);
  const others = IMAGES.map(({ name }, n) => ({ name, content: likeJpeg(noise(`x${n}`, 9_001)) }));
  const { server } = await makeWorld(buildZip(others));
  const again = getFrom(server.url, dest, [5]);
  await expect(again).rejects.toMatchObject({ code: 'occupied' });
});
