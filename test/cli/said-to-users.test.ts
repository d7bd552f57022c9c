import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { runCli } from '../support/run-cli.ts';
import { useServedDirectory } from '../support/served.ts';
import { type StandIn, makeStandIn } from '../support/stand-in.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const serve = useServedDirectory();

let release: StandIn;
beforeAll(async () => {
  const directory = await mkdtemp(join(tmpdir(), 'ccxri-release-'));
  release = await makeStandIn(directory);
  return () => rm(directory, { recursive: true, force: true });
});

it('list breaks its notes at blanks on a terminal, and leaves commands whole', async () => {
  const { stdout } = await runCli(['list'], { columns: 80, env: { NO_COLOR: '1' } });
  const lines = stdout.split('\n');
  expect(lines.filter((line) => line.length > 80)).toEqual([]);
  expect(stdout).toContain('`ccxri list --subset NAME`');
  expect(stdout).toContain('`ccxri fetch --subset NAME`');
});

it('what is not shown in the command is said to be needed again', async () => {
  const dest = join(await tempDir(), 'set');
  const { url } = await serve(release.directory);
  const set = ['--dest', dest, '--manifest', release.manifestPath];
  const argv = ['fetch', '--subset', 'all', '--dry-run', ...set];
  const bare = await runCli([...argv, '--source', url]);
  expect(bare.stdout).toMatch(/nothing was written; `ccxri fetch [^`]*` does it/);
  const signed = ['--source', url.replace('://', '://me:secret@'), '--header', 'X-Token: 1'];
  const { stdout } = await runCli([...argv, ...signed]);
  expect(stdout).toContain('` (with your --header, with user and password in --source) does it');
  expect(stdout).not.toContain('secret');
});

it('the command that does what a dry run has shown has every option of it', async () => {
  const dest = join(await tempDir(), 'set');
  const set = ['--dest', dest, '--manifest', release.manifestPath, '--source', release.directory];
  const more =
    '--limit-rate 10M --connections 3 --concurrency 2 --retries 4 --timeout 20 --wait --delete-archives --keep-good --no-join --strict --no-progress --color never --header-host a.example --header-host b.example';
  const argv = ['fetch', '--subset', 'chestdx', '--file', 'Normal-4', ...more.split(' '), ...set];
  const { stdout } = await runCli([...argv, '-n', '--page-url', 'https://a.example/p?key=hidden']);
  const [, command = ''] = /nothing was written; `ccxri ([^`]*)` does it/.exec(stdout) ?? [];
  const pairsOf = (text: string) => text.split(/ (?=--)/).sort();
  const page = "--page-url 'https://a.example/p?key=…'";
  expect(pairsOf(command)).toEqual(pairsOf(`${argv.join(' ')} ${page}`));
});

it('a wrong value points to the help of its own command', async () => {
  const { code, stderr } = await runCli(['fetch', '--subset', 'all', '--concurrency', '0']);
  expect(code).toBe(2);
  expect(stderr.replace(/\s+/g, ' ')).toContain('run `ccxri help fetch` to see its options');
});
