import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useTempDirs } from '../support/csv.ts';
import { makeFaultRelease, type FaultWorld } from '../support/fault-runs.ts';
import { fetchIntoLimit, hasPrlimit, remount, type LimitReport } from '../support/full-disk.ts';
import { canMount, useMounts } from '../support/mounts.ts';
import { hasNginx, startNginx, type Nginx } from '../support/nginx.ts';
import { useProcessGroups } from '../support/process-group.ts';

const start = useProcessGroups();
const tempDir = useTempDirs();
const mounts = useMounts();
let directory: string;
let nginx: Nginx;
let world: FaultWorld;

beforeAll(async () => {
  if (!hasNginx) return;
  directory = await mkdtemp(join(tmpdir(), 'ccxri-full-'));
  const release = await makeFaultRelease(join(directory, 'release'), 60_000);
  nginx = await startNginx({ root: release.directory });
  world = { directory, release, sourceUrl: nginx.url, start };
});

afterAll(async () => {
  if (!hasNginx) return;
  await nginx.stop();
  await rm(directory, { recursive: true, force: true });
});

/** Both ends of a row of limits: the smallest is met, the largest is not. */
function judge(reports: readonly LimitReport[], what: string): void {
  expect(reports.flatMap(({ wrong }) => wrong)).toEqual([]);
  expect(reports.at(0)?.wasMet).toBe(true);
  expect(reports.at(-1)?.wasMet).toBe(false);
  const told = new Set(reports.map(({ toldOf }) => toldOf).filter((each) => each !== ''));
  const met = reports.filter(({ wasMet }) => wasMet).length;
  console.log(
    `${what}: ${met} of ${reports.length} limits were met; told of ${[...told].join(', ')}`,
  );
}

const range = (from: number, to: number, step: number) =>
  Array.from({ length: Math.ceil((to - from) / step) }, (_, n) => from + n * step);

describe.skipIf(!hasNginx || !canMount)('#71 #72 a disk that fills up', () => {
  it('at any byte: code 6, and with more room the next run ends well', async () => {
    const reports: LimitReport[] = [];
    for (const kibibytes of range(4, 480, 16)) {
      const parent = await mounts.small(kibibytes * 1024);
      const lift = () => remount(parent, 'size=16m');
      reports.push(await fetchIntoLimit(world, { name: `${kibibytes} KiB`, parent, lift }));
    }
    judge(reports, 'size');
  });

  it('at any file: the same, where there are no inodes left', async () => {
    const reports: LimitReport[] = [];
    for (const inodes of range(2, 38, 2)) {
      const parent = await mounts.small(16 * 1024 * 1024);
      remount(parent, `nr_inodes=${inodes}`);
      const lift = () => remount(parent, 'nr_inodes=1000');
      reports.push(await fetchIntoLimit(world, { name: `${inodes} inodes`, parent, lift }));
    }
    judge(reports, 'inodes');
  });
});

describe.skipIf(!hasNginx || !hasPrlimit)('#74 a limit to the size of a file', () => {
  it('met by any file: code 6, and without it the next run ends well', async () => {
    const reports: LimitReport[] = [];
    for (const bytes of [
      0, 100, 190, 230, 260, 280, 300, 400, 2000, 70_000, 76_000, 200_000, 1e6,
    ]) {
      const name = `files of ${bytes} bytes`;
      const before = ['prlimit', `--fsize=${bytes}`];
      const lift = () => undefined;
      reports.push(await fetchIntoLimit(world, { name, parent: await tempDir(), before, lift }));
    }
    judge(reports, 'file size');
  });
});
