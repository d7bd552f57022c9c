import { mkdir, readdir, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { PartStore } from '../../src/download/part-store.ts';
import { acquireLock } from '../../src/fs/lock.ts';
import { findFile } from '../../src/manifest/manifest.ts';
import { sizeOf } from '../../src/manifest/size.ts';
import { type FileStatusRow, type StatusResult, datasetStatus } from '../../src/status.ts';
import { type Dataset, makeDataset, snapshot } from '../support/dataset.ts';
import { canMount, useMounts } from '../support/mounts.ts';
import { useTempDirs } from '../support/temp-dirs.ts';
import { ALL, rot, verify } from '../support/verify.ts';

const tempDir = useTempDirs();
const mounts = useMounts();

function status({ manifest, root }: Dataset, dest = root): Promise<StatusResult> {
  return datasetStatus({ manifest, dest });
}

function statesOf({ files }: StatusResult): Readonly<Record<string, string>> {
  return Object.fromEntries(
    files.map(({ file, status: word, why, images }) => [
      file,
      [word, why, images].filter(Boolean).join(' '),
    ]),
  );
}

/** Label files have no images. */
const MISSING = Object.fromEntries(
  ALL.map((name) => [name, name.endsWith('.zip') ? 'missing missing' : 'missing']),
);

function rowOf({ files }: StatusResult, name: string): FileStatusRow {
  const row = files.find(({ file }) => file === name);
  if (row === undefined) throw new Error(`no row of ${name}`);
  return row;
}

it('calls images of which some are gone partial, until verify has seen it', async () => {
  const dataset = await makeDataset(await tempDir(), { extracted: ['Normal-4'] });
  const folder = join(dataset.layout.images, 'Normal-4');
  const [first = ''] = (await readdir(folder)).sort();
  await rm(join(folder, first), { recursive: true });
  expect(statesOf(await status(dataset))['Normal-4.zip']).toBe('verified partial');
  await verify(dataset, { depth: 'deep' });
  expect(statesOf(await status(dataset))['Normal-4.zip']).toBe('bad bad');
});

it('says of each file how far it is, and writes nothing', async () => {
  const extracted = ['ChestDx-1', 'ChestDx-2', 'Normal-4', 'Viral-1'];
  const release = { doubledMd5: 'Viral-1' } as const;
  const dataset = await makeDataset(await tempDir(), { extracted, release });
  await rm(dataset.pathOf('ChestDx-2'));
  await rm(dataset.pathOf('ChestDx_PE-1'));
  await truncate(dataset.pathOf('chest_dx.csv'), 100);
  await rm(dataset.layout.images.concat('/Viral-1'), { recursive: true });
  await rm(join(dataset.layout.ledger, 'viral_pneumonia_COVID-19.csv.json'));
  const before = await snapshot(dataset.root);
  const result = await status(dataset);
  expect(result.files.map(({ file }) => file)).toEqual(
    dataset.manifest.files.map(({ name }) => name),
  );
  expect(statesOf(result)).toEqual({
    'ChestDx-1.zip': 'verified complete',
    'ChestDx-2.zip': 'removed complete',
    'ChestDx_PE-1.zip': 'missing missing',
    'chest_dx.csv': 'present changed',
    'Normal-4.zip': 'verified complete',
    'Viral-1.zip': 'verified missing',
    'viral_pneumonia_COVID-19.csv': 'present not-checked',
    'Other-1.zip': 'content-checked missing',
  });
  const { size } = await stat(dataset.pathOf('ChestDx-1'));
  expect(rowOf(result, 'ChestDx-1.zip')).toEqual({
    file: 'ChestDx-1.zip',
    kind: 'archive',
    singleImages: 0,
    namedImages: 0,
    resizedTo: null,
    subsets: ['chestdx'],
    status: 'verified',
    why: null,
    images: 'complete',
    bytesHere: size,
    bytes: size,
    about: false,
    check: 'verified',
    checkedAt: '2026-01-05T10:11:12.000Z',
  });
  expect(rowOf(result, 'Other-1.zip').check).toBe('content-checked');
  expect(rowOf(result, 'chest_dx.csv')).toMatchObject({ bytesHere: 100, check: null });
  // Of an archive that is gone, its images are here.
  const members = await dataset.ledger.readMembers('ChestDx-2.zip');
  const imageBytes = members?.members.reduce((sum, { bytes }) => sum + bytes, 0);
  expect(rowOf(result, 'ChestDx-2.zip')).toMatchObject({
    bytesHere: imageBytes,
    check: 'verified',
  });
  expect(result).toMatchObject({
    dest: dataset.root,
    exists: true,
    index: false,
    lockedBy: null,
    quarantined: [],
  });
  expect(await snapshot(dataset.root)).toEqual(before);
});

it('reads no archive: what has rotted under its size and time is verified', async () => {
  const dataset = await makeDataset(await tempDir(), { extracted: ['ChestDx-1'] });
  await rot(dataset.pathOf('ChestDx-1'));
  expect(statesOf(await status(dataset))['ChestDx-1.zip']).toBe('verified complete');
  await utimes(dataset.pathOf('ChestDx-1'), 1, 1);
  expect(statesOf(await status(dataset))['ChestDx-1.zip']).toBe('present changed complete');
});

it('a directory that is not there is no error', async () => {
  const dataset = await makeDataset(await tempDir());
  const dest = join(dataset.root, 'nowhere');
  const result = await status(dataset, dest);
  expect(result).toMatchObject({ dest, exists: false, index: false, lockedBy: null });
  expect(statesOf(result)).toEqual(MISSING);
  expect(rowOf(result, 'ChestDx-1.zip')).toMatchObject({
    bytesHere: 0,
    ...sizeOf(findFile(dataset.manifest, 'ChestDx-1')),
    check: null,
    checkedAt: null,
  });
});

it('nor is a file in its place', async () => {
  const dataset = await makeDataset(await tempDir());
  const result = await status(dataset, dataset.pathOf('chest_dx.csv'));
  expect(result.exists).toBe(false);
  expect(statesOf(result)).toEqual(MISSING);
});

it('narrows to what is selected', async () => {
  const dataset = await makeDataset(await tempDir());
  const { manifest, root: dest } = dataset;
  const viral = await datasetStatus({ manifest, dest, selection: { subsets: ['viral'] } });
  expect(Object.keys(statesOf(viral))).toEqual(['Viral-1.zip', 'viral_pneumonia_COVID-19.csv']);
  const everything = await datasetStatus({ manifest, dest, selection: { files: [], subsets: [] } });
  expect(everything.files).toHaveLength(manifest.files.length);
  const wrong = datasetStatus({ manifest, dest, selection: { subsets: ['virus'] } });
  await expect(wrong).rejects.toMatchObject({ code: 'unknown-subset' });
});

it('reports how much of a download is here', async () => {
  const dataset = await makeDataset(await tempDir());
  await rm(dataset.pathOf('Normal-4'));
  const { name, md5 } = findFile(dataset.manifest, 'Normal-4');
  const part = await new PartStore(dataset.layout.partial).open({ name, md5 });
  const origin = { url: 'http://mirror.example/a', validator: '"strong"', totalBytes: 5000 };
  await part.restart(origin);
  await part.write(Buffer.alloc(4321), part.bytes);
  await part.leave();
  expect(rowOf(await status(dataset), name)).toMatchObject({ status: 'partial', bytesHere: 4321 });
});

it('names who is at work, what is in quarantine, and whether the index is there', async () => {
  const dataset = await makeDataset(await tempDir());
  const { layout } = dataset;
  await mkdir(layout.bad);
  await rm(dataset.pathOf('Other-1'));
  await writeFile(join(layout.bad, 'Other-1.zip'), 'wrong');
  await writeFile(join(layout.bad, 'Other-1.zip.json'), '{}');
  await writeFile(layout.index, 'path\n');
  const release = await acquireLock({ path: layout.lock, wait: false, clock: systemClock });
  const result = await status(dataset);
  expect(result.lockedBy).toMatch(new RegExp(`^pid ${process.pid} on ${hostname()} since `));
  expect(result.quarantined).toEqual([join(layout.bad, 'Other-1.zip')]);
  expect(result.index).toBe(true);
  expect(rowOf(result, 'Other-1.zip')).toMatchObject({ status: 'bad', why: 'quarantined' });
  await release();
});

it.skipIf(!canMount)('#77 needs no right to write', async () => {
  const dataset = await makeDataset(await tempDir(), { extracted: ['ChestDx-1'] });
  await writeFile(dataset.layout.lock, 'half-writ');
  const seen = await mounts.readOnly(dataset.root);
  const result = await status(dataset, seen);
  expect(result.lockedBy).toBe('a run that is just starting');
  expect(statesOf(result)).toMatchObject({
    'ChestDx-1.zip': 'verified complete',
    'ChestDx-2.zip': 'verified missing',
  });
});

it('stops when it is aborted', async () => {
  const { manifest, root: dest } = await makeDataset(await tempDir());
  const stopped = datasetStatus({ manifest, dest, signal: AbortSignal.abort() });
  await expect(stopped).rejects.toMatchObject({ code: 'aborted' });
});
