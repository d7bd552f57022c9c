import { cp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { BUNDLED_MANIFEST_PATH } from '../../src/manifest/load.ts';
import { documentOf, runCli } from '../support/run-cli.ts';
import { makeStandIn } from '../support/stand-in.ts';
import { useTempDirs } from '../support/temp-dirs.ts';
import { rot } from '../support/verify.ts';

const tempDir = useTempDirs();
const bundled = ['--manifest', BUNDLED_MANIFEST_PATH];

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

it('every command works by the manifest that the directory keeps', async () => {
  const dest = await labsOwn();
  for (const command of [['status'], ['verify'], ['verify', '--deep'], ['join'], ['list']]) {
    const { code, stderr } = await runCli([...command, '--dest', dest]);
    expect(code, command.join()).toBe(0);
    expect(stderr).not.toContain('manifest');
  }
  const { stdout } = await runCli(['list', '--dest', dest, '--json']);
  expect(documentOf(stdout).result).toMatchObject({ files: { length: 8 } });
});

it('names both where another is given, and repeats in its advice what the directory does not keep', async () => {
  const dest = await labsOwn();
  const { stderr, stdout } = await runCli(['verify', dest, '--quick', ...bundled]);
  const warnings = stderr.split('\n').filter((line) => line.startsWith('warning:'));
  expect(warnings).toEqual([
    expect.stringMatching(
      /cc-cxri\.json \(CC-CXRI 2\.0, SHA-256 \w{12}…\) is used, not the manifest that .+set keeps \(.+, SHA-256 \w{12}…\)$/,
    ),
  ]);
  expect(stdout).toContain(`--manifest ${BUNDLED_MANIFEST_PATH}\` reads`);
  expect((await runCli(['verify', dest, '--quick', '-q', ...bundled])).stderr).not.toContain(
    'warning',
  );
  const env = { CCXRI_MANIFEST: BUNDLED_MANIFEST_PATH };
  expect((await runCli(['status', dest], { env })).stderr).toContain('is used, not the manifest');
});

it('a copy whose kept manifest is damaged is not called bad by the one used instead', async () => {
  const dest = await labsOwn();
  const copy = join(await tempDir(), 'copy');
  // As `cp -r` does: the ledger does not know the files' times.
  await cp(dest, copy, { recursive: true });
  await writeFile(join(copy, '.ccxri/manifest.json'), 'x', { flag: 'a' });
  for (const folder of ['archives', 'labels']) {
    for (const name of await readdir(join(copy, folder))) {
      await utimes(join(copy, folder, name), 1e9, 1e9);
    }
  }
  const { code, stdout, stderr } = await runCli(['verify', copy]);
  expect(code, stderr).toBe(2);
  expect(stderr).toContain("the manifest that the directory keeps, can't be used");
  expect(stderr).toContain('right by another manifest than the one that is used');
  expect(stdout + stderr).not.toMatch(/\bbad\b|move /);
});

it('images whose archive was deleted are not right by another, also where its MD5 is disputed', async () => {
  const dest = await labsOwn();
  await rm(join(dest, 'archives/Viral-1.zip'));
  expect((await runCli(['verify', dest, '--file', 'Viral-1'])).code).toBe(0);
  const { code, stderr } = await runCli(['verify', dest, '--file', 'Viral-1', ...bundled]);
  expect(code).toBe(2);
  expect(stderr).toContain('right by another manifest');
});

it('`fetch` leaves them alone', async () => {
  const dest = await labsOwn();
  const argv = ['fetch', dest, '--subset', 'normal', ...bundled, '--source', dest];
  const { code, stderr } = await runCli(argv);
  expect(code).toBe(2);
  expect(stderr).toMatch(/^next: leave out the manifest that you named/m);
});

it('`extract` leaves them alone', async () => {
  const dest = await labsOwn();
  await rm(join(dest, 'images'), { recursive: true });
  const { code, stderr } = await runCli(['extract', dest, '--file', 'Normal-4', ...bundled]);
  expect(code).toBe(2);
  expect(stderr).toContain('right by another manifest');
  expect((await runCli(['extract', dest])).code).toBe(0);
});

it('`status` with another manifest says in one line whose the files are', async () => {
  const dest = await labsOwn();
  const { code, stdout } = await runCli(['status', '--dest', dest, ...bundled]);
  expect(code).toBe(0);
  expect(stdout).toContain('8 files are right by another manifest');
  expect(stdout).not.toMatch(/changed|not checked|Viral-1/);
});

it.each([[], ['--quick'], ['--deep']])(
  '`verify %s` with another manifest says it once, and changes nothing',
  async (...flags) => {
    const dest = await labsOwn();
    const argv = ['verify', '--dest', dest, ...bundled, ...flags];
    // Again: the first run must not have taken them for bad.
    const runs = [await runCli(argv), await runCli(argv)];
    for (const { code, stdout, stderr } of runs) {
      expect(code).toBe(2);
      expect(stdout).toMatch(/^not good: 8 files /);
      expect(stderr).toMatch(/^error: 8 files: right by another manifest: that of /m);
      expect(stderr.match(/right by another manifest/g)?.length).toBe(1);
      expect(stderr).not.toMatch(/size|move|bad/);
      expect(stderr).toMatch(/^next: leave out the manifest that you named/m);
    }
  },
);

it('`verify --quick` goes by the size, where the ledger is lost', async () => {
  const dest = await labsOwn();
  await rm(join(dest, '.ccxri/ledger'), { recursive: true });
  const argv = ['verify', dest, '--quick', '--file', 'Normal-4', ...bundled];
  const { code, stdout, stderr } = await runCli(argv);
  expect(code).toBe(2);
  expect(stderr).toContain('right by another manifest');
  expect(stdout + stderr).not.toMatch(/\bbad\b|wrong size/);
});

it('`verify` says it of images whose archives were deleted', async () => {
  const dest = await labsOwn();
  await rm(join(dest, 'archives'), { recursive: true });
  const { code, stderr } = await runCli([
    'verify',
    '--dest',
    dest,
    '--file',
    'Normal-4',
    ...bundled,
  ]);
  expect(code).toBe(2);
  expect(stderr).toMatch(/: right by another manifest/);
});

it('`verify` does not take rotten bytes for those of another manifest', async () => {
  const dest = await labsOwn();
  const path = join(dest, 'archives/Normal-4.zip');
  const { atime, mtime } = await stat(path);
  await rot(path);
  await utimes(path, atime, mtime);
  const argv = ['verify', '--dest', dest, '--file', 'Normal-4', ...bundled];
  const { stdout, stderr } = await runCli(argv);
  expect(stdout + stderr).not.toContain('another manifest');
  expect(stdout + stderr).toContain('wrong size');
});
