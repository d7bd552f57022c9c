import { systemClock } from '../../src/clock.ts';
import { createHash } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../../src/events.ts';
import { makeManifest } from '../../src/make-manifest/make-manifest.ts';
import { loadManifest, parseManifest } from '../../src/manifest/load.ts';
import { saying, nextSaying } from '../support/matchers.ts';
import { useTempDirs, writeTree } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const isRoot = process.getuid?.() === 0;
const like = await loadManifest();

const md5Of = (content: string) => createHash('md5').update(content).digest('hex');

async function make(tree: Readonly<Record<string, string>>) {
  const directory = await tempDir();
  await writeTree(directory, tree);
  return makeManifest({ directory, like });
}

/** By name, what is said of each file beside its content. */
async function describeNames(...names: readonly string[]) {
  const { manifest } = await make(Object.fromEntries(names.map((name) => [name, name])));
  return manifest.files.map(({ name, category, subsets }) => [name, category, subsets.join()]);
}

describe('makeManifest', () => {
  it('gives each file its exact size, its size as published, and its MD5', async () => {
    const big = 'x'.repeat(3 * 1024 * 1024 + 1);
    const { manifest } = await make({ 'Viral-1.zip': big, 'chest_dx.csv': '', 'x.zip': 'abc' });
    expect(manifest.files).toEqual([
      {
        name: 'chest_dx.csv',
        kind: 'labels',
        category: 'labels',
        subsets: ['chestdx', 'chestdx-pe'],
        size: '1K',
        md5: 'd41d8cd98f00b204e9800998ecf8427e',
        bytes: 0,
      },
      {
        // Its MD5 is disputed in the published manifest: here it is that of the bytes.
        name: 'Viral-1.zip',
        kind: 'archive',
        category: 'Viral pneumonia',
        subsets: ['cc-cxri-p', 'viral'],
        size: '4MB',
        md5: md5Of(big),
        bytes: big.length,
      },
      {
        name: 'x.zip',
        kind: 'archive',
        category: 'x',
        subsets: ['x'],
        size: '1K',
        md5: '900150983cd24fb0d6963f7d28e17f72',
        bytes: 3,
      },
    ]);
  });

  it('reads as a manifest', async () => {
    const { manifest } = await make({ 'Viral-1.zip': 'x', 'Normal-1.zip': 'y' });
    expect(parseManifest(JSON.stringify(manifest))).toEqual(manifest);
  });

  it('finds files in archives/ and labels/ too, and nothing of what ccxri makes itself', async () => {
    const { manifest, leftOut } = await make({
      'archives/ChestDx-1.zip': 'a',
      'labels/chest_dx.csv': 'b',
      'Other-1.zip': 'c',
      'index.csv': 'join',
      'README.txt': 'text',
      'archives/notes.md': 'text',
      'images/ChestDx-1/patient1_000.jpg': 'image',
      'images/x.zip': 'not looked at',
      '.ccxri/ledger/x.csv': 'state',
      '.hidden.zip': 'not looked at',
    });
    expect(manifest.files.map(({ name, md5 }) => [name, md5])).toEqual([
      ['ChestDx-1.zip', md5Of('a')],
      ['chest_dx.csv', md5Of('b')],
      ['Other-1.zip', md5Of('c')],
    ]);
    expect(leftOut).toEqual(['README.txt', 'index.csv', 'archives/notes.md']);
  });

  it('follows links inside the directory, and leaves those out that lead out of it', async () => {
    const [directory, elsewhere] = [await tempDir(), await tempDir()];
    await writeTree(elsewhere, { 'real.zip': 'x' });
    await writeTree(directory, { 'store/1': 'inside' });
    await symlink('store/1', join(directory, 'Viral-1.zip'));
    await symlink(join(elsewhere, 'real.zip'), join(directory, 'Viral-2.zip'));
    // A neighbour whose path begins like that of the directory.
    await writeTree(`${directory}base`, { 'real.zip': 'x' });
    await symlink(join(`${directory}base`, 'real.zip'), join(directory, 'Normal-1.zip'));
    await symlink('nowhere', join(directory, 'Other-1.zip'));
    await symlink('Other-2.zip', join(directory, 'Other-2.zip'));
    const { manifest, leftOut } = await makeManifest({ directory, like });
    await rm(`${directory}base`, { recursive: true });
    expect(manifest.files.map(({ name, md5 }) => [name, md5])).toEqual([
      ['Viral-1.zip', md5Of('inside')],
    ]);
    expect(leftOut).toEqual(['Normal-1.zip', 'Other-1.zip', 'Other-2.zip', 'Viral-2.zip']);
  });

  it('may be given a link to the directory', async () => {
    const root = await tempDir();
    await writeTree(root, { 'real/Viral-1.zip': 'x' });
    await symlink('real', join(root, 'link'));
    const { manifest } = await makeManifest({ directory: join(root, 'link'), like });
    expect(manifest.files.length).toBe(1);
  });
});

