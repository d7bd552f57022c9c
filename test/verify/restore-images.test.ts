import { readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { describe, expect, it } from 'vitest';
import { withSession } from '../../src/dataset/session.ts';
import { extractDataset } from '../../src/extract/extract-dataset.ts';
import { fetchDataset } from '../../src/fetch/fetch-dataset.ts';
import { systemClock } from '../../src/clock.ts';
import { acquireLock } from '../../src/fs/lock.ts';
import { datasetStatus } from '../../src/status.ts';
import { noteImages } from '../../src/verify/ledger-notes.ts';
import { type Dataset, makeDataset } from '../support/dataset.ts';
import { having, nextSaying } from '../support/matchers.ts';
import { canMount, useMounts } from '../support/mounts.ts';
import { useTempDirs } from '../support/temp-dirs.ts';
import { all, outcomeOf, rot, statusesOf, verify } from '../support/verify.ts';
import { renderNextSteps } from '../../src/cli/next-steps.ts';

const tempDir = useTempDirs();
const mounts = useMounts();
const ARCHIVE = 'ChestDx-1.zip';

interface Rotten {
  readonly dataset: Dataset;
  /** A path. Its length and times are as they were. */
  readonly image: string;
  readonly content: Buffer;
}

async function rotten(): Promise<Rotten> {
  const dataset = await makeDataset(await tempDir(), { extracted: ['ChestDx-1'] });
  const name = dataset.release.images.find(({ archive }) => archive === 'ChestDx-1')?.name ?? '';
  const image = join(dataset.imagesOf('ChestDx-1'), name);
  const content = await readFile(image);
  await rot(image);
  return { dataset, image, content };
}

function fetch({ root, manifest, release }: Dataset) {
  const selection = { files: ['ChestDx-1'] };
  const sources = [release.directory];
  return fetchDataset({ manifest, dest: root, selection, sources, join: false });
}

async function stateOf({ root, manifest }: Dataset) {
  const { files } = await datasetStatus({ manifest, dest: root });
  return files.find(({ file }) => file === ARCHIVE);
}

async function foundBadAt({ ledger }: Dataset) {
  return (await ledger.readMembers(ARCHIVE))?.foundBadAt;
}

describe('an image with other bytes in the same length, once verify has found it', () => {
  it('is reported by status, and extracted again by a fetch', async () => {
    const { dataset, image, content } = await rotten();
    // Nothing but a deep look tells it.
    expect((await fetch(dataset)).outcomes).toMatchObject([{ did: 'skipped' }]);
    expect(await readFile(image)).not.toEqual(content);
    const selection = { files: ['ChestDx-1'] };
    const result = await verify(dataset, { depth: 'deep', selection });
    expect(outcomeOf(result, ARCHIVE)).toMatchObject({
      status: 'bad',
      error: {
        code: 'damaged-archive',
        next: nextSaying('run `ccxri fetch --file ChestDx-1` to restore them'),
      },
    });
    expect(await stateOf(dataset)).toMatchObject({
      status: 'bad',
      images: 'bad',
      check: 'verified',
    });
    const fetched = await fetch(dataset);
    expect(fetched.outcomes).toMatchObject([{ did: 'extracted', members: 7 }]);
    expect(fetched.bytesDownloaded).toBe(0);
    expect(await readFile(image)).toEqual(content);
    expect(await stateOf(dataset)).toMatchObject({ status: 'verified', images: 'complete' });
    expect(statusesOf(await verify(dataset, { depth: 'deep' }))).toEqual(all('verified'));
  });

  it('is extracted again by an extraction', async () => {
    const { dataset, image, content } = await rotten();
    await verify(dataset, { depth: 'deep' });
    const { outcomes } = await extractDataset({ manifest: dataset.manifest, dest: dataset.root });
    expect(outcomes).toContainEqual(
      expect.objectContaining({ file: ARCHIVE, did: 'extracted', members: 7 }),
    );
    expect(await readFile(image)).toEqual(content);
  });

  it('is restored from the source where the archive is gone', async () => {
    const { dataset, image, content } = await rotten();
    await rm(dataset.pathOf(ARCHIVE));
    expect(statusesOf(await verify(dataset))[ARCHIVE]).toBe('bad');
    const row = await stateOf(dataset);
    expect(row).toMatchObject({ status: 'bad', images: 'bad' });
    expect(row?.bytesHere).toBeGreaterThan(0);
    expect((await fetch(dataset)).outcomes).toMatchObject([{ did: 'downloaded', members: 7 }]);
    expect(await readFile(image)).toEqual(content);
  });

  it('is good again for all once it is put back', async () => {
    const { dataset, image, content } = await rotten();
    await rm(dataset.pathOf(ARCHIVE));
    await verify(dataset);
    await writeFile(image, content);
    // Sizes alone take nothing back.
    await verify(dataset, { depth: 'quick' });
    expect(await foundBadAt(dataset)).toBeDefined();
    expect(statusesOf(await verify(dataset))[ARCHIVE]).toBe('crc-checked');
    expect(await stateOf(dataset)).toMatchObject({ status: 'removed', images: 'complete' });
  });

  it("stays where a file of somebody else's is among the images", async () => {
    const { dataset, image } = await rotten();
    const folder = dataset.imagesOf('ChestDx-1');
    await writeFile(join(folder, 'notes.txt'), 'mine');
    const bytes = await readFile(image);
    const result = await verify(dataset, { depth: 'deep' });
    expect(outcomeOf(result, ARCHIVE).error).toMatchObject({
      next: nextSaying(
        `move ${folder} away, then run \`ccxri extract --file ChestDx-1\` to restore them`,
      ),
    });
    expect((await fetch(dataset)).outcomes).toMatchObject([
      { did: 'failed', error: { code: 'occupied', facts: { reasons: ['notes.txt'] } } },
    ]);
    expect(await readFile(join(folder, 'notes.txt'), 'utf8')).toBe('mine');
    expect(await readFile(image)).toEqual(bytes);
  });

  it('stays where the folder is a link', async () => {
    const { dataset } = await rotten();
    const folder = dataset.imagesOf('ChestDx-1');
    await rename(folder, join(dataset.root, '..', 'elsewhere'));
    await symlink(join('..', '..', 'elsewhere'), folder);
    const result = await verify(dataset, { depth: 'deep' });
    expect(outcomeOf(result, ARCHIVE).error?.next).toEqual(nextSaying('move '));
    expect((await fetch(dataset)).outcomes).toMatchObject([{ error: { code: 'occupied' } }]);
  });

  it('is no case for an extraction where the ledger does not know the images', async () => {
    const { dataset } = await rotten();
    await rm(join(dataset.layout.ledger, 'ChestDx-1.members.json'));
    const result = await verify(dataset, { depth: 'deep' });
    expect(outcomeOf(result, ARCHIVE).error?.next).toEqual(nextSaying('move '));
    expect(await foundBadAt(dataset)).toBeUndefined();
    expect((await fetch(dataset)).outcomes).toMatchObject([{ error: { code: 'occupied' } }]);
  });

  it('is not held against images that a fetch has put there meanwhile', async () => {
    const { dataset } = await rotten();
    const { ledger } = dataset;
    const known = await ledger.readMembers(ARCHIVE);
    if (known === undefined) throw new Error('no record');
    await ledger.writeMembers({ ...known, extractedAt: '2026-02-03T04:05:06.000Z' });
    const { root: dest, manifest } = dataset;
    const noted = await withSession({ dest, manifest }, {}, (session) =>
      noteImages(known, 'bad', { session, noteLimit: pLimit(1) }),
    );
    expect(noted).toBe(false);
    expect(await foundBadAt(dataset)).toBeUndefined();
  });

  it('is reported, and not recorded, while another run holds the lock', async () => {
    const { dataset } = await rotten();
    const { lock: path } = dataset.layout;
    const release = await acquireLock({ path, wait: false, clock: systemClock });
    const result = await verify(dataset, { depth: 'deep' });
    await release();
    expect(outcomeOf(result, ARCHIVE)).toMatchObject({
      status: 'bad',
      error: { code: 'damaged-archive', next: nextSaying('move ') },
    });
    expect(await foundBadAt(dataset)).toBeUndefined();
  });

  it.skipIf(!canMount)('is reported all the same where the ledger cannot be written', async () => {
    const { dataset } = await rotten();
    const root = await mounts.readOnly(dataset.root);
    const result = await verify({ ...dataset, root }, { depth: 'deep' });
    expect(outcomeOf(result, ARCHIVE)).toMatchObject({
      status: 'bad',
      error: { code: 'damaged-archive', next: nextSaying('move ') },
    });
    expect(await foundBadAt(dataset)).toBeUndefined();
  });
});

describe('images that are gone, though they were extracted', () => {
  async function gone(...left: readonly string[]): Promise<Dataset> {
    const extracted = ['ChestDx-1', 'ChestDx-2'];
    const dataset = await makeDataset(await tempDir(), { extracted });
    for (const name of extracted) {
      if (!left.includes(name)) await rm(dataset.imagesOf(name), { recursive: true });
    }
    return dataset;
  }

  it('are missing in a deep check, with one next step that brings all back', async () => {
    const dataset = await gone();
    await rm(dataset.layout.images, { recursive: true });
    const result = await verify(dataset, { depth: 'deep' });
    const missing = { 'ChestDx-1.zip': 'missing', 'ChestDx-2.zip': 'missing' };
    expect(statusesOf(result)).toEqual({ ...all('verified'), ...missing });
    const hint =
      'run `ccxri extract --file ChestDx-1 --file ChestDx-2` to bring back all images that are gone';
    const errors = result.outcomes.flatMap(({ error }) => error ?? []);
    expect(errors).toEqual([
      having({ code: 'missing', next: nextSaying(hint) }),
      having({ code: 'missing', next: nextSaying(hint) }),
    ]);
    await extractDataset({
      manifest: dataset.manifest,
      dest: dataset.root,
      selection: { files: ['ChestDx-1', 'ChestDx-2'] },
    });
    expect(statusesOf(await verify(dataset, { depth: 'deep' }))).toEqual(all('verified'));
  });

  it('of one archive are missing, the others are not', async () => {
    const result = await verify(await gone('ChestDx-2'), { depth: 'deep' });
    expect(statusesOf(result)).toEqual({ ...all('verified'), 'ChestDx-1.zip': 'missing' });
    const { error } = outcomeOf(result, ARCHIVE);
    expect(error?.next).toEqual(nextSaying('`ccxri extract --file ChestDx-1`'));
  });

  it('are the command without names where all that is here lacks them', async () => {
    const dataset = await gone();
    for (const name of ['ChestDx_PE-1', 'Normal-4', 'Viral-1', 'Other-1']) {
      await rm(dataset.pathOf(name));
    }
    const { outcomes } = await verify(dataset, { depth: 'deep' });
    const hints = outcomes.flatMap(({ error }) =>
      error === undefined ? [] : renderNextSteps(error.next, {}),
    );
    expect(new Set(hints)).toEqual(
      new Set(['run `ccxri extract` to bring back all images that are gone']),
    );
  });

  it('are missing where the archive is gone as well, and come back with it', async () => {
    const dataset = await gone('ChestDx-2');
    await rm(dataset.pathOf(ARCHIVE));
    const result = await verify(dataset, { depth: 'deep' });
    expect(outcomeOf(result, ARCHIVE)).toMatchObject({
      status: 'missing',
      error: { code: 'missing', next: nextSaying('`ccxri fetch --file ChestDx-1`') },
    });
  });

  it('are got by a fetch of the selection', async () => {
    const selection = { subsets: ['chestdx'] };
    const result = await verify(await gone(), { depth: 'deep', selection });
    const hints = result.outcomes.flatMap(({ error }) =>
      error === undefined ? [] : renderNextSteps(error.next, {}),
    );
    expect(new Set(hints)).toEqual(
      new Set(['run `ccxri fetch --subset chestdx` to bring back all images that are gone']),
    );
  });

  it.each(['full', 'quick'] as const)(
    'are not missed in a look that is not deep (%s)',
    async (depth) => {
      const result = await verify(await gone(), { depth });
      expect(result.outcomes.filter(({ error }) => error !== undefined)).toEqual([]);
    },
  );

  it('are not missed where they were never extracted, or of another release', async () => {
    const dataset = await gone('ChestDx-2');
    const record = await dataset.ledger.readMembers(ARCHIVE);
    if (record === undefined) throw new Error('no record');
    await dataset.ledger.writeMembers({ ...record, md5: 'f'.repeat(32) });
    expect(statusesOf(await verify(dataset, { depth: 'deep' }))).toEqual(all('verified'));
  });
});
