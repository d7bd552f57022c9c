import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdir, readFile, readlink, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exportDataset } from '../../src/export/export-dataset.ts';
import type { ExportFormat, ExportOptions } from '../../src/export/types.ts';
import { splitDataset } from '../../src/split/split-dataset.ts';
import { makeDataset } from '../support/dataset.ts';
import { deadPid, lockRecordOf } from '../support/lock-record.ts';
import { listTree, useTempDirs, writeTree } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();

const HALVES = [
  { part: 'train', share: 0.5 },
  { part: 'test', share: 0.5 },
];

/** A dataset directory, and exports of it to `set`. */
async function makeExports(extracted: readonly string[] = ['ChestDx-1']) {
  const directory = await tempDir();
  const { root, manifest, layout } = await makeDataset(directory, { extracted });
  const to = join(directory, 'set');
  const write = (format: ExportFormat, more: Partial<ExportOptions> = {}) =>
    exportDataset({ manifest, dest: root, format, to, shardBytes: 5000, ...more });
  /** Stops it when its archive of this number begins. */
  const stopAt = async (
    format: ExportFormat,
    archive: number,
    more: Partial<ExportOptions> = {},
  ) => {
    const stop = new AbortController();
    let begun = 0;
    const onEvent: ExportOptions['onEvent'] = ({ event }) => {
      if (event === 'phase-start' && (begun += 1) === archive) stop.abort();
    };
    const stopped = write(format, { ...more, withImages: true, signal: stop.signal, onEvent });
    await expect(stopped).rejects.toMatchObject({ code: 'aborted' });
  };
  return { directory, root, manifest, layout, to, partial: `${to}.partial`, write, stopAt };
}

/** At once: an event is not waited for. */
function putNotes(directory: string): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'notes.txt'), 'mine');
}

describe('what an export that was stopped has left', () => {
  it('goes with the next one, and the lock that a killed one was taking; a living one keeps its own', async () => {
    const { partial, write } = await makeExports();
    const [left, taken] = ['lock.0123456789ab', 'lock.0123456789ac'];
    await writeTree(partial, { [left]: await lockRecordOf({ pid: deadPid() }) });
    await write('webdataset');
    await expect(listTree(partial)).rejects.toThrow('ENOENT');
    await writeTree(partial, { [taken]: await lockRecordOf({}) });
    await write('webdataset', { force: true });
    expect(await listTree(partial)).toEqual([taken]);
  });

  it('outlives a run that can not write its journal', async () => {
    const { partial, write, stopAt } = await makeExports();
    await stopAt('webdataset', 5);
    const before = await listTree(partial);
    expect(before.filter((name) => name.endsWith('.tar')).length).toBeGreaterThan(0);
    // Where the new journal would be: as a disk that is still full, it lets nobody open it.
    await mkdir(join(partial, 'journal.jsonl.new'));
    await expect(write('webdataset')).rejects.toMatchObject({
      message: expect.stringContaining('EISDIR') as string,
    });
    await rm(join(partial, 'journal.jsonl.new'), { recursive: true });
    expect(await listTree(partial)).toEqual(before);
    expect(await write('webdataset')).toMatchObject({ images: 31 });
  });

  it('does not count where its images are gone', async () => {
    const { to, partial, write } = await makeExports(['ChestDx-1', 'Viral-1']);
    // What comes in the way before the export gets its name: all of it is kept.
    const onEvent: ExportOptions['onEvent'] = ({ event }) => {
      if (event === 'phase-done') putNotes(to);
    };
    for (const isGone of [false, true]) {
      await expect(write('monai', { onEvent })).rejects.toMatchObject({ code: 'occupied' });
      await rm(to, { recursive: true });
      if (isGone) await rm(join(partial, 'export/images/ChestDx-1'), { recursive: true });
      const { shardsKept, images } = await write('monai');
      expect({ shardsKept, images }).toEqual({ shardsKept: isGone ? 0 : 1, images: 31 });
      expect((await listTree(to)).filter((name) => name.endsWith('.jpg'))).toHaveLength(31);
      await rm(to, { recursive: true });
    }
  });
});

