import { cp, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { layoutOf } from '../../src/dataset/layout.ts';
import type { FileOutcome } from '../../src/dataset/session.ts';
import { extractDataset } from '../../src/extract/extract-dataset.ts';
import type { Manifest } from '../../src/manifest/manifest.ts';
import { verifyDataset } from '../../src/verify/verify-dataset.ts';
import { type Sample, destIn, manifestOf, run, sampleArchive } from '../support/fetching.ts';
import { nextSaying, saying } from '../support/matchers.ts';
import { listTree, useTempDirs, writeTree } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const a = sampleArchive('ChestDx-1.zip');
const disputed = withFacts(a, { md5: 'd'.repeat(32), md5Disputed: 'shared' });
/** Of the same name and size in another release. */
const ours = manifestOf(withFacts(a, { md5: 'a'.repeat(32) }));

function withFacts(sample: Sample, facts: object): Sample {
  return { ...sample, file: { ...sample.file, ...facts } };
}

interface Place {
  readonly dest: string;
  readonly mirror: string;
}

/** A dataset directory of another release, and a source of the same. */
async function fetched(manifest: Manifest): Promise<Place> {
  const root = await tempDir();
  const place = { dest: destIn(root), mirror: join(root, 'mirror') };
  await writeTree(place.mirror, { [a.name]: a.bytes });
  expect((await run({ ...place, manifest, sources: [place.mirror] })).exit).toBe(0);
  return place;
}

/** Copied with other times and without its manifest: the ledger alone remembers what the file passed for. */
async function copied(manifest: Manifest): Promise<Place> {
  const { dest, mirror } = await fetched(manifest);
  const copy = `${dest}-copy`;
  await cp(dest, copy, { recursive: true });
  await utimes(join(layoutOf(copy).archives, a.name), 1, 1);
  await rm(layoutOf(copy).manifest);
  await rm(layoutOf(copy).manifestSum);
  return { dest: copy, mirror };
}

/** The manifest alone remembers. */
async function withoutLedger(manifest: Manifest): Promise<Place> {
  const place = await fetched(manifest);
  await rm(layoutOf(place.dest).ledger, { recursive: true });
  return place;
}

const COMMANDS: Readonly<Record<string, (place: Place) => Promise<readonly FileOutcome[]>>> = {
  fetch: async ({ dest, mirror }) => {
    const foreign = { [`archives/${a.name}`]: a.bytes };
    return (await run({ dest, manifest: ours, sources: [mirror], foreign })).result?.outcomes ?? [];
  },
  extract: async ({ dest }) => (await extractDataset({ dest, manifest: ours })).outcomes,
  verify: async ({ dest }) => (await verifyDataset({ dest, manifest: ours })).outcomes,
};

describe.each(Object.entries(COMMANDS))('%s with another manifest', (_, outcomesOf) => {
  it.each([
    ['that the ledger knows alone', () => copied(manifestOf(a)), '--manifest FILE'],
    ['that passed by their content', () => copied(manifestOf(disputed)), '--manifest FILE'],
    ['that the kept manifest knows alone', () => withoutLedger(manifestOf(a)), 'leave out'],
  ])('leaves good files %s where they are', async (__, placed, advice) => {
    const place = await placed();
    expect(await outcomesOf(place)).toMatchObject([
      { error: { code: 'other-manifest', next: nextSaying(advice) } },
    ]);
    const tree = await listTree(place.dest);
    expect(tree).toContain(`archives/${a.name}`);
    expect(tree.filter((path) => path.includes('/bad/'))).toEqual([]);
  });
});

it('a fetch is refused before it starts where the size is wrong too, though the MD5 is disputed', async () => {
  const { dest, mirror } = await fetched(manifestOf(a));
  const facts = { md5: 'a'.repeat(32), md5Disputed: 'shared', size: '9MB' };
  const manifest = manifestOf(withFacts(a, facts));
  const foreign = { [`archives/${a.name}`]: a.bytes };
  const ran = await run({ dest, manifest, sources: [mirror], foreign });
  expect(ran.error).toMatchObject({
    code: 'other-manifest',
    facts: { kept: saying('nothing was started') },
  });
});
