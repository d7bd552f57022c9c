import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { layoutOf } from '../../src/dataset/layout.ts';
import { CHEST_HEADER, chestRow, lines } from '../support/csv.ts';
import { snapshot } from '../support/dataset.ts';
import {
  type RunSetup,
  type Sample,
  destIn,
  manifestOf,
  noise,
  run,
  sampleArchive,
  sampleLabels,
  toSample,
} from '../support/fetching.ts';
import { saying, nextSaying } from '../support/matchers.ts';
import { listTree, useTempDirs, writeTree } from '../support/temp-dirs.ts';
import { buildZip } from '../support/zip-builder.ts';

const tempDir = useTempDirs();
const a = sampleArchive('ChestDx-1.zip');
const b = sampleArchive('ChestDx-2.zip');
const labels = sampleLabels(
  'chest_dx.csv',
  lines(CHEST_HEADER, chestRow('patient1000_000.jpg', 'ChestDx-1', 'Mass')),
);

/** The same name in another release. */
const other = (sample: Sample, md5: string, facts = {}): Sample => ({
  ...sample,
  file: { ...sample.file, md5: md5.repeat(32), ...facts },
});

/** A dataset of one manifest, and what fetches into it. */
async function setUp(extra: Partial<RunSetup> = {}) {
  const root = await tempDir();
  const files = [a, b, labels].map(({ name, bytes }) => [name, bytes] as const);
  await writeTree(join(root, 'mirror'), Object.fromEntries(files));
  const setup = {
    dest: destIn(root),
    manifest: manifestOf(a, b, labels),
    sources: [join(root, 'mirror')],
    extract: true,
    ...extra,
  };
  expect((await run(setup)).exit).toBe(0);
  return setup;
}

/** What no run with another manifest may touch. */
const foreign = {
  [`archives/${a.name}`]: a.bytes,
  [`archives/${b.name}`]: b.bytes,
  [`labels/${labels.name}`]: labels.bytes,
};

const theirs = manifestOf(other(a, 'a'), other(b, 'b'), other(labels, 'c'));

describe('files that are right by the kept manifest, and unknown to the ledger', () => {
  it.each([
    ['in a size that this one can not have: by that alone', { size: '9MB' }, true],
    ['in a size that it can have: by their bytes', {}, false],
  ])('stay where they are, %s', async (_, facts, isRefused) => {
    const setup = await setUp({ extract: false });
    await rm(join(layoutOf(setup.dest).ledger), { recursive: true });
    const manifest = manifestOf(other(a, 'a', facts));
    const ran = await run({ ...setup, manifest, foreign });
    expect(ran.exit).toBe(2);
    expect(ran.error !== undefined).toBe(isRefused);
    const error = ran.error ?? ran.result?.outcomes[0]?.error;
    expect(error).toMatchObject({
      code: 'other-manifest',
      message: saying('that of CC-CXRI test'),
      next: nextSaying('leave out the manifest'),
    });
    expect(await readFile(join(layoutOf(setup.dest).archives, a.name))).toEqual(a.bytes);
  });

  it('are others in a size that neither manifest has', async () => {
    const setup = await setUp({ extract: false });
    const { archives, ledger } = layoutOf(setup.dest);
    await rm(ledger, { recursive: true });
    const bytes = noise('other', 10);
    await writeTree(archives, { [a.name]: bytes });
    const manifest = manifestOf(other(a, 'a', { size: '9MB' }));
    const ran = await run({
      ...setup,
      manifest,
      foreign: { ...foreign, [`archives/${a.name}`]: bytes },
    });
    expect(ran.result?.outcomes[0]?.error).toMatchObject({ code: 'occupied' });
    expect(await readFile(join(archives, a.name))).toEqual(bytes);
  });
});

