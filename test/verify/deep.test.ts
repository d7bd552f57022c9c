import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../../src/events.ts';
import { toPublishedSize } from '../../src/manifest/size.ts';
import { type Dataset, makeDataset, snapshot } from '../support/dataset.ts';
import { saying, nextSaying } from '../support/matchers.ts';
import { useTempDirs } from '../support/temp-dirs.ts';
import { all, outcomeOf, rot, statusesOf, verify } from '../support/verify.ts';
import { type ZipMember, buildZip } from '../support/zip-builder.ts';

const tempDir = useTempDirs();

/** Its images, in the order of their names, as paths below the dataset directory. */
function imagesOf({ release }: Dataset, archive: string): readonly string[] {
  return release.images
    .filter((image) => image.archive === archive)
    .map(({ name }) => `images/${archive}/${name}`)
    .sort();
}

/** Publishes these bytes as an archive, and puts them in its place. */
async function publish(dataset: Dataset, name: string, bytes: Buffer) {
  await writeFile(dataset.pathOf(name), bytes);
  const md5 = createHash('md5').update(bytes).digest('hex');
  const published = { md5, size: toPublishedSize(bytes.length), bytes: bytes.length };
  const files = dataset.manifest.files.map((file) =>
    file.name === `${name}.zip` ? { ...file, ...published } : file,
  );
  return { ...dataset.manifest, files };
}