describe('name and version', () => {
  const { files: published, bibtex, counts, ...rest } = like;
  const release = { ...rest, bibtex };
  const clock = { ...systemClock, date: () => new Date('2026-03-01T12:00:00Z') };
  const described = { ...release, version: 'described on 2026-03-01', released: '2026-03-01' };

  const withMd5 = (name: string, md5: string) => ({
    ...like,
    files: published.map((file) => (file.name === name ? { ...file, md5 } : file)),
  });

  async function releaseOf(tree: Readonly<Record<string, string>>, model = like) {
    const directory = join(await tempDir(), 'lab data');
    await writeTree(directory, tree);
    const { files, ...made } = (await makeManifest({ directory, like: model, clock })).manifest;
    expect(files).toHaveLength(Object.keys(tree).length);
    return made;
  }

  it('are those of a known release only where names and MD5s are', async () => {
    const model = withMd5('Normal-1.zip', md5Of('y'));
    expect(await releaseOf({ 'Normal-1.zip': 'y' }, model)).toEqual(release);
    expect(await releaseOf({ 'Normal-1.zip': 'z' }, model)).toEqual(described);
    expect(await releaseOf({ 'Normal-1.zip': 'y', 'Normal-9.zip': 'x' }, model)).toEqual(described);
  });

  it('do not hang on an MD5 that is disputed', async () => {
    const both = { 'Viral-1.zip': 'x', 'Viral-2.zip': 'y' };
    expect(await releaseOf(both, withMd5('Viral-2.zip', md5Of('y')))).toEqual(release);
    // Alone it shows nothing.
    expect(await releaseOf({ 'Viral-1.zip': 'x' })).toEqual(described);
  });

  it('are of the directory where no name is known', async () => {
    expect(counts).not.toHaveLength(0);
    const { version, released } = described;
    const own = { ...rest, version, released, dataset: 'lab data', citation: '' };
    expect(await releaseOf({ 'a-1.zip': 'x', 'a.csv': '' })).toEqual(own);
  });
});

describe('category and subsets', () => {
  it('are those of the series for one more of it', async () => {
    expect(await describeNames('Viral-3.zip', 'ChestDx_PE-99.zip', 'ChestDx-52.zip')).toEqual([
      ['ChestDx_PE-99.zip', 'ChestDx_PE', 'chestdx-pe'],
      ['ChestDx-52.zip', 'ChestDx', 'chestdx'],
      ['Viral-3.zip', 'Viral pneumonia', 'cc-cxri-p,viral'],
    ]);
  });

  it('come from the name where nothing is known, numbers in their order', async () => {
    expect(
      await describeNames(
        'Site_B-10.zip',
        'Site_B-9.zip',
        'Lab A 2.zip',
        '2021-03.ZIP',
        'all-1.zip',
        '___.zip',
      ),
    ).toEqual([
      ['___.zip', '___', 'archives'],
      ['2021-03.ZIP', '2021-03', '2021-03'],
      ['all-1.zip', 'all', 'archives'],
      ['Lab A 2.zip', 'Lab A', 'lab-a'],
      ['Site_B-9.zip', 'Site_B', 'site-b'],
      ['Site_B-10.zip', 'Site_B', 'site-b'],
    ]);
  });

  it('of unknown labels: they come with every subset that is there', async () => {
    expect(await describeNames('extra.csv', 'Normal-1.zip', 'Site-1.zip')).toEqual([
      ['Normal-1.zip', 'Normal controls', 'cc-cxri-p,normal'],
      ['Site-1.zip', 'Site', 'site'],
      ['extra.csv', 'labels', 'cc-cxri-p,normal,site'],
    ]);
    expect(await describeNames('extra.csv')).toEqual([['extra.csv', 'labels', 'labels']]);
  });

  it('take an address along where the bytes are the same', async () => {
    const directory = await tempDir();
    await writeTree(directory, { 'Viral-1.zip': 'same', 'Viral-2.zip': 'other' });
    const withUrls = {
      ...like,
      files: like.files.map((file) => ({
        ...file,
        md5: md5Of(file.name === 'Viral-1.zip' ? 'same' : file.name),
        url: `https://h.test/${file.name}`,
      })),
    };
    const { manifest } = await makeManifest({ directory, like: withUrls });
    expect(manifest.files.map(({ name, url }) => [name, url])).toEqual([
      ['Viral-1.zip', 'https://h.test/Viral-1.zip'],
      ['Viral-2.zip', undefined],
    ]);
  });
});

