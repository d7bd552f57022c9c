import { spawnSync } from 'node:child_process';
import { chmod, mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { findPlace, tryDisk } from '../../src/doctor/disk.ts';
import { snapshot } from '../support/dataset.ts';
import { type Diagnosis, runDiagnose, writeRelease } from '../support/doctor.ts';
import { canMount, useMounts } from '../support/mounts.ts';
import { listTree, useTempDirs, writeTree } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const mounts = useMounts();

/** Of a source that is a directory: the network plays no part. */
async function diagnoseDisk(
  dest: string,
  more: Parameters<typeof runDiagnose>[0] | object = {},
): Promise<Diagnosis> {
  const source = await tempDir();
  await writeRelease(source);
  return runDiagnose({ dest, sources: [source], ...more });
}

const ALL_CHECKS = [
  ...['directory', 'space', 'inodes', 'file-system', 'rename', 'flush', 'case', 'path-length'],
  ...['disk-clock', 'lock'],
];

it('looks at everything in a directory that is there, and leaves nothing', async () => {
  const dest = await tempDir();
  await writeTree(dest, { 'archives/x': '', '.ccxri/partial/ChestDx-1.zip.0a.part': '12345' });
  const before = await listTree(dest);
  const found = await diagnoseDisk(dest);
  expect([found.all('problem'), found.code]).toEqual([[], 0]);
  const own = found.rows.filter(({ part }) => part === 'destination');
  // Some file systems have no fixed number of inodes.
  const checks = ALL_CHECKS.filter((check) => check !== 'inodes' || found.row('inodes'));
  expect(own.map(({ check }) => check)).toEqual(checks);
  expect(found.row('lock')?.seen).toContain('1 partial download (5 bytes) kept');
  expect(await listTree(dest)).toEqual(before);
});

it('does not make a directory that is not there, and looks at the one above it', async () => {
  const above = await tempDir();
  const found = await diagnoseDisk(join(above, 'a/b/set'));
  expect(found.row('directory')?.seen).toBe(`not there yet; ${above} may be written`);
  expect([found.all('problem'), found.code]).toEqual([[], 0]);
  expect(await readdir(above)).toEqual([]);
});

it('with a dry run nothing is written at all', async () => {
  const dest = await tempDir();
  const before = await snapshot(dest);
  const found = await diagnoseDisk(dest, { dryRun: true });
  expect([found.all('problem'), found.code]).toEqual([[], 0]);
  expect([found.row('directory')?.status, found.row('rename')]).toEqual(['ok', undefined]);
  expect(await snapshot(dest)).toEqual(before);
});

it.each(['', '/set'])('a file is in its place%s: a problem of the disk', async (below) => {
  const path = join(await tempDir(), 'file');
  await writeFile(path, 'x');
  const found = await diagnoseDisk(path + below);
  expect([found.all('problem'), found.code]).toEqual([['directory'], 6]);
  expect(found.row('directory')?.seen).toBe(`${path} is a file, not a directory`);
  // The rest is looked at all the same.
  expect(found.row('archive')?.status).toBe('ok');
});

it.skipIf(process.platform !== 'linux')(
  'a file system of the kernel takes no directory',
  async () => {
    const found = await diagnoseDisk('/proc/nowhere');
    expect([found.row('directory')?.code, found.code]).toEqual(['not-writable', 6]);
  },
);

describe.skipIf(!canMount)('on disks of other kinds', () => {
  it('one that lets nobody write', async () => {
    const dest = await mounts.readOnly(await tempDir());
    const found = await diagnoseDisk(dest);
    expect([found.all('problem'), found.code]).toEqual([['directory'], 6]);
    expect(found.row('directory')).toMatchObject({
      code: 'not-writable',
      next: [{ kind: 'option', option: 'dest' }],
    });
  });

  it('a full one: nothing can be written, and the space is said', async () => {
    const dest = await mounts.small(256 * 1024);
    const filled = spawnSync('dd', ['if=/dev/zero', `of=${join(dest, 'filler')}`, 'bs=4k']);
    expect(filled.status).toBe(1);
    const found = await diagnoseDisk(dest);
    expect([found.all('problem'), found.code]).toEqual([['directory', 'space'], 6]);
    expect(found.row('directory')?.code).toBe('disk-full');
    expect(found.row('space')?.seen).toMatch(/^0 bytes free; the whole dataset needs about 2 MB/);
    expect(await readdir(dest)).toEqual(['filler']);
  });

  it('one that is too small for a selection, though not for the least of it', async () => {
    const dest = await mounts.small(1024 * 1024);
    const all = await diagnoseDisk(dest);
    expect([all.row('space')?.status, all.code]).toEqual(['warning', 0]);
    const selected = await diagnoseDisk(dest, { selection: { files: ['ChestDx-1'] } });
    expect([selected.row('space')?.code, selected.code]).toEqual(['disk-space', 6]);
    const labels = await diagnoseDisk(dest, { selection: { files: ['chest_dx.csv'] } });
    expect([labels.row('space')?.status, labels.code]).toEqual(['ok', 0]);
    expect(labels.row('file-system')?.seen).toBe('tmpfs: files are in memory');
  });

  it('one on which a folder of the dataset is another disk', async () => {
    const dest = await tempDir();
    await mkdir(join(dest, 'archives'));
    const other = await mounts.small(1024 * 1024);
    const bind = spawnSync('mount', ['--bind', other, join(dest, 'archives')]);
    expect(bind.status).toBe(0);
    try {
      const found = await diagnoseDisk(dest);
      expect([found.row('file-system')?.status, found.code]).toEqual(['problem', 6]);
      expect(found.row('file-system')?.seen).toContain('archives on another disk');
    } finally {
      spawnSync('umount', [join(dest, 'archives')]);
    }
  });
});

it.skipIf(process.getuid?.() === 0)('a directory that is not ours to write', async () => {
  const dest = await tempDir();
  await chmod(dest, 0o500);
  const found = await diagnoseDisk(dest);
  expect([found.all('problem'), found.code]).toEqual([['directory'], 6]);
});

it('a path so long that no image would fit', async () => {
  const root = await tempDir();
  const dest = join(root, ...Array.from({ length: 20 }, () => 'd'.repeat(199)));
  const found = await diagnoseDisk(dest);
  expect([found.all('problem'), found.code]).toEqual([['path-length'], 6]);
  expect(found.row('path-length')?.seen).toMatch(/^a path of 4,?\d+ characters .*ENAMETOOLONG/);
  expect(await readdir(root)).toEqual([]);
});

it('another run at work is a warning', async () => {
  const dest = await tempDir();
  const holder = { pid: process.pid, host: hostname(), startToken: null };
  const lock = { lockVersion: 1, holder, token: 'x', since: '2026-01-05T10:11:12.000Z' };
  await writeTree(dest, { '.ccxri/lock': JSON.stringify(lock) });
  const found = await diagnoseDisk(dest);
  expect(found.row('lock')).toMatchObject({
    status: 'warning',
    next: [{ kind: 'option', option: 'wait' }],
  });
  expect(found.code).toBe(0);
});

it('a stop in the middle leaves nothing', async () => {
  const dest = await tempDir();
  const stop = new AbortController();
  let asked = 0;
  const clock = {
    ...systemClock,
    // It is read before the probe is written, and again after.
    date: () => {
      asked += 1;
      if (asked === 2) stop.abort();
      return new Date();
    },
  };
  const place = await findPlace(dest);
  const { signal } = stop;
  await expect(tryDisk(place, 'x', { clock, signal })).rejects.toMatchObject({ code: 'aborted' });
  expect([asked, await readdir(dest)]).toEqual([2, []]);
  expect((await stat(dest)).isDirectory()).toBe(true);
});