describe('deep', () => {
  it('checks every member in the archive and where it was extracted, and writes nothing', async () => {
    const extracted = ['ChestDx-1', 'ChestDx-2', 'Normal-4'];
    const dataset = await makeDataset(await tempDir(), { extracted });
    const before = await snapshot(dataset.root);
    const events: RunEvent[] = [];
    const result = await verify(dataset, {
      depth: 'deep',
      onEvent: (event) => events.push(event),
    });
    expect(statusesOf(result)).toEqual(all('verified'));
    const members = result.outcomes.map(({ file, membersChecked }) => [file, membersChecked]);
    expect(Object.fromEntries(members)).toMatchObject({
      'ChestDx-1.zip': 7,
      // With a folder of its name inside, and with a file that is no image.
      'ChestDx-2.zip': 4,
      'Normal-4.zip': 5,
      // Not extracted.
      'ChestDx_PE-1.zip': 5,
      'chest_dx.csv': 0,
    });
    expect(await snapshot(dataset.root)).toEqual(before);
    const bytes = dataset.release.written.reduce((sum, file) => sum + file.bytes, 0);
    expect(result.bytesRead).toBeGreaterThan(1.5 * bytes);
    const checks = events.filter(
      (event) => 'phase' in event && event.phase === 'check' && event.file === 'ChestDx-1.zip',
    );
    const [start, done] = [checks[0], checks.at(-1)];
    expect(start).toMatchObject({ event: 'phase-start', doneBytes: 0 });
    expect(done).toMatchObject({ event: 'phase-done', members: 7 });
    if (start?.event !== 'phase-start' || done?.event !== 'phase-done') throw new Error('no phase');
    expect(done.bytes).toBe(start.totalBytes);
    expect(events.filter(({ event }) => event === 'warning')).toEqual([]);
  });

  it('finds images that are damaged, cut or missing beside a good archive', async () => {
    const dataset = await makeDataset(await tempDir(), { extracted: ['ChestDx-1', 'Viral-1'] });
    const [rotten = '', cut = '', gone = ''] = imagesOf(dataset, 'ChestDx-1');
    await rot(join(dataset.root, rotten));
    await writeFile(join(dataset.root, cut), '');
    await rm(join(dataset.root, gone));
    // What full does not look at.
    expect(statusesOf(await verify(dataset))).toEqual(all('verified'));
    const result = await verify(dataset, { depth: 'deep' });
    expect(statusesOf(result)).toEqual({ ...all('verified'), 'ChestDx-1.zip': 'bad' });
    const { error, badMembers, md5 } = outcomeOf(result, 'ChestDx-1.zip');
    expect(badMembers).toEqual([rotten, cut, gone]);
    expect(md5).toBe(dataset.manifest.files.find(({ name }) => name === 'ChestDx-1.zip')?.md5);
    const folder = dataset.imagesOf('ChestDx-1');
    expect(error).toMatchObject({
      code: 'damaged-archive',
      message: `of 7 files in ${folder} 2 are damaged, 1 is missing`,
      facts: { path: folder, found: saying('; missing: patient') },
      next: nextSaying('run `ccxri extract --file ChestDx-1` to restore them'),
    });
  });

  it('images that are only missing are missing files', async () => {
    const dataset = await makeDataset(await tempDir(), { extracted: ['ChestDx-2'] });
    const [gone = ''] = imagesOf(dataset, 'ChestDx-2');
    await rm(join(dataset.root, gone));
    const result = await verify(dataset, { depth: 'deep' });
    expect(outcomeOf(result, 'ChestDx-2.zip')).toMatchObject({
      status: 'bad',
      badMembers: [gone],
      error: { code: 'missing' },
    });
  });

  it('what lies beside the images is reported, and is no failure', async () => {
    const dataset = await makeDataset(await tempDir(), { extracted: ['ChestDx-1'] });
    const folder = dataset.imagesOf('ChestDx-1');
    await mkdir(join(folder, 'mine'));
    await writeFile(join(folder, 'mine', 'note\u001b.txt'), 'mine');
    const result = await verify(dataset, { depth: 'deep' });
    expect(statusesOf(result)).toEqual(all('verified'));
    const { unexpectedFiles } = outcomeOf(result, 'ChestDx-1.zip');
    expect(unexpectedFiles).toEqual(['images/ChestDx-1/mine/note\u001b.txt']);
    expect(result.outcomes.flatMap((outcome) => outcome.unexpectedFiles)).toEqual(unexpectedFiles);
  });

  it('beside a bad archive the images are checked by the ledger, in the same run', async () => {
    const dataset = await makeDataset(await tempDir(), { extracted: ['ChestDx-1', 'ChestDx-2'] });
    await rot(dataset.pathOf('ChestDx-1'), 60);
    await rot(dataset.pathOf('ChestDx-2'), 60);
    const [rotten = ''] = imagesOf(dataset, 'ChestDx-2');
    await rot(join(dataset.root, rotten));
    const result = await verify(dataset, { depth: 'deep' });
    expect(outcomeOf(result, 'ChestDx-1.zip')).toMatchObject({
      status: 'bad',
      membersChecked: 7,
      badMembers: [],
      error: { code: 'md5-mismatch' },
    });
    expect(outcomeOf(result, 'ChestDx-2.zip')).toMatchObject({
      status: 'bad',
      membersChecked: 4,
      badMembers: [rotten],
      error: { code: 'md5-mismatch' },
    });
  });

  it('#113 a member that was published with a wrong CRC-32 is reported as such', async () => {
    const dataset = await makeDataset(await tempDir());
    const members: ZipMember[] = [
      { name: 'patient1_000.jpg', content: 'right' },
      { name: 'patient2_000.jpg', content: 'wrong', crc32: 1 },
    ];
    const manifest = await publish(dataset, 'ChestDx-1', buildZip(members));
    expect(statusesOf(await verify(dataset, { manifest }))).toEqual(all('verified'));
    const result = await verify(dataset, { manifest, depth: 'deep' });
    expect(outcomeOf(result, 'ChestDx-1.zip')).toMatchObject({
      status: 'bad',
      error: {
        code: 'damaged-archive',
        message: saying('patient2_000.jpg'),
        facts: { path: dataset.pathOf('ChestDx-1') },
        next: nextSaying('report it to the publisher'),
      },
    });
    expect(statusesOf(result)['ChestDx-2.zip']).toBe('verified');
  });

  it('#95 an unsafe archive is named unsafe, and nothing of it is unpacked', async () => {
    const dataset = await makeDataset(await tempDir());
    const zip = buildZip([{ name: '../../escaped.jpg', content: 'x' }]);
    const manifest = await publish(dataset, 'ChestDx-1', zip);
    const before = await snapshot(dataset.root);
    const result = await verify(dataset, { manifest, depth: 'deep' });
    expect(outcomeOf(result, 'ChestDx-1.zip')).toMatchObject({
      status: 'bad',
      error: {
        code: 'unsafe-archive',
        facts: { reasons: [saying('escaped.jpg')] },
        next: nextSaying('its MD5 is the published one'),
      },
    });
    expect(await snapshot(dataset.root)).toEqual(before);
  });
});