describe('what is reported while it runs', () => {
  it('is each file with its bytes and MD5', async () => {
    const directory = await tempDir();
    await writeTree(directory, { 'a.zip': 'x'.repeat(5), 'b.zip': '' });
    const events: RunEvent[] = [];
    await makeManifest({ directory, like, concurrency: 1, onEvent: (event) => events.push(event) });
    const told = events.filter(({ event }) => event !== 'progress');
    expect(told).toEqual([
      { event: 'phase-start', file: 'a.zip', phase: 'hash', doneBytes: 0, totalBytes: 5 },
      { event: 'phase-done', file: 'a.zip', phase: 'hash', bytes: 5, md5: md5Of('xxxxx') },
      { event: 'file-done', file: 'a.zip', did: 'described', status: 'present' },
      { event: 'phase-start', file: 'b.zip', phase: 'hash', doneBytes: 0, totalBytes: 0 },
      { event: 'phase-done', file: 'b.zip', phase: 'hash', bytes: 0, md5: md5Of('') },
      { event: 'file-done', file: 'b.zip', did: 'described', status: 'present' },
    ]);
  });

  it('ends on abort, and hashes no further file', async () => {
    const directory = await tempDir();
    await writeTree(directory, { 'a.zip': 'x', 'b.zip': 'x', 'c.zip': 'x' });
    const stop = new AbortController();
    const started: string[] = [];
    const making = makeManifest({
      directory,
      like,
      concurrency: 1,
      signal: stop.signal,
      onEvent: (event) => {
        if (event.event !== 'phase-start') return;
        started.push(event.file);
        stop.abort();
      },
    });
    await expect(making).rejects.toMatchObject({ code: 'aborted' });
    expect(started).toEqual(['a.zip']);
  });
});

describe('what can not be described', () => {
  it.each([
    ['nothing in it', {}],
    ['nothing that belongs to a release', { 'x.txt': '', 'index.csv': '', 'images/a.zip': '' }],
  ])('a directory with %s', async (_, tree) => {
    await expect(make(tree)).rejects.toMatchObject({
      code: 'usage',
      message: saying('there is no archive (.zip) and no label file (.csv) in /'),
      next: nextSaying('archives/'),
    });
  });

  it.each([['/no/such/directory'], ['/dev/null']])(
    'what is no directory: %s',
    async (directory) => {
      await expect(makeManifest({ directory, like })).rejects.toMatchObject({
        code: 'usage',
        message: `there is no directory ${directory}`,
      });
    },
  );

  it('a name that is there twice', async () => {
    await expect(make({ 'a.zip': '', 'archives/a.zip': '' })).rejects.toMatchObject({
      code: 'usage',
      message: 'a.zip is there twice',
      facts: { reasons: [saying(/\/a\.zip$/), saying(/archives\/a\.zip$/)] },
    });
  });

  it.each([
    ['胸片-1.zip', '胸片-1.zip: must be a plain file name'],
    ['a\x1b[2J.zip', 'a\\x1b[2J.zip: must be a plain'],
    ['NUL.zip', 'NUL.zip: is not a portable file name'],
  ])('a name that no manifest can have, before a byte is hashed: %s', async (name, why) => {
    const directory = await tempDir();
    await writeTree(directory, { [name]: '', 'a.zip': '' });
    const events: RunEvent[] = [];
    const making = makeManifest({ directory, like, onEvent: (event) => events.push(event) });
    await expect(making).rejects.toMatchObject({
      code: 'usage',
      message: saying(why),
      next: nextSaying('rename'),
    });
    expect(events).toEqual([]);
  });

  it('names that differ by case alone', async () => {
    await expect(make({ 'a-1.zip': '', 'A-1.zip': '' })).rejects.toMatchObject({
      code: 'usage',
      message: saying('clashes with an earlier file'),
    });
  });

  it.skipIf(isRoot)('what may not be read', async () => {
    const directory = await tempDir();
    await writeTree(directory, { 'a.zip': 'x' });
    await chmod(join(directory, 'a.zip'), 0);
    await expect(makeManifest({ directory, like })).rejects.toMatchObject({
      code: 'usage',
      message: saying('EACCES'),
    });
    await mkdir(join(directory, 'archives'), { mode: 0 });
    await expect(makeManifest({ directory, like })).rejects.toMatchObject({ code: 'usage' });
  });

  it('a file that changes meanwhile; the others are let go', async () => {
    const directory = await tempDir();
    await writeTree(directory, { 'b.zip': 'x', 'c.zip': 'x' });
    await writeFile(join(directory, 'a.zip'), Buffer.alloc(3 * 1024 * 1024));
    const started: string[] = [];
    const making = makeManifest({
      directory,
      like,
      concurrency: 1,
      onEvent: (event) => {
        if (event.event === 'phase-start') started.push(event.file);
        if (event.event === 'progress') appendFileSync(join(directory, 'a.zip'), 'more');
      },
    });
    await expect(making).rejects.toMatchObject({
      code: 'changed',
      message: saying('changed while it was being read'),
    });
    expect(started).toEqual(['a.zip']);
  });
});
