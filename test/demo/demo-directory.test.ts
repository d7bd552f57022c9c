import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { isDemoDirectory } from '../../src/demo/demo-directory.ts';
import { runDemo } from '../../src/demo/run-demo.ts';
import { runCli } from '../support/run-cli.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();

it('in the directory of a demo, what needs a source is done by `ccxri demo`', async () => {
  const root = await tempDir();
  const cwd = join(root, 'a demo');
  await runDemo({ dest: cwd });
  expect(await isDemoDirectory(cwd)).toBe(true);
  const again = await runCli(['demo'], { cwd });
  const beside = join(dirname(cwd), 'cc-cxri');
  expect(again.stdout).toContain(`ccxri fetch --subset viral -n --dest ${beside}  # the real`);
  for (const path of ['archives/ChestDx-1.zip', 'images/ChestDx-1', 'labels/chest_dx.csv']) {
    await rm(join(cwd, path), { recursive: true });
  }
  const step = (dest = '') =>
    `next: run \`ccxri demo${dest}\` to serve these files again and fetch what is missing\n`;
  for (const argv of [
    ['fetch'],
    ['fetch', '--subset', 'chestdx', '--retries', '0'],
    ['verify', '--subset', 'all'],
    ['links'],
  ]) {
    const { stdout, stderr } = await runCli(argv, { cwd });
    expect(stderr, argv.join(' ')).toContain(step());
    expect(`${stdout}${stderr}`).not.toMatch(/`ccxri (?:fetch|links)|page\.html/);
  }
  const dry = await runCli(['fetch', '--subset', 'all', '-n'], { cwd });
  expect(dry.stdout).toContain('nothing was written; `ccxri demo` does it');
  const named = await runCli(['verify', cwd, '--subset', 'all']);
  expect(named.stderr).toContain(step(` --dest '${cwd}'`));
  const sourced = ['fetch', '--subset', 'all', '--source', join(root, 'none')];
  expect((await runCli(sourced, { cwd })).stderr).not.toContain('ccxri demo');
  expect((await runCli(['demo'], { cwd })).code).toBe(0);
  expect((await runCli(['verify', '--subset', 'all'], { cwd })).code).toBe(0);
});
