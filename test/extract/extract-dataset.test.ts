import { createHash } from 'node:crypto';
import {
  chmod,
  copyFile,
  mkdir,
  readFile,
  rm,
  stat,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import type { RunEvent } from '../../src/events.ts';
import { extractDataset } from '../../src/extract/extract-dataset.ts';
import type { ExtractOptions, ExtractResult } from '../../src/extract/types.ts';
import { acquireLock } from '../../src/fs/lock.ts';
import { type Dataset, makeDataset, md5Of, snapshot } from '../support/dataset.ts';
import { manifestOf, sampleArchive } from '../support/fetching.ts';
import { checkInvariants } from '../support/invariants.ts';
import { canMount, useMounts } from '../support/mounts.ts';
import { useTempDirs, writeTree } from '../support/temp-dirs.ts';
import { buildZip } from '../support/zip-builder.ts';
import { nextSaying } from '../support/matchers.ts';
import { rot } from '../support/verify.ts';

const tempDir = useTempDirs();
const mounts = useMounts();

const ALL = [
  'ChestDx-1.zip',
  'ChestDx-2.zip',
  'ChestDx_PE-1.zip',
  'Normal-4.zip',
  'Viral-1.zip',
  'Other-1.zip',
];

const REPAIR = { kind: 'run', command: 'repair', files: ['ChestDx-1'] };

function extract(
  { root, manifest }: Dataset,
  options: Partial<ExtractOptions> = {},
): Promise<ExtractResult> {
  return extractDataset({ manifest, dest: root, ...options });
}

function statuses({ outcomes }: ExtractResult): Readonly<Record<string, string>> {
  return Object.fromEntries(outcomes.map(({ file, did }) => [file, did]));
}

function each(status: string, files: readonly string[] = ALL): Readonly<Record<string, string>> {
  return Object.fromEntries(files.map((file) => [file, status]));
}

/** Without what the run left of its own: the checks see a dataset at rest. */
async function expectSound({ root, manifest }: Dataset): Promise<void> {
  await checkInvariants({ dest: root, manifest });
}

describe('extract', () => {
  it('without a selection unpacks every archive that is here', async () => {
    const dataset = await makeDataset(await tempDir());
    const events: RunEvent[] = [];
    const result = await extract(dataset, { onEvent: (event) => events.push(event) });
    expect(statuses(result)).toEqual(each('extracted'));
    expect(result.outcomes.map(({ members }) => members)).toEqual([7, 4, 5, 5, 6, 5]);
    expect(events[0]).toMatchObject({ event: 'plan', files: 6, toExtract: 6, toDownload: 0 });
    const work = result.outcomes.map(({ file }) => ({ file, phase: 'extract' }));
    expect(events[0]).toMatchObject({ work });
    expect(events.filter(({ event }) => event === 'file-done')).toHaveLength(6);
    // The ledger knows them: nothing is hashed.
    expect(events.some((event) => 'phase' in event && event.phase === 'hash')).toBe(false);
    await expectSound(dataset);
  });

  it('run again does nothing', async () => {
    const dataset = await makeDataset(await tempDir());
    await extract(dataset);
    const before = await snapshot(dataset.layout.images);
    const result = await extract(dataset);
    expect(statuses(result)).toEqual(each('skipped'));
    expect(result.outcomes.map(({ members }) => members)).toEqual([7, 4, 5, 5, 6, 5]);
    expect(await snapshot(dataset.layout.images)).toEqual(before);
  });

  it('unpacks what is selected; what is not here is missing', async () => {
    const dataset = await makeDataset(await tempDir(), { extracted: ['Viral-1'] });
    await rm(dataset.pathOf('Viral-1.zip'));
    await rm(dataset.pathOf('ChestDx-2.zip'));
    const result = await extract(dataset, { selection: { subsets: ['chestdx', 'viral'] } });
    expect(statuses(result)).toEqual({
      'ChestDx-1.zip': 'extracted',
      'ChestDx-2.zip': 'failed',
      'Viral-1.zip': 'skipped',
    });
    expect(result.outcomes[1]).toMatchObject({ status: 'missing', error: { code: 'missing' } });
    expect(result.outcomes[1]?.error?.next).toEqual(nextSaying('`ccxri fetch --file ChestDx-2`'));
    await expectSound(dataset);
  });

  it('without a selection means nothing that is not here', async () => {
    const dataset = await makeDataset(await tempDir());
    await rm(dataset.pathOf('ChestDx-2.zip'));
    expect(Object.keys(statuses(await extract(dataset)))).toEqual(
      ALL.filter((name) => name !== 'ChestDx-2.zip'),
    );
  });

  it('hashes more than ten archives at once, and Node warns of no leak', async () => {
    const archives = Array.from({ length: 12 }, (_, n) => sampleArchive(`ChestDx-${n + 1}.zip`));
    const root = await tempDir();
    await writeTree(
      join(root, 'archives'),
      Object.fromEntries(archives.map(({ name, bytes }) => [name, bytes])),
    );
    const warnings: string[] = [];
    const onWarning = ({ message }: Error) => void warnings.push(message);
    process.on('warning', onWarning);
    onTestFinished(() => void process.off('warning', onWarning));
    const manifest = manifestOf(...archives);
    const { outcomes } = await extractDataset({ manifest, dest: root, concurrency: 12 });
    expect(outcomes.map(({ did }) => did)).toEqual(archives.map(() => 'extracted'));
    expect(warnings).toEqual([]);
  });

  it('checks an archive that the ledger does not know before it unpacks it', async () => {
    const dataset = await makeDataset(await tempDir(), { withLedger: false });
    const events: RunEvent[] = [];
    const result = await extract(dataset, { onEvent: (event) => events.push(event) });
    expect(statuses(result)).toEqual(each('extracted'));
    const hashed = events.filter((event) => event.event === 'phase-done' && event.phase === 'hash');
    expect(hashed).toHaveLength(6);
    const receipt = await dataset.ledger.readReceipt('ChestDx-1.zip');
    const { size, mtimeMs } = await stat(dataset.pathOf('ChestDx-1.zip'));
    expect(receipt).toMatchObject({
      md5: md5Of(dataset, 'ChestDx-1.zip'),
      bytes: size,
      mtimeMs,
      status: 'verified',
    });
    await expectSound(dataset);
  });

  it('does not unpack one that is not the published one, and goes on with the others', async () => {
    const dataset = await makeDataset(await tempDir(), { withLedger: false });
    const path = dataset.pathOf('ChestDx-1.zip');
    const bytes = await readFile(path);
    bytes[100] = (bytes[100] ?? 0) ^ 1;
    await writeFile(path, bytes);
    const result = await extract(dataset);
    expect(statuses(result)).toEqual({ ...each('extracted'), 'ChestDx-1.zip': 'failed' });
    expect(result.outcomes[0]?.error).toMatchObject({ code: 'md5-mismatch', next: [REPAIR] });
    await expect(stat(dataset.imagesOf('ChestDx-1'))).rejects.toMatchObject({ code: 'ENOENT' });
    // It stays as it is: nothing here can put another in its place.
    expect((await readFile(path)).equals(bytes)).toBe(true);
  });

  it('checks one again that differs from what the ledger knows', async () => {
    const dataset = await makeDataset(await tempDir());
    await utimes(dataset.pathOf('ChestDx-1.zip'), 1000, 1000);
    await truncate(dataset.pathOf('ChestDx-2.zip'), 3000);
    const result = await extract(dataset, { selection: { subsets: ['chestdx'] } });
    expect(statuses(result)).toEqual({ 'ChestDx-1.zip': 'extracted', 'ChestDx-2.zip': 'failed' });
    expect(result.outcomes[1]?.error?.code).toMatch(/^(size|md5)-mismatch$/);
  });

  it.each([false, true])(
    'says of one that the disk has damaged since that it had passed; keepGood: %s',
    async (keepGood) => {
      const dataset = await makeDataset(await tempDir());
      await rot(dataset.pathOf('ChestDx-1.zip'), 400);
      const { outcomes } = await extract(dataset, {
        selection: { files: ['ChestDx-1'] },
        keepGood,
      });
      expect(outcomes).toMatchObject([
        { did: 'failed', status: 'bad', error: { code: 'md5-mismatch', next: [REPAIR] } },
      ]);
      await expect(stat(dataset.imagesOf('ChestDx-1'))).rejects.toMatchObject({ code: 'ENOENT' });
    },
  );

  it('refuses an unsafe archive that is the published one, with the reasons', async () => {
    const dataset = await makeDataset(await tempDir());
    const evil = buildZip([
      { name: '../evil', content: 'x' },
      { name: 'good.jpg', content: 'y' },
    ]);
    const md5 = createHash('md5').update(evil).digest('hex');
    await writeFile(dataset.pathOf('ChestDx-1.zip'), evil);
    const files = dataset.manifest.files.map((file) =>
      file.name === 'ChestDx-1.zip' ? { ...file, md5, size: '1K', bytes: evil.length } : file,
    );
    const result = await extract(dataset, { manifest: { ...dataset.manifest, files } });
    expect(statuses(result)).toEqual({ ...each('extracted'), 'ChestDx-1.zip': 'failed' });
    expect(result.outcomes[0]?.error).toMatchObject({
      code: 'unsafe-archive',
      facts: { reasons: ['../evil: leads out of the folder with ".."'] },
      next: nextSaying('report it to the publisher'),
    });
    await expect(stat(dataset.imagesOf('ChestDx-1'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('in a dry run writes nothing at all', async () => {
    const dataset = await makeDataset(await tempDir(), { extracted: ['ChestDx-1'] });
    await rm(dataset.pathOf('Other-1.zip'));
    await utimes(dataset.pathOf('Viral-1.zip'), 1000, 1000);
    const before = await snapshot(dataset.root);
    const result = await extract(dataset, { dryRun: true, selection: { subsets: ['all'] } });
    expect(result.dryRun).toBe(true);
    expect(statuses(result)).toEqual({
      ...each('planned'),
      'ChestDx-1.zip': 'skipped',
      'Other-1.zip': 'failed',
    });
    expect(await snapshot(dataset.root)).toEqual(before);
  });

  it('restores images that have become incomplete, and removes what dead runs left', async () => {
    const dataset = await makeDataset(await tempDir(), { extracted: ['ChestDx-1', 'ChestDx-2'] });
    const record = await dataset.ledger.readMembers('ChestDx-2.zip');
    await rm(join(dataset.imagesOf('ChestDx-2'), record?.members[0]?.path ?? ''));
    const left = join(dataset.layout.stage, 'ChestDx-2.0123456789ab');
    await mkdir(join(left, 'images'), { recursive: true });
    await utimes(left, 1000, 1000);
    const result = await extract(dataset, { selection: { subsets: ['chestdx'] } });
    expect(statuses(result)).toEqual({ 'ChestDx-1.zip': 'skipped', 'ChestDx-2.zip': 'extracted' });
    await expectSound(dataset);
  });
});

describe('extract refuses', () => {
  it('a directory that is not there, or has no archive', async () => {
    const dataset = await makeDataset(await tempDir());
    await expect(extract(dataset, { dest: '/nowhere/at/all' })).rejects.toMatchObject({
      code: 'missing',
    });
    await rm(dataset.layout.archives, { recursive: true });
    await expect(extract(dataset)).rejects.toMatchObject({ code: 'missing' });
    // What was asked for by name is an outcome each.
    const result = await extract(dataset, { selection: { files: ['ChestDx-1'] } });
    expect(statuses(result)).toEqual({ 'ChestDx-1.zip': 'failed' });
  });

  it('a selection that means nothing', async () => {
    const dataset = await makeDataset(await tempDir());
    await expect(extract(dataset, { selection: { subsets: ['chestdy'] } })).rejects.toMatchObject({
      code: 'unknown-subset',
    });
    await expect(extract(dataset, { selection: { files: ['ChestDx-99'] } })).rejects.toMatchObject({
      code: 'unknown-file',
    });
    const labels = { files: ['chest_dx.csv'] };
    await expect(extract(dataset, { selection: labels })).rejects.toMatchObject({
      code: 'nothing-selected',
    });
  });

  it('while another run works here; with `wait` it comes after it', async () => {
    const dataset = await makeDataset(await tempDir());
    const release = await acquireLock({
      path: dataset.layout.lock,
      wait: false,
      clock: systemClock,
    });
    await expect(extract(dataset)).rejects.toMatchObject({ code: 'locked' });
    await expect(stat(dataset.layout.images)).rejects.toMatchObject({ code: 'ENOENT' });
    const notices: string[] = [];
    const waiting = extract(dataset, {
      wait: true,
      onEvent: (event) => {
        if (event.event === 'warning') {
          notices.push(event.message);
          void release();
        }
      },
    });
    expect(statuses(await waiting)).toEqual(each('extracted'));
    expect(notices).toEqual([expect.stringContaining('waiting for')]);
    await expectSound(dataset);
  });

  it('to begin when it is stopped before, and ends when it is stopped', async () => {
    const dataset = await makeDataset(await tempDir());
    await expect(extract(dataset, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'aborted',
    });
    const stop = new AbortController();
    const stopped = extract(dataset, {
      signal: stop.signal,
      concurrency: 1,
      onEvent: ({ event }) => {
        if (event === 'file-done') stop.abort();
      },
    });
    await expect(stopped).rejects.toMatchObject({ code: 'aborted' });
    await expectSound(dataset);
    expect(statuses(await extract(dataset))).toMatchObject({
      'ChestDx-1.zip': 'skipped',
      'Other-1.zip': 'extracted',
    });
  });

  it.skipIf(process.getuid?.() === 0)('a directory that may not be written', async () => {
    const dataset = await makeDataset(await tempDir());
    await chmod(dataset.root, 0o555);
    await expect(extract(dataset)).rejects.toMatchObject({ code: 'not-writable' });
    await chmod(dataset.root, 0o755);
  });
});

describe.skipIf(!canMount)('extract on a disk', () => {
  /** A dataset on a disk with so much room beside its archives. */
  async function datasetOn(root: string): Promise<Dataset> {
    const dataset = await makeDataset(await tempDir());
    const names = ALL.map((name) => dataset.pathOf(name));
    await mkdir(join(root, 'archives'));
    for (const name of names) await copyFile(name, name.replace(dataset.root, root));
    return { ...dataset, root };
  }

  it('that is too small: the first says so, the others are not begun', async () => {
    const dataset = await makeDataset(await tempDir());
    const sizes = await Promise.all(
      ALL.map(async (name) => (await stat(dataset.pathOf(name))).size),
    );
    const archives = sizes.reduce((sum, size) => sum + Math.ceil(size / 4096) * 4096, 0);
    const root = await mounts.small(archives + 60 * 1024);
    const small = await datasetOn(root);
    const result = await extract(small, { concurrency: 1 });
    const codes = result.outcomes.map(({ did, error }) => (did === 'failed' ? error?.code : did));
    const firstFailure = codes.findIndex((code) => code !== 'extracted');
    expect(firstFailure).toBeGreaterThan(-1);
    for (const code of codes.slice(firstFailure)) expect(code).toMatch(/^disk-(space|full)$/);
    expect(codes.length - firstFailure).toBeGreaterThan(1);
    expect(result.outcomes.at(-1)?.error?.message).toContain('was not extracted');
    await checkInvariants({ dest: root, manifest: dataset.manifest });
  });

  it('that lets nobody write: said before anything is done', async () => {
    const dataset = await makeDataset(await tempDir());
    const root = await mounts.readOnly(dataset.root);
    await expect(extract({ ...dataset, root })).rejects.toMatchObject({ code: 'not-writable' });
    const dry = await extract({ ...dataset, root }, { dryRun: true });
    expect(statuses(dry)).toEqual(each('planned'));
  });
});
