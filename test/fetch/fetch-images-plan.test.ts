import { rename } from 'node:fs/promises';
import { expect, test } from 'vitest';
import type { WholeArchives } from '../../src/fetch/fetch-types.ts';
import { choiceOf, imagesIn, makeSmallRelease, runImages } from '../support/chosen-images.ts';
import { destIn } from '../support/fetching.ts';
import { useNginx } from '../support/nginx.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const nginx = useNginx();

const SOME = choiceOf({ limit: 6 });

async function release(extra = '') {
  const { manifest, directory } = await makeSmallRelease(await tempDir());
  const server = await nginx({ root: directory, extra });
  return { manifest, directory, server, sources: [server.url] };
}

test('a dry run says what comes, and writes nothing', async () => {
  const { manifest, sources } = await release();
  const root = await tempDir();
  const { result, error, events } = await runImages(root, {
    ...{ manifest, sources, images: SOME, dryRun: true },
  });
  expect(error).toBeUndefined();
  const images = result?.plan.images;
  expect(images).toMatchObject({ images: 6, imagesHere: 0, controls: 0, wholeArchives: 0 });
  expect(images?.bytes).toBeGreaterThan(6 * 4000);
  expect(images?.bytes).toBeLessThan(6 * 4500);
  expect(images?.requests).toBeLessThanOrEqual(6);
  expect(images?.bytesOfWholeArchives).toBeGreaterThan(3 * 160_000);
  expect(images?.labels).toContainEqual(expect.objectContaining({ label: 'Pneumonia', images: 6 }));
  expect(events.find(({ event }) => event === 'plan')).toMatchObject({ images });
  expect(await listTree(destIn(root)).catch(() => [])).toEqual([]);
});

