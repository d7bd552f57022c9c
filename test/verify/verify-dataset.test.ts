import { spawnSync } from 'node:child_process';
import { mkdir, rename, rm, stat, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../../src/events.ts';
import { datasetStatus } from '../../src/status.ts';
import { makeDataset, md5Of, snapshot } from '../support/dataset.ts';
import { saying, nextSaying } from '../support/matchers.ts';
import { canMount, useMounts } from '../support/mounts.ts';
import { extraResources } from '../support/resources.ts';
import { useTempDirs } from '../support/temp-dirs.ts';
import { ALL, all, outcomeOf, rot, statusesOf, verify } from '../support/verify.ts';

const tempDir = useTempDirs();
const mounts = useMounts();

it('reads every byte, says of each file what it is, and writes nothing', async () => {
  const dataset = await makeDataset(await tempDir(), { extracted: ['Normal-4'] });
  const before = await snapshot(dataset.root);
  const events: RunEvent[] = [];
  const result = await verify(dataset, { onEvent: (event) => events.push(event) });
  expect(statusesOf(result)).toEqual(all('verified'));
  expect(result.outcomes.map(({ file }) => file)).toEqual(ALL);
  expect(result).toMatchObject({ dest: dataset.root, depth: 'full', notHere: 0 });
  expect(result.bytesRead).toBe(dataset.release.written.reduce((sum, { bytes }) => sum + bytes, 0));
  expect(outcomeOf(result, 'Normal-4.zip')).toEqual({
    file: 'Normal-4.zip',
    subsets: ['cc-cxri-p', 'normal'],
    kind: 'archive',
    status: 'verified',
    path: dataset.pathOf('Normal-4.zip'),
    bytes: (await stat(dataset.pathOf('Normal-4.zip'))).size,
    md5: md5Of(dataset, 'Normal-4.zip'),
    membersChecked: 0,
    badMembers: [],
    brokenImages: [],
    unexpectedFiles: [],
  });
  expect(await snapshot(dataset.root)).toEqual(before);
  const work = result.outcomes.map(({ file, bytes }) => ({
    file,
    phase: 'hash',
    bytes,
  }));
  expect(events[0]).toMatchObject({ event: 'plan', files: ALL.length, work });
  const ofOne = events.filter((event) => 'file' in event && event.file === 'Normal-4.zip');
  expect(ofOne).toMatchObject([
    { event: 'phase-start', phase: 'hash', doneBytes: 0 },
    ...ofOne.slice(1, -2).map(() => ({ event: 'progress', phase: 'hash' })),
    { event: 'phase-done', phase: 'hash', md5: md5Of(dataset, 'Normal-4.zip') },
    { event: 'file-done', status: 'verified' },
  ]);
});

it('#170 one bad file is named with expected and found, and the others are checked', async () => {
  const dataset = await makeDataset(await tempDir());
  await rot(dataset.pathOf('ChestDx-2'));
  const result = await verify(dataset);
  expect(statusesOf(result)).toEqual({ ...all('verified'), 'ChestDx-2.zip': 'bad' });
  const path = dataset.pathOf('ChestDx-2');
  const { error, md5 } = outcomeOf(result, 'ChestDx-2.zip');
  expect(md5).toMatch(/^[0-9a-f]{32}$/);
  expect(md5).not.toBe(md5Of(dataset, 'ChestDx-2.zip'));
  expect(error).toMatchObject({
    code: 'md5-mismatch',
    facts: {
      file: 'ChestDx-2.zip',
      path,
      expected: `MD5 ${md5Of(dataset, 'ChestDx-2.zip')}`,
      found: `MD5 ${md5}`,
    },
    next: nextSaying('run `ccxri repair --file ChestDx-2` to download what is wrong with it'),
  });
});

it('#69 a file that has rotted since it passed is found, and only the ledger is written', async () => {
  const dataset = await makeDataset(await tempDir());
  await rot(dataset.pathOf('Viral-1'), 100);
  await rot(dataset.pathOf('chest_dx.csv'), 500);
  const before = await snapshot(dataset.root);
  const result = await verify(dataset);
  expect(statusesOf(result)).toEqual({
    ...all('verified'),
    'Viral-1.zip': 'bad',
    'chest_dx.csv': 'bad',
  });
  const after = await snapshot(dataset.root);
  const changed = after.filter((line) => !before.includes(line));
  // The lock comes and goes in .ccxri.
  expect(changed.filter((line) => !/^\.ccxri(?:\/ledger| )/.test(line))).toEqual([]);
  const pathsOf = (lines: readonly string[]) => lines.map((line) => line.split(' ')[0]);
  expect(pathsOf(after)).toEqual(pathsOf(before));
  const status = await datasetStatus({ manifest: dataset.manifest, dest: dataset.root });
  const states = status.files.map(({ file, status: word }) => [file, word]);
  expect(states).toContainEqual(['Viral-1.zip', 'bad']);
  expect(states).toContainEqual(['chest_dx.csv', 'bad']);
  expect(states).toContainEqual(['Other-1.zip', 'verified']);
});

it('a bad file that the ledger does not know leaves the directory as it is, without a lock', async () => {
  const dataset = await makeDataset(await tempDir(), { withLedger: false });
  await rot(dataset.pathOf('Viral-1'), 100);
  const before = await snapshot(dataset.root);
  expect(statusesOf(await verify(dataset))).toMatchObject({ 'Viral-1.zip': 'bad' });
  expect(await snapshot(dataset.root)).toEqual(before);
});

it('#70 what rots under the same size and time passes the quick look, which read nothing', async () => {
  const dataset = await makeDataset(await tempDir());
  await rot(dataset.pathOf('Viral-1'));
  const quick = await verify(dataset, { depth: 'quick' });
  expect(statusesOf(quick)).toEqual(all('verified'));
  expect(quick).toMatchObject({ depth: 'quick', bytesRead: 0 });
  expect(quick.outcomes.map(({ md5 }) => md5)).toEqual(ALL.map(() => null));
  const full = await verify(dataset);
  expect(statusesOf(full)).toEqual({ ...all('verified'), 'Viral-1.zip': 'bad' });
});

describe('the quick look', () => {
  it('does not vouch for what the ledger does not know', async () => {
    const dataset = await makeDataset(await tempDir(), { withLedger: false });
    const result = await verify(dataset, { depth: 'quick' });
    expect(statusesOf(result)).toEqual(all('present'));
    expect(result.outcomes.filter(({ error }) => error !== undefined)).toEqual([]);
  });

  it('does not vouch for another time of change, nor for what passed for another release', async () => {
    const dataset = await makeDataset(await tempDir());
    await utimes(dataset.pathOf('ChestDx-1'), 1, 1);
    const manifest = {
      ...dataset.manifest,
      files: dataset.manifest.files.map((file) =>
        file.name === 'ChestDx-2.zip' ? { ...file, md5: 'f'.repeat(32) } : file,
      ),
    };
    const result = await verify(dataset, { depth: 'quick', manifest });
    expect(statusesOf(result)).toEqual({
      ...all('verified'),
      'ChestDx-1.zip': 'present',
      'ChestDx-2.zip': 'present',
    });
    const { error } = outcomeOf(result, 'ChestDx-1.zip');
    expect(error).toMatchObject({ code: 'md5-mismatch', next: nextSaying('`ccxri verify`') });
    expect(outcomeOf(result, 'ChestDx-2.zip').error).toMatchObject({
      code: 'other-manifest',
      facts: { otherManifest: true },
    });
  });

  it('says that a file has another length than it had, or than it can have', async () => {
    const dataset = await makeDataset(await tempDir(), { release: { exactBytes: false } });
    const { size } = await stat(dataset.pathOf('ChestDx-1'));
    await truncate(dataset.pathOf('ChestDx-1'), size - 1);
    await writeFile(dataset.pathOf('ChestDx-2'), '');
    const result = await verify(dataset, { depth: 'quick' });
    expect(statusesOf(result)).toEqual({
      ...all('verified'),
      'ChestDx-1.zip': 'bad',
      'ChestDx-2.zip': 'bad',
    });
    expect(outcomeOf(result, 'ChestDx-1.zip').error).toMatchObject({
      code: 'size-mismatch',
      facts: { path: dataset.pathOf('ChestDx-1'), found: saying('bytes') },
      next: nextSaying('`ccxri repair --file ChestDx-1`'),
    });
  });
});

describe('what is not here', () => {
  it('is only counted where nothing was asked for', async () => {
    const dataset = await makeDataset(await tempDir());
    await rm(dataset.pathOf('ChestDx-1'));
    await rm(dataset.pathOf('chest_dx.csv'));
    const result = await verify(dataset);
    expect(result.outcomes).toHaveLength(ALL.length - 2);
    expect(result.notHere).toBe(2);
    // The command line hands on empty lists where nothing was typed.
    const again = await verify(dataset, { selection: { subsets: [], files: [] } });
    expect(again.notHere).toBe(2);
  });

  it('is missing where it was asked for, with the command that gets all of it', async () => {
    const dataset = await makeDataset(await tempDir());
    await rm(dataset.pathOf('ChestDx-1'));
    const result = await verify(dataset, {
      selection: { subsets: ['chestdx'], files: ['Normal-4'] },
    });
    expect(statusesOf(result)).toEqual({
      'ChestDx-1.zip': 'missing',
      'ChestDx-2.zip': 'verified',
      'chest_dx.csv': 'verified',
      'Normal-4.zip': 'verified',
    });
    expect(result.notHere).toBe(0);
    expect(outcomeOf(result, 'ChestDx-1.zip')).toMatchObject({
      path: null,
      bytes: null,
      error: {
        code: 'missing',
        facts: { expected: dataset.pathOf('ChestDx-1') },
        next: nextSaying(
          'run `ccxri fetch --subset chestdx --file Normal-4` to get what is missing',
        ),
      },
    });
  });

  it('a link that leads nowhere is no file', async () => {
    const dataset = await makeDataset(await tempDir());
    await rm(dataset.pathOf('ChestDx-1'));
    await symlink('gone.zip', dataset.pathOf('ChestDx-1'));
    const result = await verify(dataset, { selection: { files: ['ChestDx-1'] } });
    expect(statusesOf(result)).toEqual({ 'ChestDx-1.zip': 'missing' });
  });

  it('no directory, and none with anything of the dataset in it, are reported', async () => {
    const dataset = await makeDataset(await tempDir());
    const nowhere = verify(dataset, { dest: join(dataset.root, 'nowhere') });
    await expect(nowhere).rejects.toMatchObject({
      code: 'missing',
      message: saying('no dataset directory'),
    });
    const elsewhere = verify(dataset, {
      dest: dataset.layout.archives.replace('archives', '.ccxri'),
    });
    await expect(elsewhere).rejects.toMatchObject({
      code: 'missing',
      message: saying('nothing of CC-CXRI (made up) in '),
    });
    const file = verify(dataset, { dest: dataset.pathOf('chest_dx.csv') });
    await expect(file).rejects.toMatchObject({ code: 'missing' });
  });

  it('unknown names are usage', async () => {
    const dataset = await makeDataset(await tempDir());
    const subset = verify(dataset, { selection: { subsets: ['chestd'] } });
    await expect(subset).rejects.toMatchObject({ code: 'unknown-subset' });
    const file = verify(dataset, { selection: { files: ['ChestDx-99'] } });
    await expect(file).rejects.toMatchObject({ code: 'unknown-file' });
  });
});

describe('a plain directory of archives', () => {
  it.each(['full', 'deep'] as const)('is checked (%s), and left as it is', async (depth) => {
    const dataset = await makeDataset(await tempDir());
    // As a group's copy on a share: no layout, other files beside them.
    const { directory } = dataset.release;
    await mkdir(join(directory, 'old'));
    await rm(join(directory, 'Normal-4.zip'));
    await rot(join(directory, 'Other-1.zip'), 60);
    const before = await snapshot(directory);
    const result = await verify(dataset, { dest: directory, depth });
    expect({ ...statusesOf(result), 'Normal-4.zip': 'verified' }).toEqual({
      ...all('verified'),
      'Other-1.zip': 'bad',
    });
    expect(result.outcomes).toHaveLength(ALL.length - 1);
    expect(result.notHere).toBe(1);
    expect(outcomeOf(result, 'ChestDx-1.zip').path).toBe(join(directory, 'ChestDx-1.zip'));
    expect(await snapshot(directory)).toEqual(before);
  });

  it('a file in its place in the layout goes before one beside it', async () => {
    const dataset = await makeDataset(await tempDir());
    await writeFile(join(dataset.root, 'ChestDx-1.zip'), 'another');
    const result = await verify(dataset, { selection: { files: ['ChestDx-1'] } });
    expect(outcomeOf(result, 'ChestDx-1.zip')).toMatchObject({
      status: 'verified',
      path: dataset.pathOf('ChestDx-1'),
    });
  });

  it('archives that are links to a share are read', async () => {
    const dataset = await makeDataset(await tempDir());
    await rename(dataset.layout.archives, join(dataset.root, '..', 'share'));
    await mkdir(dataset.layout.archives);
    const target = join(dataset.root, '..', 'share', 'ChestDx-1.zip');
    await symlink(target, dataset.pathOf('ChestDx-1'));
    const result = await verify(dataset, { selection: { files: ['ChestDx-1'] }, depth: 'deep' });
    expect(statusesOf(result)).toEqual({ 'ChestDx-1.zip': 'verified' });
  });
});

it.skipIf(!canMount)('#77 a read-only directory is checked in every depth', async () => {
  const dataset = await makeDataset(await tempDir(), { extracted: ['ChestDx-1', 'Normal-4'] });
  await rm(dataset.pathOf('Normal-4'));
  const dest = await mounts.readOnly(dataset.root);
  for (const [depth, good, images] of [
    ['quick', 'verified', 'removed'],
    ['full', 'verified', 'crc-checked'],
    ['deep', 'verified', 'crc-checked'],
  ] as const) {
    const result = await verify(dataset, { dest, depth });
    expect(statusesOf(result)).toEqual({ ...all(good), 'Normal-4.zip': images });
  }
});

describe('what lies there and is no file', () => {
  it('is bad, and never waited for', async () => {
    const dataset = await makeDataset(await tempDir());
    const [folder, pipe] = [dataset.pathOf('ChestDx-1'), dataset.pathOf('ChestDx-2')];
    await rm(folder);
    await mkdir(folder);
    await rm(pipe);
    expect(spawnSync('mkfifo', [pipe]).status).toBe(0);
    for (const depth of ['full', 'deep'] as const) {
      const result = await verify(dataset, { depth, selection: { subsets: ['chestdx'] } });
      expect(statusesOf(result)).toEqual({
        'ChestDx-1.zip': 'bad',
        'ChestDx-2.zip': 'bad',
        'chest_dx.csv': 'verified',
      });
      expect(outcomeOf(result, 'ChestDx-2.zip').error).toMatchObject({ code: 'occupied' });
    }
  });
});

describe('a stop', () => {
  it('before the work is one', async () => {
    const dataset = await makeDataset(await tempDir());
    const stopped = verify(dataset, { signal: AbortSignal.abort() });
    await expect(stopped).rejects.toMatchObject({ code: 'aborted' });
  });

  it.each(['full', 'deep'] as const)('in the middle ends everything (%s)', async (depth) => {
    const dataset = await makeDataset(await tempDir(), { extracted: ['ChestDx-1'] });
    const resources = process.getActiveResourcesInfo();
    const stop = new AbortController();
    let done = 0;
    const stopped = verify(dataset, {
      depth,
      concurrency: 2,
      signal: stop.signal,
      onEvent: ({ event }) => {
        if (event === 'file-done') done += 1;
        if (done === 1) stop.abort();
      },
    });
    await expect(stopped).rejects.toMatchObject({ code: 'aborted' });
    expect(done).toBeLessThan(ALL.length);
    // The request whose answer ended it all is taken off the list in the next turn.
    await setImmediate();
    expect(extraResources(resources)).toEqual([]);
  });

  it('a listener that throws is a bug, thrown as it is', async () => {
    const dataset = await makeDataset(await tempDir());
    const broken = verify(dataset, {
      onEvent: ({ event }) => {
        if (event === 'file-done') throw new RangeError('a bug');
      },
    });
    await expect(broken).rejects.toThrow(RangeError);
  });
});
