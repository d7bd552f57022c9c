import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runCli } from '../support/run-cli.ts';
import { makeStandIn } from '../support/stand-in.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();

it('asks if the disk is too small, and is code 6 if it cannot ask', async () => {
  const directory = await tempDir();
  const release = await makeStandIn(join(directory, 'release'));
  const huge = { name: 'Huge.zip', kind: 'archive', category: 'x', subsets: ['x'] };
  const path = join(directory, 'huge.json');
  const files = [{ ...huge, size: '999999GB', md5: 'a'.repeat(32) }];
  await writeFile(path, JSON.stringify({ ...release.manifest, files }));
  const dest = join(directory, 'set');
  const argv = ['fetch', '--subset', 'all', '--dest', dest, '--manifest', path];
  const run = (more: readonly string[], typed?: string) => {
    const world = typed === undefined ? {} : { typed, columns: 80 };
    return runCli([...argv, '--source', release.directory, ...more], world);
  };
  for (const [more, typed] of [
    [[], undefined],
    [[], 'n\n'],
    [[], ''],
    [['--no-input'], 'y\n'],
    [['--json'], 'y\n'],
  ] as const) {
    const { code, stderr } = await run(more, typed);
    expect(code).toBe(6);
    expect(stderr.includes('Continue anyway? [y/N]')).toBe(
      typed !== undefined && more.length === 0,
    );
    expect(stderr).toContain('continue anyway with -y');
    expect(stderr).toContain('nothing was started');
    await expect(listTree(dest)).rejects.toThrow('ENOENT');
  }
  await mkdir(dest);
  await writeFile(join(dest, 'mine'), '');
  expect((await run([])).code).toBe(6);
  expect(await listTree(dest)).toEqual(['mine']);
  // The run continues, and then the source does not have the file.
  for (const [more, typed] of [
    [['-y'], undefined],
    [[], 'yes\n'],
  ] as const) {
    expect((await run(more, typed)).code).toBe(4);
  }
  const dry = (await run(['-n'])).stdout;
  expect(dry).toMatch(/^the disk is too small by about \d+ TB$/m);
  expect(dry).toMatch(
    /^nothing was written; delete each archive .*--delete-archives .*, or continue anyway with -y/m,
  );
  // Only with the answer of the user the same command would do it.
  expect(dry).not.toContain('does it');
  expect((await run(['-n', '-y'])).stdout).toMatch(/` does it$/m);
});
