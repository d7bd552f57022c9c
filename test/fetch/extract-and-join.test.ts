import { mkdir, readFile, readdir, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { layoutOf } from '../../src/dataset/layout.ts';
import { datasetStatus } from '../../src/status.ts';
import { CHEST_HEADER, chestRow, lines, parseCsv } from '../support/csv.ts';
import {
  type Sample,
  destIn,
  manifestOf,
  noise,
  run,
  sampleArchive,
  sampleLabels,
  toSample,
} from '../support/fetching.ts';
import { checkInvariants, surroundings } from '../support/invariants.ts';
import { having, nextSaying } from '../support/matchers.ts';
import { canMount, useMounts } from '../support/mounts.ts';
import { useTempDirs, writeTree } from '../support/temp-dirs.ts';
import { rot } from '../support/verify.ts';
import { type ZipMember, buildZip } from '../support/zip-builder.ts';

const tempDir = useTempDirs();
const mounts = useMounts();
const a = sampleArchive('ChestDx-1.zip');
const b = sampleArchive('ChestDx-2.zip');
const rows = ['1000', '1001'].map((patient) =>
  chestRow(`patient${patient}_000.jpg`, 'ChestDx-1', 'Mass'),
);
const labels = sampleLabels('chest_dx.csv', lines(CHEST_HEADER, ...rows));

/** An archive as it was published, with members that must not be unpacked, or can't be. */
const odd = (...members: readonly ZipMember[]): Sample =>
  toSample('ChestDx-2.zip', buildZip(members), { kind: 'archive', category: 'ChestDx' });

async function setUp(...samples: readonly Sample[]) {
  const root = await tempDir();
  const files = samples.map(({ name, bytes }) => [name, bytes] as const);
  await writeTree(join(root, 'mirror'), Object.fromEntries(files));
  const manifest = manifestOf(...samples);
  return { dest: destIn(root), manifest, sources: [join(root, 'mirror')], extract: true };
}

it('downloads, extracts and joins; what is missing later is made good', async () => {
  const setup = await setUp(a, b, labels);
  const first = await run(setup);
  expect(first.outcomes).toEqual(['downloaded', 'downloaded', 'downloaded']);
  expect(first.result?.outcomes.map(({ members }) => members)).toEqual([2, 2, null]);
  const index = parseCsv(await readFile(layoutOf(setup.dest).index, 'utf8'));
  expect(index.map((row) => [row['path'], row['Mass']])).toEqual([
    ['images/ChestDx-1/patient1000_000.jpg', '1'],
    ['images/ChestDx-1/patient1001_000.jpg', '1'],
    ['images/ChestDx-2/patient1000_000.jpg', ''],
    ['images/ChestDx-2/patient1001_000.jpg', ''],
  ]);
  await rm(join(layoutOf(setup.dest).images, 'ChestDx-2'), { recursive: true });
  const second = await run(setup);
  expect(second.outcomes).toEqual(['skipped', 'extracted', 'skipped']);
  expect(second.result?.index?.rows).toBe(4);
});

it('an archive that the disk has damaged since it passed is bad, and the next run repairs it', async () => {
  const setup = await setUp(a, labels);
  await run({ ...setup, extract: false });
  const path = join(layoutOf(setup.dest).archives, a.name);
  // In its first member.
  await rot(path, 60);
  const foreign = { [`archives/${a.name}`]: await readFile(path) };
  const { result, exit } = await run({ ...setup, foreign });
  expect(result?.outcomes[0]).toMatchObject({
    ...{ did: 'failed', status: 'bad' },
    error: { code: 'md5-mismatch', next: [{ command: 'repair' }] },
  });
  expect(exit).toBe(3);
  expect((await run(setup)).outcomes).toEqual(['repaired', 'skipped']);
});

it.skipIf(!canMount)('writes the index also after a disk has ended the run', async () => {
  const setup = await setUp(a, b, labels);
  const { images, index } = layoutOf(setup.dest);
  await run({ ...setup, manifest: manifestOf(a, labels) });
  await rm(index);
  const elsewhere = join(setup.dest, '..', 'elsewhere');
  await rename(images, elsewhere);
  await symlink(await mounts.readOnly(elsewhere), images);
  const { error, outcomes, result, exit } = await run(setup);
  expect(error).toBeUndefined();
  expect(outcomes).toEqual([
    'skipped',
    expect.stringMatching(/^(?:disk-io|not-writable)$/),
    'skipped',
  ]);
  expect(exit).toBe(6);
  expect(result?.index?.rows).toBe(2);
});

it('keeps an index with labels when the label file is gone and can not be got again', async () => {
  const setup = await setUp(a, b, labels);
  await run(setup);
  const { index, labels: folder } = layoutOf(setup.dest);
  const before = await readFile(index, 'utf8');
  await rm(join(folder, labels.name));
  const foreign = { 'index.csv': before };
  const mirror = setup.sources[0] ?? '';
  await rm(join(mirror, labels.name));
  const failed = await run({ ...setup, foreign });
  expect(failed.outcomes).toEqual(['skipped', 'skipped', 'file-not-at-source']);
  expect(failed.exit).toBe(4);
  expect(failed.result?.outcomes[2]?.error?.next).toEqual(
    nextSaying('leave out the label files with --no-labels, or give another --source'),
  );
  expect(failed.result).not.toHaveProperty('indexError');
  expect(failed.events).toContainEqual(
    having({ event: 'warning', code: 'no-label-file', next: nextSaying('ccxri fetch --file') }),
  );
  // Not asked for, so that nothing else says so.
  const other = await run({ ...setup, foreign, selection: { files: [a.name] } });
  expect(other.result?.indexError).toMatchObject({ code: 'missing', facts: { file: labels.name } });
  expect(await readFile(index, 'utf8')).toBe(before);
  // Without an archive, or where archives are not there either, that would not help.
  const alone = await run({ ...setup, foreign, selection: { files: [labels.name] } });
  expect(alone.result?.outcomes[0]?.error?.next).not.toEqual(nextSaying('--no-labels'));
  await writeTree(mirror, { [labels.name]: labels.bytes });
  const mended = await run({ ...setup, selection: { files: [labels.name] } });
  expect(mended.result?.index?.rows).toBe(4);
});

function statusesOf({ result }: Awaited<ReturnType<typeof run>>) {
  return result?.outcomes.map(({ status, removedBytes }) => [status, removedBytes]);
}

it('announces the archives that it deletes also where they have to be downloaded first', async () => {
  const setup = await setUp(a, b);
  const ran = await run({ ...setup, deleteArchives: true });
  const plan = ran.events[0];
  if (plan?.event !== 'plan') throw new Error('no plan');
  expect(plan).toMatchObject({ toRemove: 2, bytesToRemove: plan.bytesToDownload });
  expect(ran.events.filter(({ event }) => event === 'archive-removed')).toHaveLength(2);
});

it('announces the archives here that it deletes, and says when each is deleted', async () => {
  const setup = await setUp(a, b);
  await run(setup);
  await rm(join(layoutOf(setup.dest).images, 'ChestDx-2'), { recursive: true });
  const ran = await run({ ...setup, deleteArchives: true });
  const [sizeOfA, sizeOfB] = [a.bytes.length, b.bytes.length];
  const bytesToRemove = sizeOfA + sizeOfB;
  expect(ran.events[0]).toMatchObject({ event: 'plan', toRemove: 2, bytesToRemove });
  expect(ran.result?.plan).toMatchObject({
    bytesToRemove,
    steps: [{ removes: true }, { removes: true }],
  });
  expect(ran.events.filter(({ event }) => event === 'archive-removed')).toEqual([
    { event: 'archive-removed', file: a.name, subsets: ['chestdx'], bytes: sizeOfA },
    { event: 'archive-removed', file: b.name, subsets: ['chestdx'], bytes: sizeOfB },
  ]);
  expect(statusesOf(ran)).toEqual([
    ['removed', sizeOfA],
    ['removed', sizeOfB],
  ]);
  const { files } = await datasetStatus({ manifest: setup.manifest, dest: setup.dest });
  expect(files.map(({ status, images }) => [status, images])).toEqual([
    ['removed', 'complete'],
    ['removed', 'complete'],
  ]);
});

it('deletes archives when their images are here, and does not get them again', async () => {
  const setup = { ...(await setUp(a, b)), deleteArchives: true };
  const first = await run(setup);
  expect(first.outcomes).toEqual(['downloaded', 'downloaded']);
  expect(await readdir(layoutOf(setup.dest).archives)).toEqual([]);
  const again = await run(setup);
  expect(again.outcomes).toEqual(['skipped', 'skipped']);
  expect(statusesOf(again)).toEqual([
    ['removed', 0],
    ['removed', 0],
  ]);
  const kept = await run({ ...setup, deleteArchives: false, extract: false });
  expect(kept.outcomes).toEqual(['downloaded', 'downloaded']);
});

describe('an archive that has its MD5, and can not be unpacked', () => {
  it.each([
    { name: 'is not safe', members: [{ name: '../../evil.jpg', content: 'x' }], exit: 7 },
    { name: 'is damaged', members: [{ name: 'a.jpg', content: 'x', crc32: 1 }], exit: 3 },
  ])('because it $name: it stays, its images do not appear, the others go on', async (row) => {
    const setup = await setUp(a, odd(...row.members, { name: 'b.jpg', content: noise('b', 9000) }));
    const ran = await run(setup);
    expect(ran.exit).toBe(row.exit);
    const [good, bad] = ran.result?.outcomes ?? [];
    expect(good?.did).toBe('downloaded');
    expect(bad).toMatchObject({ did: 'failed', check: 'verified', members: null });
    expect(await readdir(layoutOf(setup.dest).images)).toEqual(['ChestDx-1']);
    expect(await readdir(layoutOf(setup.dest).archives)).toEqual([a.name, 'ChestDx-2.zip']);
    expect(ran.result?.index?.rows).toBe(2);
    // Nothing is downloaded again for it.
    const again = await run({ ...setup, sources: [join(setup.dest, 'nowhere')] });
    expect(again.exit).toBe(row.exit);
  });
});

it('does all its work beside an index.csv that is not its own, which stays', async () => {
  const setup = await setUp(a, b, labels);
  await writeTree(setup.dest, { 'index.csv': 'mine\n' });
  const ran = await run(setup);
  expect(ran.outcomes).toEqual(['downloaded', 'downloaded', 'downloaded']);
  expect(await readdir(join(setup.dest, 'images'))).toEqual(['ChestDx-1', 'ChestDx-2']);
  expect(ran.result?.index).toBeUndefined();
  expect(ran.result?.indexError).toMatchObject({ code: 'occupied' });
  const foreign = { 'index.csv': 'mine\n' };
  await checkInvariants({ dest: setup.dest, manifest: setup.manifest, foreign });
});

it('writes nothing through a link in the place of the index', async () => {
  const setup = await setUp(a, labels);
  await writeTree(join(setup.dest, '..'), { 'mine.txt': 'mine\n' });
  await mkdir(setup.dest, { recursive: true });
  await symlink(join('..', 'mine.txt'), layoutOf(setup.dest).index);
  const before = await surroundings(setup.dest);
  const ran = await run(setup);
  expect(ran.result?.index?.rows).toBe(2);
  await checkInvariants({ dest: setup.dest, manifest: setup.manifest, before });
});

it('says why the index could not be made, and keeps what was downloaded', async () => {
  const wrong = sampleLabels('chest_dx.csv', 'image,zip\npatient1000_000.jpg\n');
  const ran = await run(await setUp(a, wrong));
  expect(ran.outcomes).toEqual(['downloaded', 'downloaded']);
  expect(ran.result?.index).toBeUndefined();
  expect(ran.result?.indexError).toMatchObject({ code: 'labels-invalid' });
});

it('joins nothing where that was not asked for, or nothing is extracted', async () => {
  const setup = await setUp(a);
  for (const options of [{ join: false }, { extract: false }]) {
    const ran = await run({ ...setup, ...options });
    expect(ran.exit).toBe(0);
    expect(ran.result?.index).toBeUndefined();
  }
  await expect(readFile(layoutOf(setup.dest).index)).rejects.toMatchObject({ code: 'ENOENT' });
});

it('adopts images that lie there, and leaves those that are not the archive alone', async () => {
  const setup = await setUp(a);
  const mine = { 'images/ChestDx-1/mine.jpg': 'mine' };
  await writeTree(setup.dest, mine);
  const ran = await run({ ...setup, foreign: mine });
  expect(ran.outcomes).toEqual(['occupied']);
  expect(ran.exit).toBe(3);
});
