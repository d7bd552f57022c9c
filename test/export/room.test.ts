import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeExportProgram } from '../support/export-program.ts';
import { canMount, useMounts } from '../support/mounts.ts';
import { documentOf } from '../support/run-cli.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const mounts = useMounts();

describe('export --dry-run', () => {
  it('says what would be written, and writes nothing', async () => {
    const directory = await tempDir();
    const { run, exportTo, to } = await makeExportProgram(directory);
    await run('split');
    const before = await listTree(directory);
    const { code, stdout } = await exportTo('webdataset', '--split', 'split', '-n');
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^would export {2}\S+\/set: 31 images of 6 archives as webdataset, .* of images\n/,
    );
    expect(stdout).toMatch(/^train +\d+$/m);
    const { result } = documentOf((await exportTo('monai', '--json', '-n')).stdout);
    expect(result).toMatchObject({ images: 31, files: 0, bytes: 0 });
    expect(await listTree(directory)).toEqual(before);
    expect((await exportTo('csv', '--resize', '100', '-n')).stdout).toContain(
      'as large as they get',
    );
    await mkdir(to, { recursive: true });
    expect((await exportTo('csv')).code).toBe(0);
    expect((await exportTo('csv', '-n')).code).toBe(3);
  });

  it('counts images that are links as nothing', async () => {
    const { exportTo } = await makeExportProgram(await tempDir(), ['ChestDx-1']);
    const bytesOf = async (...argv: readonly string[]) => {
      const { stdout } = await exportTo(...argv, '--json', '-n');
      return documentOf(stdout).result;
    };
    const one = ['--file', 'ChestDx-1'];
    expect(await bytesOf('monai', ...one)).toMatchObject({ bytesOfImages: 0, images: 7 });
    expect(await bytesOf('csv', ...one)).toMatchObject({ bytesOfImages: 0 });
    expect(await bytesOf('webdataset', ...one)).not.toMatchObject({ bytesOfImages: 0 });
    expect(await bytesOf('csv', ...one, '--format', 'png')).toMatchObject({ bytesOfImages: null });
  });
});

it.runIf(canMount)(
  'a disk without room for the images is refused before a byte is written',
  async () => {
    const { run } = await makeExportProgram(await tempDir());
    const disk = await mounts.small(16_384);
    const to = join(disk, 'set');
    const { code, stderr } = await run('export', 'webdataset', '--to', to);
    expect(code).toBe(6);
    expect(stderr).toMatch(/the export takes .* and .* are free/);
    expect(stderr).toContain('--to');
    expect(await listTree(disk)).toEqual([]);
  },
);