describe('images whose archive is gone', () => {
  async function withoutArchives(): Promise<Dataset> {
    const dataset = await makeDataset(await tempDir(), { extracted: ['ChestDx-1', 'ChestDx-2'] });
    await rm(dataset.layout.archives, { recursive: true });
    return dataset;
  }

  it.each(['full', 'deep'] as const)('are checked by the ledger (%s)', async (depth) => {
    const dataset = await withoutArchives();
    const result = await verify(dataset, { depth });
    expect(statusesOf(result)).toEqual({
      'ChestDx-1.zip': 'crc-checked',
      'ChestDx-2.zip': 'crc-checked',
      'chest_dx.csv': 'verified',
      'viral_pneumonia_COVID-19.csv': 'verified',
    });
    expect(result.notHere).toBe(4);
    expect(outcomeOf(result, 'ChestDx-1.zip')).toMatchObject({
      path: dataset.imagesOf('ChestDx-1'),
      bytes: null,
      md5: null,
      membersChecked: 7,
    });
  });

  it('are bad where one has rotted, and the archive is fetched to restore them', async () => {
    const dataset = await withoutArchives();
    const [rotten = '', gone = ''] = imagesOf(dataset, 'ChestDx-1');
    await rot(join(dataset.root, rotten));
    await rm(join(dataset.root, gone));
    const result = await verify(dataset, { selection: { files: ['ChestDx-1', 'ChestDx-2'] } });
    expect(statusesOf(result)).toEqual({
      'ChestDx-1.zip': 'bad',
      'ChestDx-2.zip': 'crc-checked',
    });
    expect(outcomeOf(result, 'ChestDx-1.zip')).toMatchObject({
      badMembers: [rotten, gone],
      error: {
        code: 'damaged-archive',
        next: nextSaying('run `ccxri fetch --file ChestDx-1 --file ChestDx-2` to restore them'),
      },
    });
  });

  it('at most 20 of the bad ones are listed', async () => {
    const release = { archives: [{ name: 'ChestDx-1', images: 30 }] };
    const dataset = await makeDataset(await tempDir(), { release, extracted: ['ChestDx-1'] });
    await rm(dataset.pathOf('ChestDx-1'));
    const images = imagesOf(dataset, 'ChestDx-1');
    for (const image of images.slice(0, 25)) await rm(join(dataset.root, image));
    const result = await verify(dataset);
    const { badMembers, error } = outcomeOf(result, 'ChestDx-1.zip');
    expect(badMembers).toEqual(images.slice(0, 20));
    expect(error?.message).toContain('of 30 files');
    expect(error?.message).toContain('25 are missing');
    expect(error?.facts.found).toContain('and 22 more');
  });

  it('the quick look takes their sizes, and reads nothing', async () => {
    const dataset = await withoutArchives();
    const [rotten = '', cut = ''] = imagesOf(dataset, 'ChestDx-2');
    await rot(join(dataset.root, rotten));
    const good = await verify(dataset, { depth: 'quick' });
    expect(new Set(Object.values(statusesOf(good)))).toEqual(new Set(['removed', 'verified']));
    expect(good.bytesRead).toBe(0);
    expect(outcomeOf(good, 'ChestDx-2.zip').membersChecked).toBe(0);
    await writeFile(join(dataset.root, cut), '');
    const bad = await verify(dataset, { depth: 'quick' });
    expect(outcomeOf(bad, 'ChestDx-2.zip')).toMatchObject({ status: 'bad', badMembers: [cut] });
  });

  it('#54 are not known to be good where the ledger is gone or mangled', async () => {
    const dataset = await withoutArchives();
    await writeFile(join(dataset.layout.ledger, 'ChestDx-1.members.json'), '{"archive":');
    await rm(join(dataset.layout.ledger, 'ChestDx-2.members.json'));
    const result = await verify(dataset);
    for (const file of ['ChestDx-1.zip', 'ChestDx-2.zip']) {
      expect(outcomeOf(result, file)).toMatchObject({
        status: 'missing',
        error: { code: 'missing', next: nextSaying('ccxri fetch --file') },
      });
    }
  });

  it('#54 a ledger that points elsewhere makes nobody look there', async () => {
    const dataset = await withoutArchives();
    const path = join(dataset.layout.ledger, 'ChestDx-1.members.json');
    const record = await readFile(path, 'utf8');
    await writeFile(path, record.replace('"patient', '"../../patient'));
    const result = await verify(dataset);
    expect(statusesOf(result)['ChestDx-1.zip']).toBe('missing');
  });

  it('are reported as of another manifest where they passed for that', async () => {
    const dataset = await withoutArchives();
    const files = dataset.manifest.files.map((file) =>
      file.name === 'ChestDx-1.zip' ? { ...file, md5: 'f'.repeat(32) } : file,
    );
    const result = await verify(dataset, { manifest: { ...dataset.manifest, files } });
    expect(outcomeOf(result, 'ChestDx-1.zip')).toMatchObject({
      status: 'missing',
      error: { code: 'other-manifest', next: nextSaying('--manifest FILE') },
    });
    expect(statusesOf(result)['ChestDx-2.zip']).toBe('crc-checked');
  });

  it('are missing with their folder', async () => {
    const dataset = await withoutArchives();
    await rename(dataset.layout.images, join(dataset.root, 'elsewhere'));
    const result = await verify(dataset, { selection: { files: ['ChestDx-1'] } });
    expect(statusesOf(result)).toEqual({ 'ChestDx-1.zip': 'missing' });
  });
});