describe('files that passed for another manifest', () => {
  it.each([false, true])('are left alone, and the run is refused (dry: %s)', async (dryRun) => {
    const setup = await setUp();
    const index = await readFile(layoutOf(setup.dest).index, 'utf8');
    const before = await listTree(setup.dest);
    const ran = await run({ ...setup, manifest: theirs, dryRun, foreign });
    expect(ran.exit).toBe(2);
    expect(ran.error).toMatchObject({
      code: 'other-manifest',
      message: saying('these 3 files passed for another manifest than that of CC-CXRI test'),
      facts: { path: setup.dest, kept: saying('nothing was started') },
      next: nextSaying('leave out the manifest that you named'),
    });
    expect(await listTree(setup.dest)).toEqual(before);
    expect(await readFile(layoutOf(setup.dest).index, 'utf8')).toBe(index);
    expect((await run(setup)).outcomes).toEqual(['skipped', 'skipped', 'skipped']);
  });

  it('count as far as they are selected', async () => {
    const setup = await setUp();
    const manifest = manifestOf(other(a, 'a'), b, labels);
    expect((await run({ ...setup, manifest, foreign, selection: { files: [b.name] } })).exit).toBe(
      0,
    );
    const ran = await run({ ...setup, manifest, foreign });
    expect(ran.error).toMatchObject({ code: 'other-manifest', facts: { file: a.name } });
  });

  it('are refused of images too, whose archive was deleted', async () => {
    const setup = await setUp({ deleteArchives: true });
    const before = await snapshot(layoutOf(setup.dest).images);
    const ran = await run({ ...setup, manifest: manifestOf(other(a, 'a'), b, labels) });
    expect(ran.error).toMatchObject({
      code: 'other-manifest',
      message: saying('another manifest'),
    });
    expect(await snapshot(layoutOf(setup.dest).images)).toEqual(before);
  });

  it('make room when they are moved away: the corrected file is fetched', async () => {
    const setup = await setUp({ extract: false });
    const corrected = sampleArchive('ChestDx-1.zip', { bytes: 201_000 });
    await writeTree(setup.sources?.[0] ?? '', { [corrected.name]: corrected.bytes });
    await rm(join(layoutOf(setup.dest).archives, a.name));
    const ran = await run({ ...setup, manifest: manifestOf(corrected, b, labels) });
    expect(ran.outcomes).toEqual(['downloaded', 'skipped', 'skipped']);
  });

  it('pass by their content where the MD5 of this manifest is disputed', async () => {
    const setup = await setUp({ extract: false });
    const manifest = manifestOf(other(a, 'a', { md5Disputed: 'shared' }), b, labels);
    const ran = await run({ ...setup, manifest });
    expect(ran.outcomes).toEqual(['checked', 'skipped', 'skipped']);
    expect(ran.result?.outcomes[0]?.check).toBe('content-checked');
  });

  it('stay where they are when their content does not pass either', async () => {
    // Inside it names another archive.
    const bytes = buildZip([{ name: 'ChestDx-2/patient1_000.jpg', content: noise('x', 90_000) }]);
    const mixed = toSample(a.name, bytes, { kind: 'archive', category: 'ChestDx' });
    const dest = destIn(await tempDir());
    const mirror = join(dest, '..', '..', 'mirror');
    await writeTree(mirror, { [a.name]: bytes });
    await run({ dest, manifest: manifestOf(mixed), sources: [mirror] });
    const manifest = manifestOf(other(mixed, 'a', { md5Disputed: 'shared' }), b);
    const foreign = { [`archives/${a.name}`]: bytes };
    const selection = { files: [a.name] };
    const ran = await run({ dest, manifest, sources: [mirror], selection, foreign });
    expect(ran.exit).toBe(2);
    expect(ran.result?.outcomes[0]?.error).toMatchObject({
      code: 'other-manifest',
      message: saying('right by another manifest: that of CC-CXRI test, which the directory keeps'),
      facts: { path: join(dest, 'archives', a.name) },
      next: nextSaying('leave out the manifest'),
    });
    expect(await listTree(dest)).not.toContain(`.ccxri/bad/${a.name}`);
  });
});
