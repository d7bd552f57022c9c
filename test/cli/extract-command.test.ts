import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { runCli } from '../support/run-cli.ts';
import { type StandIn, makeStandIn } from '../support/stand-in.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
let release: StandIn;
beforeAll(async () => {
  const directory = await mkdtemp(join(tmpdir(), 'ccxri-release-'));
  release = await makeStandIn(directory);
  return () => rm(directory, { recursive: true, force: true });
});

it('a dry run names the command that does it, and a run what is left to do', async () => {
  const dest = join(await tempDir(), 'set');
  const where = ['--dest', dest, '--manifest', release.manifestPath];
  const source = ['--source', release.directory, '--no-extract'];
  expect((await runCli(['fetch', '--subset', 'chestdx', ...where, ...source])).code).toBe(0);
  const endOf = async (...argv: readonly string[]) => {
    const { stdout } = await runCli(['extract', '--subset', 'chestdx', ...argv, ...where]);
    return stdout.trimEnd().split('\n').at(-1);
  };
  expect(await endOf('-n')).toBe(
    `nothing was written; \`ccxri extract --subset chestdx --dest ${dest}\` does it`,
  );
  const join_ = `next: \`ccxri join --dest ${dest}\` writes index.csv`;
  expect(await endOf()).toBe(join_);
  expect(await endOf()).toBe(join_);
  expect(await endOf('-n')).toBe('nothing was written; nothing is left to extract');
  expect((await runCli(['join', ...where])).code).toBe(0);
  expect(await endOf()).not.toContain('ccxri join');
});
