import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { runCli } from '../support/run-cli.ts';
import { type StandIn, makeStandIn } from '../support/stand-in.ts';
import { useTempDirs } from '../support/temp-dirs.ts';
import { rot } from '../support/verify.ts';

const tempDir = useTempDirs();
let release: StandIn;
beforeAll(async () => {
  const directory = await mkdtemp(join(tmpdir(), 'ccxri-release-'));
  release = await makeStandIn(directory);
  return () => rm(directory, { recursive: true, force: true });
});

async function fetched() {
  const dest = join(await tempDir(), 'set');
  const where = ['--dest', dest, '--manifest', release.manifestPath];
  const source = ['--source', release.directory];
  const { code, stderr } = await runCli(['fetch', '--subset', 'chestdx', ...where, ...source]);
  expect(code, stderr).toBe(0);
  return { dest, where, ends: ` --dest ${dest}\`` };
}

it('reports a damaged image, and each suggested command restores it', async () => {
  const { dest, where, ends } = await fetched();
  const [image] = release.images.filter(({ archive }) => archive === 'ChestDx-1');
  await rot(join(dest, 'images', 'ChestDx-1', image?.name ?? ''));
  const verified = await runCli(['verify', '--deep', ...where]);
  expect(verified.code).toBe(3);
  expect(verified.stderr).toContain(
    `next: run \`ccxri extract --file ChestDx-1${ends} to restore them`,
  );
  const { stdout } = await runCli(['status', ...where]);
  expect(stdout).toMatch(/^ChestDx-1\.zip +bad, images damaged or missing /m);
  expect(stdout).toContain(
    `images of 1 archive found damaged by verify: restore them with \`ccxri fetch --file ChestDx-1${ends}`,
  );
  const restored = await runCli(['fetch', '--file', 'ChestDx-1', ...where]);
  expect(restored.code, restored.stderr).toBe(0);
  expect((await runCli(['verify', '--deep', ...where])).code).toBe(0);
  expect((await runCli(['status', ...where])).stdout).not.toContain('damaged');
});

it('misses images that are gone (code 5), and gives one next step for all of them', async () => {
  const { dest, where, ends } = await fetched();
  await rm(join(dest, 'images'), { recursive: true });
  const { code, stderr } = await runCli(['verify', '--deep', ...where]);
  expect(code).toBe(5);
  expect(stderr.match(/^error: .*/gm)).toEqual([
    'error: 2 files were extracted, and the images are gone',
  ]);
  expect(stderr).toContain('  files:    ChestDx-1…2.zip\n');
  expect(stderr.match(/^next: .*/gm)).toEqual([
    `next: run \`ccxri extract${ends} to bring back all images that are gone`,
  ]);
  expect((await runCli(['extract', ...where])).code).toBe(0);
  expect((await runCli(['verify', '--deep', ...where])).code).toBe(0);
});
