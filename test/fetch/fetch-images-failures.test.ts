import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  choiceOf,
  imagesIn,
  makeSmallRelease,
  runImages,
  withBytes,
} from '../support/chosen-images.ts';
import { useNginx } from '../support/nginx.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const nginx = useNginx();

const SOME = choiceOf({ limit: 6 });

async function release() {
  const { manifest, directory } = await makeSmallRelease(await tempDir());
  const server = await nginx({ root: directory });
  const template = `${server.url.replace(/\/$/, '')}/{name}`;
  return { manifest, directory, server, sources: [template] };
}

test('an archive that fails does not stop the others, and the next run gets it', async () => {
  const { manifest, directory, sources } = await release();
  const path = join(directory, 'ChestDx-1.zip');
  const bytes = await readFile(path);
  await rm(path);
  const root = await tempDir();
  const setup = { manifest, sources, images: SOME };
  const first = await runImages(root, setup);
  expect(first.exit).toBe(4);
  const failed = first.result?.outcomes.find(({ file }) => file === 'ChestDx-1.zip');
  expect(failed).toMatchObject({ did: 'failed', images: 0, error: { code: 'http-status' } });
  const others = await imagesIn(root);
  expect(others.length).toBeGreaterThan(0);
  expect(first.result?.images).toMatchObject({ images: 6, here: others.length });
  expect(first.result?.index?.rows).toBe(others.length);
  const plan = await runImages(root, { ...setup, dryRun: true });
  expect(plan.result?.outcomes.map(({ file, did }) => [file, did])).toEqual([
    ['ChestDx-1.zip', 'failed'],
  ]);
  expect(plan.result?.images).toMatchObject({ images: 6, here: others.length });
  await writeFile(path, bytes);
  const second = await runImages(root, setup);
  expect(second.exit).toBe(0);
  expect(second.result?.images).toMatchObject({ images: 6, here: 6 });
});

test('an archive that has changed since its directory was read is started over', async () => {
  const { manifest, directory, sources } = await release();
  const root = await tempDir();
  await runImages(root, { manifest, sources, images: SOME });
  // The same bytes with another date: a mirror that was copied anew has other validators.
  for (const name of ['ChestDx-1.zip', 'ChestDx-2.zip', 'ChestDx_PE-1.zip']) {
    const path = join(directory, name);
    await writeFile(path, await readFile(path));
  }
  const more = await runImages(root, { manifest, sources, images: choiceOf({ limit: 9 }) });
  expect(more.error).toBeUndefined();
  expect(more.exit).toBe(0);
  expect(await imagesIn(root)).toHaveLength(9);
});

test('rows whose image its archive does not have are told, and the others come', async () => {
  const { manifest, directory, server } = await release();
  const csv = await readFile(join(directory, 'chest_dx.csv'), 'utf8');
  const [header = ''] = csv.split('\n');
  const row = header.split(',').map((column) => (column === 'Hernia' ? '1' : '0'));
  const add = (image: string, zip: string) => [image, zip, ...row.slice(2)].join(',');
  const text = [
    csv.trimEnd(),
    add('patient9_000.jpg', 'ChestDx-1'),
    add('patient8_000.jpg', 'ChestDx-99'),
    '',
  ].join('\n');
  const labels = join(directory, 'chest_dx.csv');
  await writeFile(labels, text);
  const root = await tempDir();
  const { result, error } = await runImages(root, {
    manifest: withBytes(manifest, { 'chest_dx.csv': Buffer.from(text) }),
    sources: [`${server.url.replace(/\/$/, '')}/{name}`],
    images: choiceOf({ labels: ['Hernia', 'Pneumonia'], limit: 500 }),
    selection: { files: ['ChestDx-1'] },
  });
  expect(error).toBeUndefined();
  expect(result?.images?.notInArchive).toEqual(['ChestDx-1/patient9_000.jpg']);
  expect(result?.images?.remarks.map(({ kind }) => kind).sort()).toEqual([
    'row-without-image',
    'unknown-archive',
  ]);
  expect(result?.images?.here).toBe((result?.images?.images ?? 0) - 1);
});

test('a stop keeps what has come, and the next run goes on', async () => {
  const { manifest, sources } = await release();
  const root = await tempDir();
  const stop = new AbortController();
  const images = choiceOf({ limit: 9 });
  const stopped = await runImages(root, {
    ...{ manifest, sources, images, connections: 1, concurrency: 1 },
    signal: stop.signal,
    onOutcome: ({ kind }) => {
      if (kind === 'archive') stop.abort();
    },
  });
  expect(stopped.error).toMatchObject({ code: 'aborted' });
  const before = await imagesIn(root);
  expect(before.length).toBeGreaterThan(0);
  expect(before.length).toBeLessThan(9);
  const { result } = await runImages(root, { manifest, sources, images });
  expect(result?.plan.images?.imagesHere).toBe(before.length);
  expect(await imagesIn(root)).toHaveLength(9);
});
