import { rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runCli } from '../support/run-cli.ts';
import { makeStandIn } from '../support/stand-in.ts';
import { useTempDirs } from '../support/temp-dirs.ts';
import { rot } from '../support/verify.ts';

const tempDir = useTempDirs();

/** A small release under the published names, in a dataset directory: fetched with its manifest. */
async function labsOwn(): Promise<string> {
  const root = await tempDir();
  const { manifestPath, directory } = await makeStandIn(join(root, 'release'));
  const dest = join(root, 'set');
  const argv = ['--subset', 'all', '--dest', dest, '--source', directory];
  const { code, stderr } = await runCli(['fetch', ...argv, '--manifest', manifestPath]);
  expect(code, stderr).toBe(0);
  return dest;
}

it('`status` without the manifest says in one line whose the files are', async () => {
  const dest = await labsOwn();
  const { code, stdout } = await runCli(['status', '--dest', dest]);
  expect(code).toBe(0);
  expect(stdout).toContain('8 files passed for another manifest: did you mean --manifest FILE?\n');
  expect(stdout).not.toMatch(/changed|not checked|Viral-1/);
});

it.each([[], ['--quick'], ['--deep']])(
  '`verify %s` without the manifest says it once, and changes nothing',
  async (...flags) => {
    const dest = await labsOwn();
    const argv = ['verify', '--dest', dest, ...flags];
    // Again: the first run must not have taken them for bad.
    const runs = [await runCli(argv), await runCli(argv)];
    for (const { code, stdout, stderr } of runs) {
      expect(code).toBe(3);
      expect(stdout).toMatch(/^not good: 8 files /);
      expect(stderr).toMatch(/^error: 8 files: it passed for another manifest/m);
      expect(stderr.match(/passed for another manifest/g)?.length).toBe(1);
      expect(stderr).not.toMatch(/size|move/);
      expect(stderr).toMatch(/^next: name its manifest with --manifest FILE/m);
    }
  },
);

it('`verify` says it of images whose archives were deleted', async () => {
  const dest = await labsOwn();
  await rm(join(dest, 'archives'), { recursive: true });
  const { code, stderr } = await runCli(['verify', '--dest', dest, '--subset', 'normal']);
  expect(code).toBe(3);
  expect(stderr).toMatch(/: it passed for another manifest/);
});

it('`verify` does not take rotten bytes for those of another manifest', async () => {
  const dest = await labsOwn();
  const path = join(dest, 'archives/Normal-4.zip');
  const { atime, mtime } = await stat(path);
  await rot(path);
  await utimes(path, atime, mtime);
  const { stdout } = await runCli(['verify', '--dest', dest, '--file', 'Normal-4']);
  expect(stdout).not.toContain('another manifest');
});
