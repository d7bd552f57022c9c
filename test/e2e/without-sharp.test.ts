import { execFile } from 'node:child_process';
import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { makeDataset } from '../support/dataset.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const root = fileURLToPath(new URL('../..', import.meta.url));

interface Ended {
  readonly code: number | string | undefined;
  readonly stderr: string;
}

/** The built program in a place where no package can be found. */
async function programAlone(directory: string) {
  for (const name of ['dist', 'manifests', 'package.json']) {
    await cp(join(root, name), join(directory, 'program', name), { recursive: true });
  }
  const script = join(directory, 'program/dist/bin/ccxri.js');
  return (...argv: readonly string[]): Promise<Ended> =>
    new Promise((resolve) => {
      execFile(process.execPath, [script, ...argv], (error, _, stderr) => {
        resolve({ code: error === null ? 0 : (error.code ?? undefined), stderr });
      });
    });
}

it('asks for sharp where images are to be decoded or converted, and does without it elsewhere', async () => {
  const directory = await tempDir();
  const { root: dest, release } = await makeDataset(directory, { extracted: ['ChestDx-1'] });
  const run = await programAlone(directory);
  const at = ['--manifest', release.manifestPath, '--dest', dest];
  const before = await listTree(dest);
  const to = ['--to', join(directory, 'set')];
  for (const argv of [
    ['export', 'imagefolder', '--resize', '64', ...to],
    ['export', 'webdataset', '--format', 'png', ...to],
    ['audit', '--decode'],
    ['fetch', '--subset', 'all', '--source', release.directory, '--low-disk', '--resize', '64'],
  ]) {
    const { code, stderr } = await run(...argv, ...at);
    expect({ code, argv }).toEqual({ code: 2, argv });
    expect(stderr).toContain('npm install sharp');
  }
  expect(await listTree(directory)).not.toContain('set');
  expect(await listTree(dest)).toEqual(before);
  expect(await run('export', 'imagefolder', ...to, ...at)).toMatchObject({ code: 0 });
  const report = join(directory, 'report.html');
  expect(await run('report', '-o', report, ...at)).toMatchObject({ code: 0 });
  expect(await readFile(report, 'utf8')).toContain('images/ChestDx-1/');
});
