import { describe, expect, it } from 'vitest';
import { makeFaultRelease } from '../support/fault-runs.ts';
import {
  type Limit,
  type LimitReport,
  fetchIntoLimit,
  hasPrlimit,
  remount,
} from '../support/full-disk.ts';
import { canMount, useMounts } from '../support/mounts.ts';
import { hasNginx } from '../support/nginx.ts';
import { useProcessGroups } from '../support/process-group.ts';
import { useTempDirs } from '../support/temp-dirs.ts';
import { useServedRelease } from './served-release.ts';

/** Each rises; the first is too small, the last is not. */
export interface FullDiskSuite {
  readonly kibibytes: readonly number[];
  readonly inodes: readonly number[];
  readonly fileBytes: readonly number[];
}

const ROOM_BYTES = 16 * 1024 * 1024;

/** `it` of a disk, an inode table and a limit of file sizes that do not suffice. */
export function describeFullDisk(suite: FullDiskSuite): void {
  const start = useProcessGroups();
  const tempDir = useTempDirs();
  const mounts = useMounts();
  const served = useServedRelease((directory) => makeFaultRelease(directory, 180_000));

  async function judge(what: string, limits: readonly (() => Promise<Limit>)[]): Promise<void> {
    const { directory, release, nginx } = served();
    const world = { directory, release, sourceUrl: nginx.url, start };
    const reports: LimitReport[] = [];
    for (const limit of limits) reports.push(await fetchIntoLimit(world, await limit()));
    expect(reports.flatMap(({ wrong }) => wrong)).toEqual([]);
    expect(reports.at(0)?.wasMet).toBe(true);
    expect(reports.at(-1)?.wasMet).toBe(false);
    const told = new Set(reports.map(({ toldOf }) => toldOf).filter((each) => each !== ''));
    const met = reports.filter(({ wasMet }) => wasMet).length;
    console.log(`${what}: ${met} of ${limits.length} limits were met: ${[...told].join(', ')}`);
  }

  describe.skipIf(!hasNginx || !canMount)('a disk that fills up', () => {
    it('#71 #72 at any byte: code 6, and with more room the next run ends well', async () => {
      const limits = suite.kibibytes.map((size) => async () => {
        const parent = await mounts.small(size * 1024);
        return { name: `${size} KiB`, parent, lift: () => remount(parent, `size=${ROOM_BYTES}`) };
      });
      await judge('size of the disk', limits);
    }, 600_000);

    it('#71 at any file, without inodes: the same', async () => {
      const limits = suite.inodes.map((inodes) => async () => {
        const parent = await mounts.small(ROOM_BYTES);
        remount(parent, `nr_inodes=${inodes}`);
        return { name: `${inodes} inodes`, parent, lift: () => remount(parent, 'nr_inodes=1000') };
      });
      await judge('inodes', limits);
    }, 600_000);
  });

  it.skipIf(!hasNginx || !hasPrlimit)(
    '#74 a limit to the size of files: code 6, and without it the next run ends well',
    async () => {
      const limits = suite.fileBytes.map((bytes) => async () => ({
        name: `files of ${bytes} bytes`,
        parent: await tempDir(),
        before: ['prlimit', `--fsize=${bytes}`],
        lift: () => undefined,
      }));
      await judge('size of files', limits);
    },
    600_000,
  );
}
