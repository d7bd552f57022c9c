import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeExportProgram } from '../support/export-program.ts';
import { canMount, useMounts } from '../support/mounts.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const mounts = useMounts();

it.runIf(canMount).each(['webdataset', 'monai', 'csv'])(
  'leaves nothing of %s on a disk that gets full midway',
  async (format) => {
    const { run } = await makeExportProgram(await tempDir());
    const disk = await mounts.small(72_000);
    const { code, stderr } = await run(
      ...(['export', format, '--with-images'] as const),
      ...['--to', join(disk, 'set')],
    );
    expect(code).toBe(6);
    expect(stderr).toContain('ENOSPC');
    expect(stderr).toContain('--to DIR');
    expect(stderr).not.toContain('--dest DIR');
    expect(await listTree(disk)).toEqual([]);
  },
);
