import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { readVersion } from '../../src/fs/package-version.ts';
import { useProgram } from '../support/program.ts';
import { documentOf } from '../support/run-cli.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const tempDir = useTempDirs();
const { bash, command } = useProgram();
/** npm as it is set up on this machine: its registry, certificates and proxy. */
const env = {
  ...Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      value === undefined || /^(?:ccxri_|npm_|vitest)/i.test(name) ? [] : [[name, value] as const],
    ),
  ),
  npm_config_prefer_offline: 'true',
  npm_config_audit: 'false',
  GIT_CONFIG_GLOBAL: '/dev/null',
};
const isClone = await access(join(root, '.git')).then(
  () => true,
  () => false,
);

it.skipIf(!isClone)(
  'an installation from git has the program, the library and nothing to build them with',
  async () => {
    const repository = await tempDir();
    // The tree as it is now, committed or not.
    const commit =
      'git ls-files -zco --exclude-standard | xargs -0 cp --parents -t "$to" && cd "$to" && git init -q && ' +
      'git add -A && git -c user.name=test -c user.email=test@example.org commit -qm tree';
    const committed = await bash(`cd '${root}' && to='${repository}' && ${commit}`);
    expect(committed.code, committed.stderr).toBe(0);
    const home = await tempDir();
    const url = `git+${pathToFileURL(repository).href}`;
    const installed = await command('npm', ['install', '--prefix', home, url], env);
    expect(installed.code, installed.stderr).toBe(0);

    const program = join(home, 'node_modules/.bin/ccxri');
    expect(await command(program, ['--version'])).toMatchObject({ stdout: `${readVersion()}\n` });
    expect(documentOf((await command(program, ['list', '--json'])).stdout).counts).toEqual({
      files: 84,
    });
    const listed = await bash(`cd '${home}' && node -e "import('ccxri').then(console.log)"`);
    expect(listed.stdout).toContain('fetchDataset');
    const shipped = await bash(`ls '${home}/node_modules' '${home}/node_modules/ccxri'`);
    expect(shipped.stdout).toMatch(/^dist$/m);
    expect(shipped.stdout).not.toMatch(/^(?:src|scripts|test|tsx|esbuild|typescript|undici)$/m);
  },
  300_000,
);
