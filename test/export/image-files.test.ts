import { lstat, mkdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { imageFiles } from '../../src/export/formats/image-files.ts';
import { type MadeImage, exportAll, imagesOf } from '../support/export-target.ts';
import { canMount, useMounts } from '../support/mounts.ts';
import { randomBytes } from '../support/random-bytes.ts';
import { listTree, useTempDirs, writeTree } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const mounts = useMounts();
const EXPORTER = imageFiles((split) => split ?? 'images');
const PLACE = 'ChestDx-1/patient1_000.jpg';

const made = (place: string, other: Partial<MadeImage> = {}): MadeImage => ({
  ...{ place, bytes: Buffer.from(`bytes of ${place}`) },
  ...other,
});

const write = (directory: string, images: readonly MadeImage[], split?: string) =>
  exportAll(EXPORTER, directory, [[split, imagesOf(images, split)]]);

/** A file of a dataset. */
async function fileWith(content: string): Promise<string> {
  const root = await tempDir();
  await writeTree(root, { 'image.jpg': content });
  return join(root, 'image.jpg');
}

it('links images that are files, writes all others, and leaves out what can not be read', async () => {
  const directory = await tempDir();
  const file = await fileWith('in the dataset');
  const images = [
    made(PLACE, { file }),
    made('ChestDx-1/sub/patient2_000.jpg'),
    made('ChestDx-1/patient3_000.jpg', { bytes: undefined }),
  ];
  await write(directory, images, 'train');
  const files = (await listTree(directory)).filter((path) => path.includes('.'));
  expect(files).toEqual([`train/${PLACE}`, 'train/ChestDx-1/sub/patient2_000.jpg']);
  const [linked, here] = await Promise.all([lstat(join(directory, 'train', PLACE)), lstat(file)]);
  expect(linked.ino).toBe(here.ino);
  expect(await readFile(join(directory, 'train/ChestDx-1/sub/patient2_000.jpg'), 'utf8')).toBe(
    'bytes of ChestDx-1/sub/patient2_000.jpg',
  );
});

it.each([
  ['a link', async (file: string) => symlink(await fileWith('elsewhere'), file)],
  ['gone', () => Promise.resolve()],
  ['a directory', (file: string) => mkdir(file)],
])('copies an image whose file is %s', async (_title, makeFile) => {
  const directory = await tempDir();
  const file = join(await tempDir(), 'image.jpg');
  await makeFile(file);
  await write(directory, [made(PLACE, { file })]);
  const path = join(directory, 'images', PLACE);
  expect((await lstat(path)).isFile()).toBe(true);
  expect(await readFile(path, 'utf8')).toBe(`bytes of ${PLACE}`);
});

it.runIf(canMount)('copies an image of another disk', async () => {
  const directory = await mounts.small(1e6);
  await write(directory, [made(PLACE, { file: await fileWith('in the dataset') })]);
  expect(await readFile(join(directory, 'images', PLACE), 'utf8')).toBe(`bytes of ${PLACE}`);
});

it('replaces what an earlier run has left, and never writes through a link', async () => {
  const directory = await tempDir();
  const file = await fileWith('in the dataset');
  await write(directory, [made(PLACE, { file })]);
  await write(directory, [made(PLACE, { file })]);
  expect((await lstat(file)).nlink).toBe(2);
  await write(directory, [made(PLACE)]);
  expect(await readFile(join(directory, 'images', PLACE), 'utf8')).toBe(`bytes of ${PLACE}`);
  expect(await readFile(file, 'utf8')).toBe('in the dataset');
});

it('ends a shard after some images, and takes them in their order', async () => {
  const directory = await tempDir();
  const images = Array.from({ length: 1003 }, (_, at) => made(`ChestDx-1/patient${at}_000.jpg`));
  const shards: number[] = [];
  const exporter = {
    ...EXPORTER,
    writeShard: async (...[queue, target]: Parameters<typeof EXPORTER.writeShard>) => {
      await EXPORTER.writeShard(queue, target);
      shards.push((await listTree(join(directory, 'images/ChestDx-1'))).length);
    },
  };
  await exportAll(exporter, directory, [[undefined, imagesOf(images, undefined)]]);
  expect(shards).toEqual([1000, 1003]);
});

it.each([
  ['ChestDx-1/a_000.jpg', 'jpg', 'ChestDx-1/a_000.jpg'],
  ['ChestDx-1/a_000.jpg', 'webp', 'ChestDx-1/a_000.webp'],
  ['ChestDx-1/a_000.JPEG', 'jpg', 'ChestDx-1/a_000.JPEG'],
  ['ChestDx-1/a_000.png', 'jpg', 'ChestDx-1/a_000.png.jpg'],
  ['ChestDx-1/sub.jpg/a_000.jpg', 'png', 'ChestDx-1/sub.jpg/a_000.png'],
])('names the file of %s as %s', async (place, ending, expected) => {
  const directory = await tempDir();
  await write(directory, [made(place, { ending })]);
  expect(await listTree(join(directory, 'images'))).toContain(expected);
});

it.runIf(canMount)('says that the disk is full', async () => {
  const directory = await mounts.small(100_000);
  const bytes = randomBytes(60_000, 'a');
  const images = [1, 2, 3].map((at) => made(`ChestDx-1/patient${at}_000.jpg`, { bytes }));
  await expect(write(directory, images)).rejects.toMatchObject({ code: 'disk-full' });
});
