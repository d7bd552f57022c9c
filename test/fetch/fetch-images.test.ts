import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ImageChoice } from '../../src/labels/image-choice.ts';
import { choiceOf, makeSmallRelease, runImages } from '../support/chosen-images.ts';
import { fastClock } from '../support/clock.ts';
import { destIn, run } from '../support/fetching.ts';
import { useNginx } from '../support/nginx.ts';
import { makeChestStandIn } from '../support/stand-in.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';

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
