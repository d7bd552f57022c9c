import { rmSync } from 'node:fs';
import { readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { deflateRawSync } from 'node:zlib';
import { layoutOf } from '../../src/dataset/layout.ts';
import { Ledger } from '../../src/dataset/ledger.ts';
import type { RunEvent } from '../../src/events.ts';
import { extractDataset } from '../../src/extract/extract-dataset.ts';
import { fetchDataset } from '../../src/fetch/fetch-dataset.ts';
import { datasetStatus } from '../../src/status.ts';
import { verifyDataset } from '../../src/verify/verify-dataset.ts';
import { manifestOf, noise, toSample } from '../support/fetching.ts';
import { checkInvariants } from '../support/invariants.ts';
import { runCli, documentOf } from '../support/run-cli.ts';
import { useTempDirs, writeTree } from '../support/temp-dirs.ts';
import { likeJpeg } from '../support/tiny-jpeg.ts';
import { type ZipMember, buildZip } from '../support/zip-builder.ts';

const tempDir = useTempDirs();
const NAME = 'Normal-1.zip';
const picture = (seed: string, bytes = 3000) => likeJpeg(noise(seed, bytes));
const GOOD: readonly ZipMember[] = [
  { name: 'Normal-1/patient1_000.jpg', content: picture('1') },
  { name: 'Normal-1/patient3_000.jpg', content: picture('3'), method: 0 },
];
const content = picture('2');
const packed = deflateRawSync(content);
const LARGE = picture('large', 2_500_000);

const BAD: readonly {
  readonly name: string;
  readonly member: Partial<ZipMember>;
  readonly why: string;
}[] = [
  {
    name: 'a wrong CRC',
    member: { content, crc32: 1 },
    why: 'has the wrong content (CRC-32 00000001',
  },
  {
    name: 'a wrong CRC, stored',
    member: { content, method: 0, crc32: 1 },
    why: 'has the wrong content',
  },
  {
    name: 'cut deflate data',
    member: { content, packed: packed.subarray(0, 1000) },
    why: "can't be unpacked",
  },
  { name: 'too few bytes', member: { content, size: content.length + 9 }, why: 'fewer bytes' },
  {
    name: 'too many bytes',
    member: { content, size: content.length - 9 },
    why: 'beyond its declared',
  },
  {
    name: 'a large one with a wrong CRC',
    member: { content: LARGE, crc32: 1 },
    why: 'wrong content',
  },
];

/** A dataset directory with an archive of three members, the second of them bad. */
async function make(bad: Partial<ZipMember>) {
  const [first, third] = GOOD;
  const zip = buildZip([first!, { name: 'Normal-1/patient2_000.jpg', ...bad }, third!]);
  const manifest = manifestOf(
    toSample(NAME, zip, { kind: 'archive', category: 'Normal', subsets: ['cc-cxri-p', 'normal'] }),
  );
  const root = await tempDir();
  const dest = join(root, 'set');
  await writeTree(root, {
    'set/archives/Normal-1.zip': zip,
    'release/Normal-1.zip': zip,
    'manifest.json': JSON.stringify(manifest),
  });
  return { root, dest, manifest, layout: layoutOf(dest) };
}

const HERE = ['patient1_000.jpg', 'patient3_000.jpg'];
const LEFT_OUT = 'images/Normal-1/patient2_000.jpg';

describe('#203 an archive with a bad member', () => {
  it.each(BAD)('$name: the good ones with keepGood', async ({ member, why }) => {
    const { dest, manifest, layout } = await make(member);
    const events: RunEvent[] = [];
    const options = { manifest, dest, onEvent: (event: RunEvent) => events.push(event) };
    const { outcomes } = await extractDataset({ ...options, keepGood: true });
    expect(outcomes).toMatchObject([
      {
        did: 'failed',
        members: 2,
        damagedMembers: [{ path: LEFT_OUT, why: expect.stringContaining(why) as string }],
        error: { code: 'damaged-archive', facts: { kept: '2 good ones, in images/Normal-1' } },
      },
    ]);
    expect(events.at(-1)).toMatchObject({
      event: 'file-done',
      damagedMembers: [{ path: LEFT_OUT }],
    });
    expect((await readdir(join(dest, 'images/Normal-1'))).sort()).toEqual(HERE);
    const record = await new Ledger(layout.ledger).readMembers(NAME);
    expect(record).toMatchObject({ isComplete: false, damaged: [{ path: 'patient2_000.jpg' }] });
    await checkInvariants({ dest, manifest });
  });

  it.each(BAD)('$name: nothing without it, and the way on', async ({ name, member }) => {
    const { dest, manifest } = await make(member);
    const { outcomes } = await extractDataset({ manifest, dest });
    // A member that goes on and on may be meant to fill the disk.
    const isUnsafe = name === 'too many bytes';
    const code = isUnsafe ? 'unsafe-archive' : 'damaged-archive';
    expect(outcomes).toMatchObject([{ did: 'failed', members: null, error: { code } }]);
    const options = outcomes[0]?.error?.next.filter(({ kind }) => kind === 'option');
    expect(options).toMatchObject(isUnsafe ? [] : [{ option: 'keep-good' }]);
    expect(await readdir(join(dest, 'images'))).toEqual([]);
    await checkInvariants({ dest, manifest });
  });

  it('is never whole in a later run: extract, fetch, verify, status, join', async () => {
    const { root, dest, manifest, layout } = await make({ content, crc32: 1 });
    await extractDataset({ manifest, dest, keepGood: true });
    const set = ['--dest', dest, '--manifest', join(root, 'manifest.json')];
    const fetch = ['fetch', '--file', 'Normal-1', '--source', join(root, 'release'), ...set];
    const { ino } = await stat(join(dest, 'images/Normal-1'));
    for (const argv of [['extract', ...set], ['extract', '--keep-good', ...set], fetch]) {
      const document = documentOf((await runCli([...argv, '--json'])).stdout);
      expect(document).toMatchObject({
        exitCode: 3,
        result: {
          outcomes: [{ did: 'failed', members: 2, damagedMembers: [{ path: LEFT_OUT }] }],
        },
        errors: [{ code: 'damaged-archive' }],
      });
    }
    expect((await stat(join(dest, 'images/Normal-1'))).ino).toBe(ino);
    for (const depth of ['quick', 'full', 'deep'] as const) {
      const { outcomes } = await verifyDataset({ manifest, dest, depth });
      expect(outcomes).toMatchObject([{ status: 'bad', error: { code: 'damaged-archive' } }]);
      expect(outcomes[0]?.error?.facts.reasons?.join()).toContain('patient2_000.jpg');
    }
    expect((await datasetStatus({ manifest, dest })).files).toMatchObject([
      { images: 'good-only' },
    ]);
    const joined = await runCli(['join', '--json', ...set]);
    expect(documentOf(joined.stdout)).toMatchObject({
      exitCode: 0,
      result: {
        rows: 2,
        remarks: [{ kind: 'damaged-member', count: 1, examples: ['Normal-1/patient2_000.jpg'] }],
      },
    });
    expect(await readFile(layout.index, 'utf8')).not.toContain('patient2_000');
    // The archive is kept by --delete-archives, and not fetched again once it is gone.
    await fetchDataset({ manifest, dest, selection: { files: [NAME] }, deleteArchives: true });
    expect(await readdir(layout.archives)).toEqual([NAME]);
    await rm(join(layout.archives, NAME));
    expect((await runCli(fetch)).code).toBe(3);
    expect((await verifyDataset({ manifest, dest })).outcomes).toMatchObject([{ status: 'bad' }]);
    expect((await datasetStatus({ manifest, dest })).files).toMatchObject([
      { images: 'good-only' },
    ]);
  });

  it('is found by a verify that reads the ledger once', async () => {
    const { dest, manifest, layout } = await make({ content, crc32: 1 });
    await extractDataset({ manifest, dest, keepGood: true });
    await rm(join(layout.archives, NAME));
    const onEvent = ({ event }: RunEvent) => {
      if (event === 'phase-start') rmSync(join(layout.ledger, 'Normal-1.members.json'));
    };
    const { outcomes } = await verifyDataset({ manifest, dest, onEvent });
    expect(outcomes).toMatchObject([{ membersChecked: 2, error: { code: 'damaged-archive' } }]);
  });

  it('is extracted again where a good one was damaged since', async () => {
    const { dest, manifest } = await make({ content, crc32: 1 });
    await extractDataset({ manifest, dest, keepGood: true });
    await writeFile(join(dest, 'images/Normal-1/patient1_000.jpg'), 'x');
    await extractDataset({ manifest, dest });
    expect(await readFile(join(dest, 'images/Normal-1/patient1_000.jpg'), 'utf8')).toBe('x');
    await extractDataset({ manifest, dest, keepGood: true });
    expect(await readFile(join(dest, 'images/Normal-1/patient1_000.jpg'))).toEqual(picture('1'));
    await checkInvariants({ dest, manifest });
  });

  it('is kept by fetch --keep-good, also by its variable, with code 3 and an index', async () => {
    const { root, manifest } = await make({ content, crc32: 1 });
    const dest = join(root, 'fetched');
    const argv = ['fetch', '--file', 'Normal-1', '--source', join(root, 'release')];
    const set = ['--dest', dest, '--manifest', join(root, 'manifest.json')];
    const without = await runCli([...argv, ...set]);
    expect(without.code).toBe(3);
    expect(without.stderr + without.stdout).toContain('--keep-good');
    const { code, stdout } = await runCli([...argv, ...set], { env: { CCXRI_KEEP_GOOD: '1' } });
    expect(code).toBe(3);
    expect(stdout).toContain('1 member left out');
    expect((await readdir(join(dest, 'images/Normal-1'))).sort()).toEqual(HERE);
    await checkInvariants({ dest, manifest });
  });

  it('and no good one publishes nothing', async () => {
    const zip = buildZip([{ name: 'patient1_000.jpg', content, crc32: 1 }]);
    const manifest = manifestOf(toSample(NAME, zip, { kind: 'archive', category: 'Normal' }));
    const dest = await tempDir();
    await writeTree(dest, { 'archives/Normal-1.zip': zip });
    const { outcomes } = await extractDataset({ manifest, dest, keepGood: true });
    expect(outcomes).toMatchObject([{ did: 'failed', members: null }]);
    expect(await readdir(join(dest, 'images'))).toEqual([]);
  });
});
