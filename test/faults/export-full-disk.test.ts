import { describe, expect, it } from 'vitest';
import { type DisturbedExport, faultsOf, makeDisturbedExport } from '../support/export-kills.ts';
import { remount } from '../support/full-disk.ts';
import { canMount, useMounts } from '../support/mounts.ts';
import { summaryOf, useProcessGroups } from '../support/process-group.ts';
import { rounds } from '../support/rounds.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const mounts = useMounts();
const start = useProcessGroups();

/** Files and directories that the disk takes: the last shards have none left. Of bytes, it is known before. */
const INODES = rounds({ brief: [5, 6, 8], full: [4, 5, 6, 7, 8] });
const ROOM_BYTES = 16 * 1024 * 1024;

/** Runs it until the disk is full. @returns shards that it has kept */
async function fill(exported: DisturbedExport): Promise<number> {
  const end = await start(exported.args).ended;
  expect(end.code, end.stderr).toBe(6);
  const [error] = summaryOf(end)?.errors ?? [];
  expect(error?.code).toBe('no-inodes');
  expect(await faultsOf(exported, 'whole or not at all')).toEqual([]);
  return Number(/(\d+) shards? in /.exec(end.stderr)?.[1] ?? 0);
}

describe.runIf(canMount)('a disk that takes no more files midway', () => {
  it.each(['webdataset', 'parquet --with-images'])(
    'an export of %s goes on with its shards where there is room then',
    async (format) => {
      const kept: number[] = [];
      for (const inodes of INODES) {
        const disk = await mounts.small(ROOM_BYTES, inodes);
        const exported = await makeDisturbedExport(await tempDir(), start, format, disk);
        kept.push(await fill(exported));
        // Full as it is: another run loses none of them.
        await fill(exported);
        remount(disk, 'nr_inodes=1000');
        const end = await start(exported.args).ended;
        expect(end.code, end.stderr).toBe(0);
        expect(summaryOf(end)?.result).toMatchObject({ shardsKept: kept.at(-1) });
        expect(await faultsOf(exported, 'whole')).toEqual([]);
      }
      expect(kept.at(-1)).toBeGreaterThan(0);
    },
    1_800_000,
  );
});