test('with a member index that is kept, a plan makes no request, and the fetch none for directories', async () => {
  const { manifest, sources, server } = await release();
  const root = await tempDir();
  await runImages(root, { manifest, sources, images: SOME });
  const before = (await server.requests()).length;
  const more = { manifest, sources, images: choiceOf({ limit: 9 }) };
  const { result } = await runImages(root, { ...more, dryRun: true });
  expect(result?.plan.images).toMatchObject({ images: 9, imagesHere: 6 });
  expect(await server.requests()).toHaveLength(before);
  const again = await runImages(root, more);
  expect(again.error).toBeUndefined();
  expect(again.result?.images).toMatchObject({ images: 9, here: 9 });
  const asked = (await server.requests()).slice(before).filter(({ range }) => range !== '');
  expect(asked).toHaveLength(result?.plan.images?.requests ?? 0);
  expect(asked.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(result?.plan.images?.bytes);
});

test('of an archive of which more than half is wanted, the whole is fetched', async () => {
  const { manifest, sources } = await release();
  const root = await tempDir();
  const images = choiceOf({ labels: [], limit: 1000 });
  const { result, outcomes } = await runImages(root, {
    ...{ manifest, sources, images, selection: { files: ['ChestDx-1'] } },
  });
  expect(result?.plan.images).toMatchObject({ images: 40, wholeArchives: 1, requests: 0 });
  expect(result?.images).toMatchObject({ here: 40 });
  expect(result?.outcomes).toContainEqual(
    expect.objectContaining({ file: 'ChestDx-1.zip', status: 'verified', images: 40 }),
  );
  expect(outcomes).toContain('downloaded');
});

test('#213 a server without ranges: refused with what whole archives cost, unless they are allowed', async () => {
  const { manifest, sources } = await release('max_ranges 0;');
  const root = await tempDir();
  const setup = { manifest, sources, images: SOME };
  const refused = await runImages(root, setup);
  expect(refused.error).toMatchObject({
    code: 'ranges-refused',
    next: [{ option: 'allow-whole', or: { option: 'source' } }],
  });
  expect(String(refused.error)).toMatch(/the 3 archives whole would be (?:about )?\d+ KB/);
  expect(refused.exit).toBe(9);
  expect(await imagesIn(root)).toEqual([]);
  const asked: WholeArchives[] = [];
  const answer = (yes: boolean) => (cost: WholeArchives) => {
    asked.push(cost);
    return Promise.resolve(yes);
  };
  expect((await runImages(root, { ...setup, confirmWhole: answer(false) })).exit).toBe(9);
  const ran = await runImages(root, { ...setup, confirmWhole: answer(true) });
  expect(ran.error).toBeUndefined();
  expect(ran.result?.images).toMatchObject({ images: 6, here: 6 });
  expect(asked).toHaveLength(2);
  expect(asked[0]?.archives).toHaveLength(ran.result?.plan.images?.archives ?? 0);
  const other = await tempDir();
  const allowed = await runImages(other, { ...setup, allowWhole: true });
  expect(allowed.result?.plan.images).toMatchObject({ requests: 0 });
  expect(allowed.exit).toBe(0);
});

test.each([
  ['no', 9, 0],
  ['yes', 0, 5],
])('archives without rows are asked about together: %s', async (answer, code, here) => {
  const { manifest, sources } = await release('max_ranges 0;');
  const root = await tempDir();
  const asked: WholeArchives[] = [];
  const { exit } = await runImages(root, {
    ...{ manifest, sources, images: choiceOf({ labels: ['COVID-19'], limit: 3, normals: 2 }) },
    confirmWhole: (cost) => {
      asked.push(cost);
      return Promise.resolve(answer === 'yes');
    },
  });
  expect(exit).toBe(code);
  expect(asked.map(({ archives }) => [...archives].sort())).toEqual([
    ['Normal-1.zip', 'Viral-1.zip'],
  ]);
  expect((await imagesIn(root)).length > 0).toBe(here > 0);
});

test('images that no label file names come of archives that are listed; none of others is read', async () => {
  const { manifest, sources, server } = await release();
  const images = choiceOf({ labels: ['COVID-19'], limit: 3, normals: 2 });
  const { result, error, events } = await runImages(await tempDir(), { manifest, sources, images });
  expect(error).toBeUndefined();
  expect(result?.images).toMatchObject({ images: 5, here: 5 });
  const told = events.filter(({ event }) => event === 'archive-listed').slice(0, 2);
  expect(told).toMatchObject([
    { listed: 1, archives: 2 },
    { listed: 2, archives: 2 },
  ]);
  const asked = (await server.requests()).map(({ path }) => path);
  expect(new Set(asked.filter((path) => path.endsWith('.zip')))).toEqual(
    new Set(['/Normal-1.zip', '/Viral-1.zip']),
  );
});

test('a mirror directory, and archives that are here, are read in place', async () => {
  const { manifest, directory } = await release();
  const root = await tempDir();
  const here = await runImages(root, { manifest, sources: [directory], images: SOME });
  // The label file alone was copied.
  const labels = here.result?.outcomes.find(({ kind }) => kind === 'labels');
  expect(here.result?.bytesDownloaded).toBe(labels?.bytes);
  expect(here.outcomes).toContain('extracted');
  expect(await imagesIn(root)).toHaveLength(6);
  const other = await tempDir();
  const setup = { manifest, sources: [directory] };
  await runImages(other, { ...setup, selection: { subsets: ['all'] }, extract: false });
  await rename(directory, `${directory}.away`);
  const offline = await runImages(other, { ...setup, images: SOME });
  expect(offline.error).toBeUndefined();
  expect(await imagesIn(other)).toEqual(await imagesIn(root));
});

test('without extraction there are no single images, and without a narrow choice nothing is fetched', async () => {
  const { manifest, sources } = await release();
  const root = await tempDir();
  const setup = { manifest, sources, images: SOME };
  expect((await runImages(root, { ...setup, extract: false })).error).toMatchObject({
    code: 'usage',
  });
  const wide = choiceOf({ labels: [], withoutLabels: ['Hernia'] });
  expect((await runImages(root, { ...setup, images: wide })).error).toMatchObject({
    code: 'nothing-selected',
  });
});
