import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ImageChoice } from '../../src/labels/image-choice.ts';
import {
  choiceOf,
  imagesIn,
  makeSmallRelease,
  runImages,
  withBytes,
} from '../support/chosen-images.ts';
import { fastClock } from '../support/clock.ts';
import { destIn, noise, run } from '../support/fetching.ts';
import { useNginx } from '../support/nginx.ts';
import { makeChestStandIn } from '../support/stand-in.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';
import { likeJpeg } from '../support/tiny-jpeg.ts';
import { buildZip } from '../support/zip-builder.ts';

const tempDir = useTempDirs();
const nginx = useNginx();

const RARE: ImageChoice = { labels: ['Hernia', 'Edema'], withoutLabels: [], seed: '0' };

test('fetches the images of labels alone, as a whole extraction has them; a second run asks for nothing', async () => {
  const root = join(await tempDir(), 'release');
  const { manifest } = await makeChestStandIn(root);
  const server = await nginx({ root });
  const setup = { manifest, sources: [server.url], selection: {}, extract: true, images: RARE };
  const dest = destIn(await tempDir());
  const { result, error } = await run({ ...setup, dest });
  expect(error).toBeUndefined();
  const images = (await listTree(join(dest, 'images'))).filter((path) => path.endsWith('.jpg'));
  expect(images.length).toBeGreaterThan(3);
  expect(result?.images).toMatchObject({ images: images.length, here: images.length });
  expect(result?.index?.rows).toBe(images.length);
  const files = result?.outcomes.filter(({ kind }) => kind === 'archive').map(({ file }) => file);
  const before = (await server.requests()).length;
  const again = await run({ ...setup, dest });
  expect(new Set(again.outcomes)).toEqual(new Set(['skipped']));
  expect(await server.requests()).toHaveLength(before);
  const whole = destIn(await tempDir());
  await run({ ...setup, dest: whole, images: undefined, selection: { files: files ?? [] } });
  for (const path of images) {
    const [single, full] = [dest, whole].map((each) => readFile(join(each, 'images', path)));
    expect((await single)?.equals((await full) ?? Buffer.alloc(0))).toBe(true);
  }
});

test('tells of each image of an archive as it comes, with the bytes', async () => {
  const root = await tempDir();
  const { manifest, directory } = await makeSmallRelease(root);
  const server = await nginx({ root: directory });
  let nowMs = 0;
  // No event is left out because another one has just been emitted.
  const clock = { ...fastClock(), nowMs: () => (nowMs += 200) };
  const { events, result } = await runImages(root, {
    ...{ manifest, sources: [server.url], clock, selection: { files: ['ChestDx-1'] } },
    images: choiceOf({ labels: [], limit: 12 }),
  });
  expect(result?.images).toMatchObject({ images: 12, here: 12 });
  const listed = events.findIndex(({ event }) => event === 'archive-listed');
  expect(events[listed]).toMatchObject({ file: 'ChestDx-1.zip', listed: 1, archives: 1 });
  expect(events.findIndex(({ event }) => event === 'plan')).toBeGreaterThan(listed);
  const told = events.flatMap((event) =>
    event.event === 'progress' && event.file === 'ChestDx-1.zip' && event.phase === 'download'
      ? [event]
      : [],
  );
  const requests = result?.plan.images?.requests ?? 0;
  expect(requests).toBeGreaterThan(3);
  const counts = told.map(({ images = 0 }) => images);
  expect(new Set(counts).size).toBeGreaterThanOrEqual(requests);
  expect(counts).toEqual([...counts].sort((a, b) => a - b));
  expect(counts.at(-1)).toBe(12);
  expect(told.at(-1)?.doneBytes).toBe(result?.plan.images?.bytes);
});

test('two members of the same name, in two folders, are one image: it is here with both', async () => {
  const { manifest, directory } = await makeSmallRelease(await tempDir());
  const names = ['a/patient7_000.jpg', 'b/patient7_000.jpg', 'a/patient8_000.jpg', 'a/filling.jpg'];
  const zip = buildZip(
    names.map((name) => ({ name, content: likeJpeg(noise(name, 20_000)), method: 0 })),
  );
  const [header = ''] = (await readFile(join(directory, 'chest_dx.csv'), 'utf8')).split('\n');
  const marks = header.split(',').map((column) => (column === 'Hernia' ? '1' : '0'));
  const row = ['patient7_000.jpg', 'ChestDx-1', ...marks.slice(2)].join(',');
  const files = { 'ChestDx-1.zip': zip, 'chest_dx.csv': Buffer.from(`${header}\n${row}\n`) };
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(directory, name), bytes);
  const server = await nginx({ root: directory });
  const root = await tempDir();
  const setup = {
    manifest: withBytes(manifest, files),
    sources: [`${server.url}/{name}`],
    images: choiceOf({ labels: ['Hernia'] }),
  };
  const first = await runImages(root, setup);
  expect(first.result?.images).toMatchObject({ images: 1, here: 1 });
  const { steps = [], images } = first.result?.plan ?? {};
  expect(steps).toMatchObject([{ file: 'ChestDx-1.zip', images: 1 }]);
  expect(images?.labels).toEqual([{ label: 'Hernia', images: 1, bytes: images?.bytes }]);
  const both = ['ChestDx-1/a/patient7_000.jpg', 'ChestDx-1/b/patient7_000.jpg'];
  expect(await imagesIn(root)).toEqual(both);
  await rm(join(destIn(root), 'images', 'ChestDx-1/b/patient7_000.jpg'));
  const second = await runImages(root, setup);
  expect(second.result?.images).toMatchObject({ images: 1, here: 1 });
  expect(await imagesIn(root)).toEqual(both);
});