describe('somebody’s own', () => {
  it('directory called <DIR>.partial is left alone, with --force too', async () => {
    const { partial, write } = await makeExports();
    const own = { 'thesis.tex': 'mine', 'export/figure.txt': 'mine' };
    await writeTree(partial, own);
    for (const force of [false, true]) {
      await expect(write('csv', { force })).rejects.toMatchObject({ code: 'occupied' });
    }
    expect(await listTree(partial)).toEqual(['export', 'export/figure.txt', 'thesis.tex']);
    await rm(join(partial, 'thesis.tex'));
    await expect(write('csv')).rejects.toMatchObject({ code: 'occupied' });
    expect(await readFile(join(partial, 'export/figure.txt'), 'utf8')).toBe('mine');
  });

  it('link called <DIR>.partial is not followed', async () => {
    const { directory, partial, write } = await makeExports();
    await mkdir(join(directory, 'elsewhere'));
    await symlink('elsewhere', partial);
    await expect(write('csv')).rejects.toMatchObject({ code: 'occupied' });
    expect(await readlink(partial)).toBe('elsewhere');
    expect(await listTree(join(directory, 'elsewhere'))).toEqual([]);
  });

  it('files that come to <DIR> meanwhile stay, and so does the export beside them', async () => {
    const { to, partial, write } = await makeExports();
    const onEvent: ExportOptions['onEvent'] = ({ event }) => {
      if (event === 'phase-done') putNotes(to);
    };
    const ended = write('webdataset', { onEvent });
    await expect(ended).rejects.toMatchObject({
      code: 'occupied',
      facts: { kept: expect.stringContaining(partial) as string },
    });
    expect(await listTree(to)).toEqual(['notes.txt']);
    await rm(to, { recursive: true });
    expect(await write('webdataset')).toMatchObject({ images: 31, leftOut: [] });
    expect(await listTree(join(to, '..'))).not.toContain('set.partial');
  });

  it('files in an export are not replaced with it', async () => {
    const { to, write } = await makeExports();
    for (const format of ['csv', 'imagefolder', 'parquet'] as const) {
      await write(format, { force: true, withImages: true });
    }
    await write('imagefolder', { force: true });
    await writeTree(to, { 'models/best.pt': 'mine' });
    await expect(write('csv', { force: true })).rejects.toMatchObject({
      code: 'occupied',
      message: expect.stringContaining('models/best.pt') as string,
    });
    expect(await readFile(join(to, 'models/best.pt'), 'utf8')).toBe('mine');
  });
});

it('a run that is stopped before it begins leaves no directory', async () => {
  const { directory, write } = await makeExports();
  await mkdir(join(directory, 'out'));
  const to = join(directory, 'out/set');
  const stop = new AbortController();
  const { signal } = stop;
  stop.abort();
  await expect(write('csv', { to, signal })).rejects.toMatchObject({ code: 'aborted' });
  expect(await listTree(join(directory, 'out'))).toEqual([]);
});

describe('a run that was killed while it replaced an export', () => {
  it('before the new one had its name: the old one has it again', async () => {
    const { to, partial, write } = await makeExports();
    await write('csv');
    await mkdir(partial);
    await writeTree(partial, { 'journal.jsonl': '' });
    await rename(to, join(partial, 'replaced'));
    await expect(write('jsonl')).rejects.toMatchObject({ code: 'occupied' });
    expect(await listTree(to)).toContain('labels.csv');
    expect(await write('jsonl', { force: true })).toMatchObject({ images: 31 });
    expect(await listTree(join(to, '..'))).not.toContain('set.partial');
  });

  it('after it: the old one goes', async () => {
    const { to, partial, write } = await makeExports();
    await write('csv');
    await writeTree(partial, { 'journal.jsonl': '', 'replaced/labels.jsonl': '{}' });
    expect(await write('jsonl', { force: true })).toMatchObject({ images: 31 });
    expect(await listTree(join(to, '..'))).not.toContain('set.partial');
  });
});

describe('export.json', () => {
  it('names the seed of a split, and none of one that was edited', async () => {
    const { root, manifest, to, layout, write } = await makeExports();
    const ratios = HALVES;
    await splitDataset({ manifest, dest: root, ratios, seed: '7' });
    const seedOf = async () => {
      await write('csv', { split: 'split', force: true });
      const sidecar: unknown = JSON.parse(await readFile(join(to, 'export.json'), 'utf8'));
      return sidecar;
    };
    expect(await seedOf()).toMatchObject({ split: { name: 'split', seed: '7' } });
    const file = join(layout.root, 'splits/split.csv');
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace(',train\n', ',test\n'));
    expect(await seedOf()).toMatchObject({ split: { name: 'split', seed: null } });
  });

  it('has SHA256SUMS beside it, of all that was written', async () => {
    const { to, write } = await makeExports();
    await write('imagefolder');
    const lines = (await readFile(join(to, 'SHA256SUMS'), 'utf8')).trimEnd().split('\n');
    const linked = (await listTree(join(to, 'images/ChestDx-1'))).length;
    // The images of one archive are links to those of the dataset.
    expect(lines).toHaveLength(31 - linked + 2);
    for (const line of lines) {
      const [sha256, path = ''] = line.split('  ');
      const content = await readFile(join(to, path));
      expect(createHash('sha256').update(content).digest('hex'), path).toBe(sha256);
    }
  });
});

it('a choice of which no image is in the split is refused', async () => {
  const { root, manifest, to, layout, write } = await makeExports();
  await splitDataset({ manifest, dest: root, ratios: HALVES });
  const file = join(layout.root, 'splits/split.csv');
  const [head = '', ...rows] = (await readFile(file, 'utf8')).trimEnd().split('\n');
  await writeFile(file, [head, ...rows.filter((row) => row.includes('/Viral-1/')), ''].join('\n'));
  const selection = { files: ['ChestDx-1'] };
  await expect(write('csv', { split: 'split', selection })).rejects.toMatchObject({
    code: 'nothing-chosen',
  });
  await expect(stat(to)).rejects.toThrow('ENOENT');
});
